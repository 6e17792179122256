/*
 * An authority of our own for tests: DER written by hand, certificates and revocation lists signed by node:crypto, with every
 * part open to change, so that a test can cheat in one place and be honest in all others.
 */
import { constants, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { concatBytes, hexToBytes } from '@noble/hashes/utils.js'
import { TAG } from './der.ts'
import type { Certificate, PublicKey, SignatureAlgorithm } from './index.ts'
import { parseCertificate } from './index.ts'
import { hashOf } from './signature/backend.ts'

export const tlv = (tag: number, ...parts: readonly Uint8Array[]): Uint8Array => {
  const content = concatBytes(...parts)
  const { length } = content
  const head =
    length < 0x80
      ? [length]
      : length < 0x100
        ? [0x81, length]
        : length < 0x10000
          ? [0x82, length >> 8, length & 0xff]
          : [0x83, length >> 16, (length >> 8) & 0xff, length & 0xff]
  return concatBytes(Uint8Array.of(tag, ...head), content)
}

export const sequence = (...parts: readonly Uint8Array[]): Uint8Array => tlv(TAG.sequence, ...parts)

/** Not negative. */
export function integer(value: bigint | number): Uint8Array {
  const hex = value.toString(16)
  const bytes = hexToBytes(hex.padStart(hex.length + (hex.length % 2), '0'))
  return tlv(TAG.integer, (bytes[0] ?? 0) >= 0x80 ? Uint8Array.of(0, ...bytes) : bytes)
}

export function oid(dotted: string): Uint8Array {
  const [root = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  const out: number[] = []
  for (const arc of [40 * root + second, ...rest]) {
    const septets = [arc % 128]
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) septets.unshift(128 + (left % 128))
    out.push(...septets)
  }
  return tlv(TAG.oid, Uint8Array.from(out))
}

export const bitString = (bytes: Uint8Array, unused = 0): Uint8Array => tlv(TAG.bitString, Uint8Array.of(unused), bytes)
export const octets = (bytes: Uint8Array): Uint8Array => tlv(TAG.octetString, bytes)
export const TRUE = Uint8Array.of(TAG.boolean, 1, 0xff)

/** Unix seconds; UTCTime until 2049, as RFC 5280 wants it. */
export function time(seconds: bigint): Uint8Array {
  const digits = new Date(Number(seconds) * 1000).toISOString().replace(/[-:T]|\.000/g, '')
  const short = Number(digits.slice(0, 4)) < 2050
  return tlv(short ? TAG.utcTime : TAG.generalizedTime, new TextEncoder().encode(short ? digits.slice(2) : digits))
}

/** A Name of one common name. */
export const nameOf = (commonName: string): Uint8Array =>
  sequence(tlv(TAG.set, sequence(oid('2.5.4.3'), tlv(TAG.utf8, new TextEncoder().encode(commonName)))))

export interface Key {
  readonly secret: KeyObject
  /** SubjectPublicKeyInfo. */
  readonly spki: Uint8Array
  readonly algorithm: SignatureAlgorithm
}

export function makeKey(algorithm: SignatureAlgorithm, rsaBits = 2048): Key {
  const { privateKey } =
    algorithm === 'rsa-pss-sha384'
      ? generateKeyPairSync('rsa', { modulusLength: rsaBits })
      : generateKeyPairSync('ec', { namedCurve: algorithm === 'ecdsa-p256-sha256' ? 'P-256' : 'P-384' })
  const spki = new Uint8Array(createPublicKey(privateKey).export({ type: 'spki', format: 'der' }))
  return { secret: privateKey, spki, algorithm }
}

/** ECDSA: `r || s` or, for X.509, DER. */
export function signWith(key: Key, message: Uint8Array, form: 'der' | 'ieee-p1363' = 'ieee-p1363'): Uint8Array {
  if (key.algorithm === 'rsa-pss-sha384') {
    const padding = constants.RSA_PKCS1_PSS_PADDING
    return new Uint8Array(sign('sha384', message, { key: key.secret, padding, saltLength: 48 }))
  }
  const hash = hashOf(key.algorithm)
  return new Uint8Array(sign(hash, message, { key: key.secret, dsaEncoding: form }))
}

const SHA384 = sequence(oid('2.16.840.1.101.3.4.2.2'), tlv(TAG.null))

export const PSS_ALGORITHM = sequence(
  oid('1.2.840.113549.1.1.10'),
  sequence(tlv(0xa0, SHA384), tlv(0xa1, sequence(oid('1.2.840.113549.1.1.8'), SHA384)), tlv(0xa2, integer(48))),
)

export const algorithmIdentifier = (algorithm: SignatureAlgorithm): Uint8Array =>
  algorithm === 'rsa-pss-sha384'
    ? PSS_ALGORITHM
    : sequence(oid(hashOf(algorithm) === 'sha256' ? '1.2.840.10045.4.3.2' : '1.2.840.10045.4.3.3'))

export const extension = (id: string, value: Uint8Array, critical = false): Uint8Array =>
  sequence(oid(id), ...(critical ? [TRUE] : []), octets(value))

/** Named bits, in DER: without trailing zeros. */
export function namedBits(...bits: readonly number[]): Uint8Array {
  const highest = Math.max(-1, ...bits)
  const bytes = new Uint8Array((highest >> 3) + 1)
  for (const bit of bits) bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) | (0x80 >> (bit & 7))
  return bitString(bytes, highest < 0 ? 0 : 7 - (highest & 7))
}

