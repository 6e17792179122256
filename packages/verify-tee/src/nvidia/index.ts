export type { Encoded } from '../pki/index.ts'
export type { CheckDescriptor, CheckResult, TcbReport, TeeVerdict } from '../verdict.ts'
export { NVIDIA_CHECKS, type NvidiaCheck } from './checks.ts'
export type { NvidiaCertificate, NvidiaClaims, NvidiaDevice } from './claims.ts'
export type { NvidiaCollateral } from './collateral.ts'
export { nonceForCpu } from './cpu.ts'
export {
  type CpuRule,
  type NvidiaAppraisal,
  type NvidiaRelyingParty,
  nvidiaAppraisal,
  nvidiaDefaults,
  nvidiaRelyingParty,
} from './policy.ts'
export { NRAS_ISSUER, NVIDIA_DEVICE_ROOT } from './roots.ts'
export { inspectNvidia, type NvidiaOptions, verifyNvidia } from './verify.ts'
