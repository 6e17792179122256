export { type CollateralCache, diskCache } from '../disk-cache.ts'
export type { Encoded } from '../pki/index.ts'
export type { CheckDescriptor, CheckResult, TcbReport, TeeVerdict } from '../verdict.ts'
export { SEV_SNP_CHECKS, type SevSnpCheck } from './checks.ts'
export type { SevSnpClaims, TcbVersion } from './claims.ts'
export type { SevSnpCollateral } from './collateral.ts'
export { AMD_KDS, type FetchSevSnpOptions, fetchSevSnpCollateral } from './fetch.ts'
export { inspectSevSnp, type SevSnpInspection, type SevSnpTableEntry } from './inspect.ts'
export type { FirmwareVersion, GuestPolicy, PlatformInfo, SigningKey } from './parse.ts'
export {
  type SevSnpAppraisal,
  type SevSnpRelyingParty,
  sevSnpAppraisal,
  sevSnpDefaults,
  sevSnpRelyingParty,
} from './policy.ts'
export type { Cpuid, Product, TcbComponents } from './product.ts'
export { type SevSnpOptions, verifySevSnp } from './verify.ts'