export const USAGE = { digitalSignature: 0, keyCertSign: 5, cRLSign: 6 } as const

export interface CertificateParts {
  readonly subject: string
  readonly key: Key
  /** Absent: signed by itself. */
  readonly issuer?: { readonly subject: string; readonly key: Key }
  readonly serial?: bigint
  /** Unix seconds. */
  readonly notBefore?: bigint
  readonly notAfter?: bigint
  /** A CA; `false` and absent: none. */
  readonly ca?: { readonly pathLength?: number } | false
  /** Bits; absent: what a CA or a leaf usually has; `null`: no such extension. */
  readonly usage?: readonly number[] | null
  /** More extensions, made by {@link extension}. */
  readonly extensions?: readonly Uint8Array[]
  /** DER instead of the usual one. */
  readonly version?: Uint8Array
  readonly validity?: Uint8Array
  readonly spki?: Uint8Array
  readonly outerAlgorithm?: Uint8Array
  /** Changes what is signed, or the signature over it. */
  readonly tbs?: (tbs: Uint8Array) => Uint8Array
  readonly signature?: (signature: Uint8Array) => Uint8Array
}

/** From 2001 to 2100, in Unix seconds. */
export const BEGIN = 978_307_200n
export const END = 4_102_444_800n

export function makeCertificate(parts: CertificateParts): Uint8Array {
  const { subject, key, ca, issuer = { subject, key } } = parts
  const isCa = ca !== undefined && ca !== false
  const usage = parts.usage === undefined ? (isCa ? [USAGE.keyCertSign, USAGE.cRLSign] : [0]) : parts.usage
  const extensions = [
    ...(isCa
      ? [extension('2.5.29.19', sequence(TRUE, ...(ca.pathLength === undefined ? [] : [integer(ca.pathLength)])), true)]
      : []),
    ...(usage === null ? [] : [extension('2.5.29.15', namedBits(...usage), true)]),
    ...(parts.extensions ?? []),
  ]
  const algorithm = algorithmIdentifier(issuer.key.algorithm)
  const tbs = sequence(
    parts.version ?? tlv(0xa0, integer(2)),
    integer(parts.serial ?? 1n),
    algorithm,
    nameOf(issuer.subject),
    parts.validity ?? sequence(time(parts.notBefore ?? BEGIN), time(parts.notAfter ?? END)),
    nameOf(subject),
    parts.spki ?? key.spki,
    ...(extensions.length === 0 ? [] : [tlv(0xa3, sequence(...extensions))]),
  )
  const signed = parts.tbs?.(tbs) ?? tbs
  const signature = signWith(issuer.key, signed, 'der')
  return sequence(signed, parts.outerAlgorithm ?? algorithm, bitString(parts.signature?.(signature) ?? signature))
}

export interface CrlParts {
  readonly issuer: { readonly subject: string; readonly key: Key }
  readonly thisUpdate?: bigint
  /** `null`: none. */
  readonly nextUpdate?: bigint | null
  readonly revoked?: readonly { readonly serial: bigint; readonly extensions?: readonly Uint8Array[] }[]
  readonly extensions?: readonly Uint8Array[]
  readonly version?: Uint8Array
  readonly outerAlgorithm?: Uint8Array
  readonly tbs?: (tbs: Uint8Array) => Uint8Array
  readonly signature?: (signature: Uint8Array) => Uint8Array
}

export function makeCrl(parts: CrlParts): Uint8Array {
  const { issuer, revoked = [], extensions = [extension('2.5.29.20', integer(1))] } = parts
  const algorithm = algorithmIdentifier(issuer.key.algorithm)
  const rows = revoked.map(({ serial, extensions: about = [] }) =>
    sequence(integer(serial), time(BEGIN), ...(about.length === 0 ? [] : [sequence(...about)])),
  )
  const tbs = sequence(
    parts.version ?? integer(1),
    algorithm,
    nameOf(issuer.subject),
    time(parts.thisUpdate ?? BEGIN),
    ...(parts.nextUpdate === null ? [] : [time(parts.nextUpdate ?? END)]),
    ...(rows.length === 0 ? [] : [sequence(...rows)]),
    ...(extensions.length === 0 ? [] : [tlv(0xa0, sequence(...extensions))]),
  )
  const signed = parts.tbs?.(tbs) ?? tbs
  const signature = signWith(issuer.key, signed, 'der')
  return sequence(signed, parts.outerAlgorithm ?? algorithm, bitString(parts.signature?.(signature) ?? signature))
}

const ISSUER = makeKey('ecdsa-p256-sha256')

export const publicKeyOf = (key: Key): PublicKey =>
  certificateOf({ subject: 'key', key, issuer: { subject: 'issuer', key: ISSUER } }).key

export const certificateOf = (parts: CertificateParts): Certificate =>
  parseCertificate(makeCertificate(parts), parts.subject)

/** Unix seconds within the usual validity. */
export const NOW = 1_750_000_000n
