import { constants, createHash, createPrivateKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { REPORT_BYTES, SIGNED_BYTES } from './parse.ts'
import { type Product, TCB_LAYOUT } from './product.ts'
import { issuerName } from './vek.ts'

/* A PKI of AMD's shape under keys of our own, and a secure processor that signs whatever a test wants it to. */

export const NOW = 1_800_000_000n
const DAY = 86_400n

export const der = (tag: number, ...parts: readonly Uint8Array[]): Uint8Array => {
  const content = Buffer.concat(parts)
  const { length } = content
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return new Uint8Array(Buffer.concat([Uint8Array.from([tag, ...size]), content]))
}
const sequence = (...parts: readonly Uint8Array[]): Uint8Array => der(0x30, ...parts)
const octets = (value: Uint8Array): Uint8Array => der(0x04, value)
const bits = (value: Uint8Array): Uint8Array => der(0x03, Uint8Array.of(0), value)
const ia5 = (value: string): Uint8Array => der(0x16, Buffer.from(value, 'latin1'))

export const integer = (value: number | Uint8Array): Uint8Array => {
  const bytes = typeof value === 'number' ? Buffer.from(value.toString(16).padStart(8, '0'), 'hex') : Buffer.from(value)
  let from = 0
  while (from < bytes.length - 1 && bytes[from] === 0) from += 1
  const short = bytes.subarray(from)
  return der(0x02, (short[0] ?? 0) >= 0x80 ? Buffer.concat([Uint8Array.of(0), short]) : short)
}

export const oid = (text: string): Uint8Array => {
  const [a = 0, b = 0, ...rest] = text.split('.').map(Number)
  const arc = (value: number): number[] =>
    value < 0x80 ? [value] : [...arc(value >> 7).map((byte) => byte | 0x80), value & 0x7f]
  return der(0x06, Uint8Array.from([40 * a + b, ...rest.flatMap(arc)]))
}

const time = (at: bigint): Uint8Array => {
  const text = new Date(Number(at) * 1000).toISOString().replace(/[-:T]/g, '').slice(0, 14)
  return der(0x18, Buffer.from(`${text}Z`, 'latin1'))
}

const name = (common: string): Uint8Array =>
  sequence(der(0x31, sequence(oid('2.5.4.3'), der(0x0c, Buffer.from(common, 'utf8')))))

const SHA384 = sequence(oid('2.16.840.1.101.3.4.2.2'), der(0x05))
const PSS = sequence(
  oid('1.2.840.113549.1.1.10'),
  sequence(
    der(0xa0, SHA384),
    der(0xa1, sequence(oid('1.2.840.113549.1.1.8'), SHA384)),
    der(0xa2, integer(48)),
    der(0xa3, integer(1)),
  ),
)

const signed = (tbs: Uint8Array, key: KeyObject): Uint8Array => {
  const signature = sign('sha384', tbs, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 48 })
  return sequence(tbs, PSS, bits(new Uint8Array(signature)))
}

export interface Pair {
  readonly spki: Uint8Array
  readonly key: KeyObject
}

const pair = ({ publicKey, privateKey }: { publicKey: KeyObject; privateKey: KeyObject }): Pair => ({
  spki: new Uint8Array(publicKey.export({ type: 'spki', format: 'der' })),
  key: createPrivateKey(privateKey.export({ type: 'pkcs8', format: 'pem' })),
})
export const rsaPair = (): Pair => pair(generateKeyPairSync('rsa', { modulusLength: 2048 }))
export const ecPair = (namedCurve = 'P-384'): Pair => pair(generateKeyPairSync('ec', { namedCurve }))

export interface Extension {
  readonly id: string
  readonly critical?: boolean
  readonly value: Uint8Array
}

export interface CertificateFields {
  readonly subject: string
  readonly issuer: string
  readonly serial?: number
  readonly notBefore?: bigint
  readonly notAfter?: bigint
  readonly spki: Uint8Array
  readonly extensions: readonly Extension[]
}

export function certificate(fields: CertificateFields, key: KeyObject): Uint8Array {
  const extensions = fields.extensions.map(({ id, critical, value }) =>
    sequence(oid(id), ...(critical === true ? [der(0x01, Uint8Array.of(0xff))] : []), octets(value)),
  )
  const tbs = sequence(
    der(0xa0, integer(2)),
    integer(fields.serial ?? 0),
    PSS,
    name(fields.issuer),
    sequence(time(fields.notBefore ?? NOW - DAY), time(fields.notAfter ?? NOW + DAY)),
    name(fields.subject),
    fields.spki,
    der(0xa3, sequence(...extensions)),
  )
  return signed(tbs, key)
}

export const CA: readonly Extension[] = [
  { id: '2.5.29.19', critical: true, value: sequence(der(0x01, Uint8Array.of(0xff))) },
  { id: '2.5.29.15', critical: true, value: der(0x03, Uint8Array.of(1, 0x06)) },
]

export interface CrlFields {
  readonly issuer: string
  readonly revoked?: readonly number[]
  readonly thisUpdate?: bigint
  readonly nextUpdate?: bigint
}

