import { bytesToHex } from '@noble/hashes/utils.js'
import { malformed } from '../ledger.ts'
import { type Der, DerFields, derBitString, derOid, derSmall, derUnsigned, parseDer, TAG } from './der.ts'
import { FIELD_BYTES, type PublicKey, type SignatureAlgorithm } from './signature/index.ts'

const EC_PUBLIC_KEY = '1.2.840.10045.2.1'
const RSA_ENCRYPTION = '1.2.840.113549.1.1.1'
const CURVES: Readonly<Record<string, 'P-256' | 'P-384'>> = { '1.2.840.10045.3.1.7': 'P-256', '1.3.132.0.34': 'P-384' }
const ECDSA: ReadonlyMap<string, SignatureAlgorithm> = new Map([
  ['1.2.840.10045.4.3.2', 'ecdsa-p256-sha256'],
  ['1.2.840.10045.4.3.3', 'ecdsa-p384-sha384'],
])
const RSASSA_PSS = '1.2.840.113549.1.1.10'
const MGF1 = '1.2.840.113549.1.1.8'
const SHA384 = '2.16.840.1.101.3.4.2.2'

/** RFC 5280 section 4.1.1.2, RFC 5758, RFC 4055. Anything else is refused by its identifier. */
export function signatureAlgorithm(value: Der, name: string): SignatureAlgorithm {
  const fields = new DerFields(value, name)
  const oid = derOid(fields.next('algorithm'), name)
  const known = ECDSA.get(oid)
  if (known === undefined) {
    if (oid !== RSASSA_PSS) throw malformed(name, 'ECDSA with SHA-256 or SHA-384, or RSASSA-PSS', oid)
    pssParameters(fields.next('parameters'), `${name}.parameters`)
  }
  fields.end()
  return known ?? 'rsa-pss-sha384'
}

/** SHA-384 in both places, 48 bytes of salt, trailer 1. */
function pssParameters(value: Der, name: string): void {
  const fields = new DerFields(value, name)
  const explicit = (tag: number, field: string): Der => {
    const outer = new DerFields(fields.next(field, tag), `${name}.${field}`, tag)
    const inner = outer.next(field)
    outer.end()
    return inner
  }
  hash(explicit(0xa0, 'hash'), `${name}.hash`)
  const generator = new DerFields(explicit(0xa1, 'mask'), `${name}.mask`)
  const oid = derOid(generator.next('algorithm'), `${name}.mask`)
  if (oid !== MGF1) throw malformed(`${name}.mask`, 'MGF1', oid)
  hash(generator.next('hash'), `${name}.mask.hash`)
  generator.end()
  const salt = derSmall(explicit(0xa2, 'salt'), `${name}.salt`, 255)
  if (salt !== 48) throw malformed(`${name}.salt`, '48', `${salt}`)
  const trailer = fields.optional(0xa3)
  // AMD writes the default out, which DER would leave away.
  if (trailer !== undefined && bytesToHex(trailer.content) !== '020101')
    throw malformed(`${name}.trailer`, '1', 'another')
  fields.end()
}

function hash(value: Der, name: string): void {
  const fields = new DerFields(value, name)
  const oid = derOid(fields.next('algorithm'), name)
  if (oid !== SHA384) throw malformed(name, 'SHA-384', oid)
  const none = fields.optional(TAG.null)
  if (none !== undefined && none.content.length !== 0) throw malformed(name, 'NULL', 'more')
  fields.end()
}

/** SubjectPublicKeyInfo. Points are checked to lie on the curve by whoever verifies with them. */
export function publicKey(value: Der, name: string): PublicKey {
  const fields = new DerFields(value, name)
  const algorithm = new DerFields(fields.next('algorithm'), `${name}.algorithm`)
  const oid = derOid(algorithm.next('algorithm'), name)
  const bits = derBitString(fields.next('key'), `${name}.key`)
  fields.end()
  if (oid === EC_PUBLIC_KEY) {
    const curveOid = derOid(algorithm.next('curve'), `${name}.curve`)
    algorithm.end()
    const curve = CURVES[curveOid]
    if (curve === undefined) throw malformed(`${name}.curve`, 'P-256 or P-384', curveOid)
    if (bits.length !== 1 + 2 * FIELD_BYTES[curve] || bits[0] !== 4)
      throw malformed(`${name}.key`, 'an uncompressed point', `${bits.length} bytes`)
    return { type: 'ec', curve, point: bits }
  }
  if (oid !== RSA_ENCRYPTION) throw malformed(`${name}.algorithm`, 'EC or RSA', oid)
  algorithm.next('parameters', TAG.null)
  algorithm.end()
  const key = new DerFields(parseDer(bits, `${name}.key`), `${name}.key`)
  const modulus = derUnsigned(key.next('modulus'), `${name}.modulus`)
  const exponent = derSmall(key.next('exponent'), `${name}.exponent`, 2 ** 33)
  key.end()
  return { type: 'rsa', modulus, exponent: BigInt(exponent) }
}
