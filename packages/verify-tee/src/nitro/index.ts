export type { Encoded } from '../pki/index.ts'
export type { CheckDescriptor, CheckResult, TcbReport, TeeVerdict } from '../verdict.ts'
export { NITRO_CHECKS, type NitroCheck } from './checks.ts'
export type { NitroCertificate, NitroClaims } from './claims.ts'
export {
  type NitroAppraisal,
  type NitroRelyingParty,
  nitroAppraisal,
  nitroDefaults,
  nitroRelyingParty,
} from './policy.ts'
export { AWS_NITRO_ROOT_G1 } from './roots.ts'
export { inspectNitro, type NitroOptions, verifyNitro } from './verify.ts'