export function crl(fields: CrlFields, key: KeyObject): Uint8Array {
  const { issuer, revoked = [], thisUpdate = NOW - DAY, nextUpdate = NOW + DAY } = fields
  const rows = revoked.map((serial) => sequence(integer(serial), time(thisUpdate)))
  const list = rows.length === 0 ? [] : [sequence(...rows)]
  return signed(sequence(integer(1), PSS, name(issuer), time(thisUpdate), time(nextUpdate), ...list), key)
}

export interface Chip {
  readonly product: Product
  readonly kind: 'vcek' | 'vlek'
  readonly productName: string
  readonly hwid: Uint8Array
  readonly tcb: Uint8Array
}

export const AMD = '1.3.6.1.4.1.3704.1'

/** What AMD writes into a VCEK or VLEK. */
export function amdExtensions({ product, kind, productName, hwid, tcb }: Chip): readonly Extension[] {
  const whose = kind === 'vcek' ? { id: `${AMD}.4`, value: hwid } : { id: `${AMD}.5`, value: ia5('example.cloud') }
  return [
    { id: `${AMD}.1`, value: integer(1) },
    { id: `${AMD}.2`, value: ia5(productName) },
    ...TCB_LAYOUT[product].arcs.map((arc, i) => ({ id: `${AMD}.3.${arc}`, value: integer(tcb[i] ?? 0) })),
    whose,
  ]
}

/** Keys take long to make: one set for all tests of a file. */
export interface Authority {
  readonly ark: Pair
  readonly ask: Pair
  readonly vek: Pair
  readonly rsa: Pair
}
export const authority = (): Authority => ({ ark: rsaPair(), ask: rsaPair(), vek: ecPair(), rsa: rsaPair() })

export const arkOf = ({ ark }: Authority, product: Product): Uint8Array =>
  certificate(
    { subject: `ARK-${product}`, issuer: `ARK-${product}`, serial: 1, spki: ark.spki, extensions: CA },
    ark.key,
  )
export const askFields = ({ ask }: Authority, { kind, product }: Chip): CertificateFields => ({
  subject: issuerName(kind, product),
  issuer: `ARK-${product}`,
  serial: 0x10001,
  spki: ask.spki,
  extensions: CA,
})
export const vekFields = ({ vek }: Authority, chip: Chip): CertificateFields => ({
  subject: `SEV-${chip.kind.toUpperCase()}`,
  issuer: issuerName(chip.kind, chip.product),
  spki: vek.spki,
  extensions: amdExtensions(chip),
})

/** A guest's report; every byte of `change` goes over what is there before it is signed. */
export function makeReport(chip: Chip, version: number, cpuid: readonly number[]): Uint8Array {
  const report = new Uint8Array(SIGNED_BYTES)
  const view = new DataView(report.buffer)
  view.setUint32(0, version, true)
  view.setUint32(4, 7, true)
  view.setBigUint64(8, 0x3001fn, true)
  report.fill(0x11, 0x10, 0x20)
  report.fill(0x22, 0x20, 0x30)
  view.setUint32(0x34, 1, true)
  view.setBigUint64(0x40, 0x25n, true)
  view.setUint32(0x48, chip.kind === 'vlek' ? 4 : 0, true)
  report.fill(0x33, 0x50, 0x90)
  report.fill(0x44, 0x90, 0xc0)
  report.fill(0x55, 0xc0, 0xe0)
  report.fill(0x66, 0xe0, 0x110)
  report.fill(0x77, 0x110, 0x140)
  report.fill(0x88, 0x140, 0x160)
  report.fill(0xff, 0x160, 0x180)
  for (const at of [0x38, 0x180, 0x1e0, 0x1f0]) report.set(chip.tcb, at)
  report.set(cpuid, 0x188)
  report.set(chip.hwid, 0x1a0)
  report.set([1, 55, 1], 0x1e8)
  report.set([1, 55, 1], 0x1ec)
  return report
}

/** The report with its signature field, `r` and `s` little-endian. */
export function signReport(body: Uint8Array, key: KeyObject): Uint8Array {
  const signature = sign('sha384', body, { key, dsaEncoding: 'ieee-p1363' })
  const whole = new Uint8Array(REPORT_BYTES)
  whole.set(body)
  whole.set(new Uint8Array(signature.subarray(0, 48)).reverse(), SIGNED_BYTES)
  whole.set(new Uint8Array(signature.subarray(48)).reverse(), SIGNED_BYTES + 72)
  return whole
}

/** A certificate table of the GHCB standard. */
export function makeTable(entries: readonly (readonly [string, Uint8Array])[]): Uint8Array {
  const header = 24 * (entries.length + 1)
  const table = new Uint8Array(header + entries.reduce((sum, [, { length }]) => sum + length, 0))
  const view = new DataView(table.buffer)
  let at = header
  for (const [i, [key, bytes]] of entries.entries()) {
    table.set(Buffer.from(key.replaceAll('-', ''), 'hex'), 24 * i)
    view.setUint32(24 * i + 16, at, true)
    view.setUint32(24 * i + 20, bytes.length, true)
    table.set(bytes, at)
    at += bytes.length
  }
  return table
}

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
