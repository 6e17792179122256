export { type CollateralCache, diskCache } from '../disk-cache.ts'
export type { Encoded } from '../pki/index.ts'
export type { CheckDescriptor, CheckResult, TcbReport, TeeVerdict } from '../verdict.ts'
export type { PckId } from './certification.ts'
export { INTEL_CHECKS, type IntelCheck } from './checks.ts'
export { type IntelClaims, inspectIntel } from './claims.ts'
export type { IntelCollateral } from './collateral.ts'
export { type MeasuredEvent, type Rtmrs, replayEventLog } from './event-log.ts'
export { type FetchIntelOptions, fetchIntelCollateral, INTEL_PCS } from './fetch.ts'
export {
  FEATURES,
  type IntelAppraisal,
  type IntelRelyingParty,
  intelAppraisal,
  intelDefaults,
  intelRelyingParty,
  SGX_ATTRIBUTES,
  TD_ATTRIBUTES,
} from './policy.ts'
export { INTEL_SGX_ROOT } from './roots.ts'
export { TCB_STATUSES, type TcbStatus } from './tcb.ts'
export { type IntelOptions, verifyIntel } from './verify.ts'
