export type { CheckResult, TcbReport, TeeVerdict } from '../verdict.ts'
export { NITRO_CHECKS } from './checks.ts'
export type { NitroCertificate, NitroClaims } from './claims.ts'
export {
  DEFAULT_NITRO_APPRAISAL,
  type NitroAppraisal,
  type NitroRelyingParty,
  nitroAppraisal,
  nitroRelyingParty,
} from './policy.ts'
export { inspectNitro, type NitroOptions, verifyNitro } from './verify.ts'
