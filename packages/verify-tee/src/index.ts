export { fail as teeErrors, type TeeErrorCode } from './errors.ts'
export {
  defaultBackend,
  nobleBackend,
  nodeBackend,
  type PublicKey,
  type SignatureAlgorithm,
  type SignatureBackend,
  webBackend,
} from './pki/index.ts'
export type { CheckDescriptor, CheckResult, Stage, TcbReport, TeeVerdict, Vendor } from './verdict.ts'
