/*
 * Attestation reports of GPUs and switches: a GET_MEASUREMENTS request of SPDM 1.1 (DMTF DSP0274, section 10.11) with the
 * MEASUREMENTS answer to it behind it. The opaque data are NVIDIA's, as https://github.com/NVIDIA/attestation-sdk reads them.
 */
import { bytesToHex } from '@noble/hashes/utils.js'
import { Cursor, equalBytes, isZero } from '../bytes.ts'
import { malformed, Refusal } from '../ledger.ts'

export const MAX_REPORT_BYTES = 65_536
export const SIGNATURE_BYTES = 96
const SPDM_1_1 = 0x11
const GET_MEASUREMENTS = 0xe0
const MEASUREMENTS = 0x60
const WITH_SIGNATURE = 1
const ALL = 0xff
const DMTF = 1
const MAX_TEXT = 128

export interface Measurement {
  /** What was measured, DSP0274 table 43; bit 7: the value is no digest. */
  readonly type: number
  readonly value: Uint8Array
}

export interface SpdmReport {
  /** Of the request: the relying party's. Lower-case hexadecimal. */
  readonly nonce: string
  readonly slot: number
  /** By index. */
  readonly measurements: ReadonlyMap<number, Measurement>
  /** By type. */
  readonly opaque: ReadonlyMap<number, Uint8Array>
  /** Request and answer up to the signature. */
  readonly signed: Uint8Array
  /** `r || s`. */
  readonly signature: Uint8Array
}

export const OPAQUE = {
  certificateIssuer: 1,
  authorityKey: 2,
  driverVersion: 3,
  gpuInfo: 4,
  sku: 5,
  vbiosVersion: 6,
  manufacturer: 7,
  tamperDetection: 8,
  smc: 9,
  vpr: 10,
  nvdec0: 11,
  measurementCounts: 12,
  cprInfo: 13,
  boardId: 14,
  chipSku: 15,
  chipSkuMod: 16,
  project: 17,
  projectSku: 18,
  projectSkuMod: 19,
  firmwareId: 20,
  protectedPcie: 21,
  /** A switch: its own; a GPU: those of the switches that it is linked to. Eight bytes each. */
  deviceIds: 22,
  disabledPorts: 23,
  position: 24,
  lockStatus: 25,
  gpuLinks: 32,
  systemEnabled: 33,
  version: 34,
  chipInfo: 35,
  featureFlag: 36,
} as const

const unsupported = (name: string, field: string, expected: string, got: number): Refusal =>
  new Refusal(
    'spdm-messages',
    'VS_TEE_UNSUPPORTED',
    `${name}.${field}: expected ${expected}, got 0x${got.toString(16)}`,
  )

export const isReport = (bytes: Uint8Array): boolean => bytes[1] === GET_MEASUREMENTS && (bytes[0] ?? 0) >> 4 === 1

export function parseReport(bytes: Uint8Array, name: string): SpdmReport {
  if (bytes.length > MAX_REPORT_BYTES) throw malformed(name, `at most ${MAX_REPORT_BYTES} bytes`, `${bytes.length}`)
  const at = new Cursor(bytes, name)
  const expected = (field: string, value: number, meaning: string): void => {
    const got = at.u8(field)
    if (got !== value) throw unsupported(name, field, meaning, got)
  }
  expected('request.version', SPDM_1_1, 'SPDM 1.1')
  expected('request.code', GET_MEASUREMENTS, 'GET_MEASUREMENTS')
  expected('request.attributes', WITH_SIGNATURE, 'a request for a signature')
  expected('request.operation', ALL, 'a request for all measurements')
  const nonce = at.hex(32, 'request.nonce')
  const slot = at.u8('request.slot')
  if (slot > 7) throw unsupported(name, 'request.slot', 'a slot from 0 to 7', slot)
  expected('version', SPDM_1_1, 'SPDM 1.1')
  expected('code', MEASUREMENTS, 'MEASUREMENTS')
  at.u8('param1')
  const answered = at.u8('slot') & 0x0f
  if (answered !== slot) throw unsupported(name, 'slot', `the slot of the request, ${slot}`, answered)
  const count = at.u8('blocks')
  const record = at.take(u24(at.take(3, 'recordLength')), 'record')
  const measurements = parseRecord(record, count, `${name}.record`)
  at.take(32, 'nonce')
  const opaque = parseOpaque(at.take(at.u16('opaqueLength'), 'opaque'), `${name}.opaque`)
  const signed = bytes.subarray(0, at.at)
  const signature = at.take(SIGNATURE_BYTES, 'signature')
  if (at.left > 0)
    throw new Refusal('trailing-bytes', 'VS_TEE_TRAILING_BYTES', `${name}: ${at.left} bytes after its end`)
  return { nonce, slot, measurements, opaque, signed, signature }
}

