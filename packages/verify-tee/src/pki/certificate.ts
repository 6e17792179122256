import { bytesToHex, concatBytes } from '@noble/hashes/utils.js'
import { equalBytes, isZero } from '../bytes.ts'
import { malformed } from '../ledger.ts'
import { publicKey, signatureAlgorithm } from './algorithm.ts'
import {
  children,
  type Der,
  DerFields,
  derBitString,
  derBoolean,
  derOid,
  derSignature,
  derSmall,
  derTime,
  derUnsigned,
  parseDer,
  TAG,
} from './der.ts'
import { FIELD_BYTES, type PublicKey, type SignatureAlgorithm } from './signature/index.ts'

export interface Extension {
  readonly critical: boolean
  /** The DER inside the OCTET STRING. */
  readonly value: Uint8Array
}

/** An X.509 certificate of version 3 (RFC 5280). Views of the DER that it was read from. Times are Unix seconds. */
export interface Certificate {
  readonly der: Uint8Array
  /** What was signed. */
  readonly tbs: Uint8Array
  /** Lower-case hexadecimal, without a leading zero byte. */
  readonly serial: string
  /** The DER of the names: names are equal when their bytes are. */
  readonly issuer: Uint8Array
  readonly subject: Uint8Array
  readonly notBefore: bigint
  readonly notAfter: bigint
  readonly key: PublicKey
  readonly algorithm: SignatureAlgorithm
  /** In the fixed-width form of {@link SignatureAlgorithm}. */
  readonly signature: Uint8Array
  readonly extensions: ReadonlyMap<string, Extension>
  /** Absent: not a CA. */
  readonly ca?: { readonly pathLength?: number }
  /** Named bits of key usage. Absent: not restricted. */
  readonly keyUsage?: ReadonlySet<KeyUsage>
}

export type KeyUsage = 'digitalSignature' | 'keyCertSign' | 'cRLSign' | 'other'

export const EXTENSION = { basicConstraints: '2.5.29.19', keyUsage: '2.5.29.15', commonName: '2.5.4.3' } as const

export const MAX_CERTIFICATE_BYTES = 16_384
/** Vendors write twelve at most. */
const MAX_EXTENSIONS = 64

export function parseCertificate(der: Uint8Array, name: string): Certificate {
  if (der.length > MAX_CERTIFICATE_BYTES)
    throw malformed(name, `at most ${MAX_CERTIFICATE_BYTES} bytes`, `${der.length}`)
  const outer = new DerFields(parseDer(der, name), name)
  const tbs = outer.next('tbsCertificate', TAG.sequence)
  const algorithmField = outer.next('signatureAlgorithm')
  const algorithm = signatureAlgorithm(algorithmField, `${name}.signatureAlgorithm`)
  const signature = signatureOf(outer.next('signature'), algorithm, `${name}.signature`)
  outer.end()

  const fields = new DerFields(tbs, name)
  const version = new DerFields(fields.next('version', 0xa0), `${name}.version`, 0xa0)
  const number = derSmall(version.next('version'), `${name}.version`, 2)
  version.end()
  if (number !== 2) throw malformed(`${name}.version`, 'version 3', `${number + 1}`)
  const serial = derUnsigned(fields.next('serialNumber'), `${name}.serialNumber`)
  if (serial.length > 20) throw malformed(`${name}.serialNumber`, 'at most 20 bytes', `${serial.length}`)
  if (!equalBytes(fields.next('signature').raw, algorithmField.raw))
    throw malformed(`${name}.signatureAlgorithm`, 'the algorithm that is signed', 'another')
  const issuer = fields.next('issuer', TAG.sequence).raw
  const validity = new DerFields(fields.next('validity'), `${name}.validity`)
  const notBefore = derTime(validity.next('notBefore'), `${name}.notBefore`)
  const notAfter = derTime(validity.next('notAfter'), `${name}.notAfter`)
  validity.end()
  const subject = fields.next('subject', TAG.sequence).raw
  const key = publicKey(fields.next('subjectPublicKeyInfo'), `${name}.subjectPublicKeyInfo`)
  const list = fields.optional(0xa3)
  fields.end()
  const extensions =
    list === undefined ? new Map<string, Extension>() : readExtensions(list, 0xa3, `${name}.extensions`)
  const ca = basicConstraints(extensions, name)
  const keyUsage = usage(extensions, name)
  return {
    der,
    tbs: tbs.raw,
    serial: bytesToHex(serial),
    issuer,
    subject,
    notBefore,
    notAfter,
    key,
    algorithm,
    signature,
    extensions,
    ...(ca === undefined ? {} : { ca }),
    ...(keyUsage === undefined ? {} : { keyUsage }),
  }
}

function signatureOf(value: Der, algorithm: SignatureAlgorithm, name: string): Uint8Array {
  const bits = derBitString(value, name)
  if (algorithm === 'rsa-pss-sha384') return bits
  return derSignature(bits, FIELD_BYTES[algorithm === 'ecdsa-p256-sha256' ? 'P-256' : 'P-384'], name)
}

