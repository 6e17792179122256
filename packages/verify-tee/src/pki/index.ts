export { publicKey, signatureAlgorithm } from './algorithm.ts'
export {
  type Certificate,
  commonName,
  parseCertificate,
  signedWith,
} from './certificate.ts'
export { type Crl, parseCrl, verifyCrl } from './crl.ts'
export {
  children,
  type Der,
  DerFields,
  derBoolean,
  derOctets,
  derOid,
  derSmall,
  derTime,
  derUnsigned,
  parseDer,
  TAG,
} from './der.ts'
export { certificateDers, crlDer, type Encoded, MAX_ENCODED } from './encoded.ts'
export { equalKeys, verifyPath } from './path.ts'
export { decodeBase64, parsePem } from './pem.ts'
export {
  defaultBackend,
  nobleBackend,
  nodeBackend,
  type PublicKey,
  type SignatureAlgorithm,
  type SignatureBackend,
  webBackend,
} from './signature/index.ts'
