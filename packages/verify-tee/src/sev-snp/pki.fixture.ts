import {
  extension,
  integer,
  type Key,
  makeCertificate,
  makeCrl,
  makeKey,
  signWith,
  tlv,
} from '../pki/authority.fixture.ts'
import { TAG } from '../pki/index.ts'
import { REPORT_BYTES, SIGNED_BYTES } from './parse.ts'
import { type Product, TCB_LAYOUT } from './product.ts'
import { issuerName } from './vek.ts'

/* A PKI of AMD's shape under keys of our own, and a secure processor that signs whatever a test wants it to. */

export const NOW = 1_800_000_000n
const DAY = 86_400n

const ia5 = (value: string): Uint8Array => tlv(TAG.ia5, new TextEncoder().encode(value))

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
  readonly key: Key
  readonly ca?: boolean
  readonly extensions?: readonly Extension[]
}

export const certificate = (fields: CertificateFields, key: Key): Uint8Array =>
  makeCertificate({
    subject: fields.subject,
    key: fields.key,
    issuer: { subject: fields.issuer, key },
    serial: BigInt(fields.serial ?? 0),
    notBefore: fields.notBefore ?? NOW - DAY,
    notAfter: fields.notAfter ?? NOW + DAY,
    // An endorsement key's certificate has neither constraints nor usage.
    ...(fields.ca === true ? { ca: {} } : { usage: null }),
    extensions: (fields.extensions ?? []).map(({ id, value, critical }) => extension(id, value, critical)),
  })

export interface CrlFields {
  readonly issuer: string
  readonly revoked?: readonly number[]
  readonly thisUpdate?: bigint
  readonly nextUpdate?: bigint
}

export const crl = ({ issuer, revoked = [], thisUpdate, nextUpdate }: CrlFields, key: Key): Uint8Array =>
  makeCrl({
    issuer: { subject: issuer, key },
    revoked: revoked.map((serial) => ({ serial: BigInt(serial) })),
    thisUpdate: thisUpdate ?? NOW - DAY,
    nextUpdate: nextUpdate ?? NOW + DAY,
  })

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
  readonly ark: Key
  readonly ask: Key
  readonly vek: Key
}
export const authority = (): Authority => ({
  ark: makeKey('rsa-pss-sha384'),
  ask: makeKey('rsa-pss-sha384'),
  vek: makeKey('ecdsa-p384-sha384'),
})

export const arkOf = ({ ark }: Authority, product: Product): Uint8Array =>
  certificate({ subject: `ARK-${product}`, issuer: `ARK-${product}`, serial: 1, key: ark, ca: true }, ark)
export const askFields = ({ ask }: Authority, { kind, product }: Chip): CertificateFields => ({
  subject: issuerName(kind, product),
  issuer: `ARK-${product}`,
  serial: 0x10001,
  key: ask,
  ca: true,
})
export const vekFields = (
  { vek }: Authority,
  chip: Chip,
): CertificateFields & { readonly extensions: readonly Extension[] } => ({
  subject: `SEV-${chip.kind.toUpperCase()}`,
  issuer: issuerName(chip.kind, chip.product),
  key: vek,
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
export function signReport(body: Uint8Array, key: Key): Uint8Array {
  const signature = signWith(key, body)
  const whole = new Uint8Array(REPORT_BYTES)
  whole.set(body)
  whole.set(signature.slice(0, 48).reverse(), SIGNED_BYTES)
  whole.set(signature.slice(48).reverse(), SIGNED_BYTES + 72)
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
