export {
  type Certificate,
  commonName,
  EXTENSION,
  type Extension,
  MAX_CERTIFICATE_BYTES,
  parseCertificate,
} from './certificate.ts'
export { type Crl, MAX_CRL_BYTES, parseCrl, verifyCrl } from './crl.ts'
export {
  children,
  type Der,
  DerFields,
  derBoolean,
  derOctets,
  derOid,
  derSignature,
  derSmall,
  derUnsigned,
  parseDer,
  TAG,
} from './der.ts'
export { equalKeys, type PathOptions, type PathResult, verifyPath } from './path.ts'
export { decodeBase64, decodeBase64Url, parsePem } from './pem.ts'
export {
  defaultBackend,
  FIELD_BYTES,
  nobleBackend,
  nodeBackend,
  type PublicKey,
  type SignatureAlgorithm,
  type SignatureBackend,
  webBackend,
} from './signature/index.ts'