const u24 = ([a = 0, b = 0, c = 0]: Uint8Array): number => a | (b << 8) | (c << 16)

/** Measurement blocks (DSP0274 table 42), each index once. */
function parseRecord(bytes: Uint8Array, count: number, name: string): ReadonlyMap<number, Measurement> {
  const at = new Cursor(bytes, name)
  const found = new Map<number, Measurement>()
  for (let i = 0; i < count; i++) {
    const index = at.u8('index')
    if (index === 0 || index === 0xff) throw malformed(`${name}.index`, '1 to 254', `${index}`)
    if (found.has(index)) throw malformed(name, 'each index once', `${index} twice`)
    const specification = at.u8('specification')
    if (specification !== DMTF) throw unsupported(name, `${index}.specification`, 'that of the DMTF', specification)
    const size = at.u16('size')
    const type = at.u8('type')
    const length = at.u16('length')
    if (size !== length + 3) throw malformed(`${name}.${index}.size`, `${length + 3}`, `${size}`)
    found.set(index, { type, value: at.take(length, `${index}`) })
  }
  if (count === 0) throw malformed(name, 'at least one measurement', 'none')
  if (at.left > 0) throw malformed(name, `${count} measurements`, `${at.left} bytes more`)
  return found
}

const MAGIC = new TextEncoder().encode('NVDAOD')
const KNOWN_VERSIONS = 2
/** Of devices that exist at most 17; each costs time before any signature is looked at. */
const MAX_FIELDS = 128

/** Type, length and value, each type once; newer firmware writes a header before it, and what the value is behind the type. */
function parseOpaque(bytes: Uint8Array, name: string): ReadonlyMap<number, Uint8Array> {
  const at = new Cursor(bytes, name)
  const headed = equalBytes(bytes.subarray(0, MAGIC.length), MAGIC)
  if (headed) {
    at.take(MAGIC.length, 'magic')
    const profile = at.u16('profile')
    if (profile !== 0) throw unsupported(name, 'profile', '0', profile)
    const major = at.u8('major')
    if (major > KNOWN_VERSIONS) throw unsupported(name, 'version', `up to ${KNOWN_VERSIONS}`, major)
    at.take(3, 'minor')
  }
  const found = new Map<number, Uint8Array>()
  while (at.left > 0) {
    const type = at.u16('type')
    if (headed) at.u16('valueType')
    if (found.has(type)) throw malformed(name, 'each field once', `${type} twice`)
    if (found.size === MAX_FIELDS) throw malformed(name, `at most ${MAX_FIELDS} fields`, 'more')
    found.set(type, at.take(at.u16('length'), `${type}`))
  }
  const version = found.get(OPAQUE.version)
  if (version !== undefined && !headed) {
    const number = version.length <= 4 ? version.reduceRight((n, byte) => n * 256 + byte, 0) : Number.POSITIVE_INFINITY
    if (number > KNOWN_VERSIONS)
      throw new Refusal('spdm-messages', 'VS_TEE_UNSUPPORTED', `${name}.version: expected up to ${KNOWN_VERSIONS}`)
  }
  return found
}

/** Text that zeros end, of visible ASCII. Absent: there is no such field. */
function opaqueText(report: SpdmReport, type: number, name: string): string | undefined {
  const bytes = report.opaque.get(type)
  if (bytes === undefined) return undefined
  // Long ones are not looked at: a pattern at an end would look at long gaps again and again.
  const short = bytes.length <= MAX_TEXT ? bytes : new Uint8Array()
  const text = new TextDecoder('latin1').decode(short).replace(/\0+$/, '')
  if (!/^[\x21-\x7e]{1,64}$/.test(text))
    throw malformed(name, '1 to 64 visible ASCII characters', `${bytes.length} bytes`)
  return text
}

export const driverVersion = (report: SpdmReport, name: string): string | undefined =>
  opaqueText(report, OPAQUE.driverVersion, `${name}.driverVersion`)

/** As people write it: `96.00.9F.00.01`. GPUs give a number of eight bytes, of which five count; switches, text. */
export function vbiosVersion(report: SpdmReport, name: string): string | undefined {
  const bytes = report.opaque.get(OPAQUE.vbiosVersion)
  if (bytes?.length !== 8) return opaqueText(report, OPAQUE.vbiosVersion, `${name}.vbiosVersion`)
  if (!isZero(bytes.subarray(5))) throw malformed(`${name}.vbiosVersion`, 'five bytes and zeros', bytesToHex(bytes))
  return [3, 2, 1, 0, 4].map((i) => bytesToHex(bytes.subarray(i, i + 1)).toUpperCase()).join('.')
}