/**
 * Of lists and answers. ECDSA with SHA-256 may be on P-384 there, as NVIDIA signs its lists; the identifier does not say the
 * curve, but numbers of more than 32 bytes are of no smaller one, and whoever verifies holds the key against it.
 */
export function signedWith(
  algorithm: SignatureAlgorithm,
  value: Der,
  name: string,
): { readonly algorithm: SignatureAlgorithm; readonly signature: Uint8Array } {
  if (algorithm !== 'ecdsa-p256-sha256') return { algorithm, signature: signatureOf(value, algorithm, name) }
  const wide = derSignature(derBitString(value, name), FIELD_BYTES['P-384'], name)
  const [r, s] = [wide.subarray(0, 48), wide.subarray(48)]
  if (!isZero(r.subarray(0, 16)) || !isZero(s.subarray(0, 16)))
    return { algorithm: 'ecdsa-p384-sha256', signature: wide }
  return { algorithm, signature: concatBytes(r.subarray(16), s.subarray(16)) }
}

/** `[tag] EXPLICIT SEQUENCE OF Extension`, each identifier once. */
export function readExtensions(explicit: Der, tag: number, name: string): ReadonlyMap<string, Extension> {
  const [list, ...more] = children(explicit, name, tag)
  if (list === undefined || more.length > 0) throw malformed(name, 'one list', `${more.length}`)
  return extensionList(list, name)
}

export function extensionList(list: Der, name: string): ReadonlyMap<string, Extension> {
  const found = new Map<string, Extension>()
  for (const entries = new DerFields(list, name); entries.more; ) {
    const fields = new DerFields(entries.next('extension'), name)
    const oid = derOid(fields.next('id'), name)
    const flag = fields.optional(TAG.boolean)
    // Some vendors write the default, false, out.
    const critical = flag === undefined ? false : derBoolean(flag, `${name}.${oid}`)
    const value = fields.next(oid, TAG.octetString).content
    fields.end()
    if (found.has(oid)) throw malformed(name, 'each extension once', `${oid} twice`)
    if (found.size === MAX_EXTENSIONS) throw malformed(name, `at most ${MAX_EXTENSIONS} extensions`, 'more')
    found.set(oid, { critical, value })
  }
  return found
}

function basicConstraints(
  extensions: ReadonlyMap<string, Extension>,
  name: string,
): { readonly pathLength?: number } | undefined {
  const extension = extensions.get(EXTENSION.basicConstraints)
  if (extension === undefined) return undefined
  const field = `${name}.basicConstraints`
  const fields = new DerFields(parseDer(extension.value, field), field)
  const flag = fields.optional(TAG.boolean)
  const isCa = flag !== undefined && derBoolean(flag, field)
  const length = fields.optional(TAG.integer)
  fields.end()
  if (!isCa) return undefined
  return length === undefined ? {} : { pathLength: derSmall(length, field, 16) }
}

function usage(extensions: ReadonlyMap<string, Extension>, name: string): ReadonlySet<KeyUsage> | undefined {
  const extension = extensions.get(EXTENSION.keyUsage)
  if (extension === undefined) return undefined
  const bits = derBitString(parseDer(extension.value, `${name}.keyUsage`), `${name}.keyUsage`, 'named')
  const names: Readonly<Record<number, KeyUsage>> = { 0: 'digitalSignature', 5: 'keyCertSign', 6: 'cRLSign' }
  const found = new Set<KeyUsage>()
  for (let i = 0; i < 8 * bits.length; i++)
    if (((bits[i >> 3] ?? 0) >> (7 - (i & 7))) & 1) found.add(names[i] ?? 'other')
  return found
}

const UTF8 = new TextDecoder('utf-8', { fatal: false })

/** By object: those of issuers stay. */
const read = new WeakMap<Uint8Array, { readonly name: string | undefined }>()

/** The common name in a Name, for people and for vendors that put a meaning into it. */
export function commonName(subject: Uint8Array): string | undefined {
  const known = read.get(subject) ?? { name: readCommonName(subject) }
  read.set(subject, known)
  return known.name
}

function readCommonName(subject: Uint8Array): string | undefined {
  for (const set of children(parseDer(subject, 'name'), 'name')) {
    for (const attribute of children(set, 'name', TAG.set)) {
      const [type, value] = children(attribute, 'name')
      if (type === undefined || value === undefined || derOid(type, 'name') !== EXTENSION.commonName) continue
      if (value.tag === TAG.utf8 || value.tag === TAG.printable || value.tag === TAG.ia5) return textOf(value)
    }
  }
  return undefined
}

function textOf(value: Der): string {
  const { source, from, end } = value
  let text = ''
  for (let at = from; at < end; at++) {
    const byte = source[at] ?? 0
    if (byte >= 0x80) return UTF8.decode(value.content)
    text += String.fromCharCode(byte)
  }
  return text
}
