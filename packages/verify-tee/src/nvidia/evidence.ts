import { hexToBytes } from '@noble/hashes/utils.js'
import { malformed, Refusal } from '../ledger.ts'
import { decodeBase64 } from '../pki/index.ts'
import { type Device, parseDevice } from './device.ts'
import { asObject, describe, type JsonObject, parseJson, show, utf8 } from './jwt.ts'
import { isReport, parseReport, type SpdmReport } from './spdm.ts'
import { type Bundle, MAX_DEVICES, parseBundle } from './tokens.ts'

export const MAX_EVIDENCE_BYTES = 1 << 19
const MAX_PART = 1 << 17

/** A report with what its sender says about it, which nobody signed. */
export interface ReportedDevice {
  readonly report: SpdmReport
  /** Absent: neither beside the report nor in the collateral. */
  readonly device?: Device
  readonly said: {
    readonly architecture?: string
    readonly nonce?: string
    readonly driverVersion?: string
    readonly vbiosVersion?: string
  }
}

export type Evidence =
  | { readonly kind: 'tokens'; readonly bundle: Bundle }
  | { readonly kind: 'reports'; readonly devices: readonly ReportedDevice[] }

/**
 * Tells by the first bytes what it is: a bundle of tokens or a list of reports in JSON, a request to NRAS in JSON, one
 * report in binary or in hexadecimal. `chain`: the PEM of a report that comes without one.
 */
export function parseEvidence(bytes: Uint8Array, chain?: string): Evidence {
  if (bytes.length > MAX_EVIDENCE_BYTES)
    throw malformed('evidence', `at most ${MAX_EVIDENCE_BYTES} bytes`, `${bytes.length}`)
  if (isReport(bytes)) return single(bytes, chain)
  const text = trimmed(utf8(bytes, 'evidence'))
  if (/^1[0-9a-f][eE]0/.test(text)) return single(fromHex(text), chain)
  if (/^[A-Za-z0-9_-]+\./.test(text))
    throw malformed('evidence', 'a bundle of tokens', 'one token without those that it names')
  const value = parseJson(text, 'evidence')
  if (Array.isArray(value) && Array.isArray(value[0])) return { kind: 'tokens', bundle: parseBundle(value) }
  if (Array.isArray(value))
    return { kind: 'reports', devices: list(value, 'evidence').map((item, i) => entry(item, `evidence.${i}`)) }
  const request = asObject(value, 'evidence')
  const shared = pick(request, 'evidence', REQUEST)
  const items = list(shared.evidence_list, 'evidence.evidence_list')
  return {
    kind: 'reports',
    devices: items.map((item, i) =>
      entry(item, `evidence.evidence_list.${i}`, { arch: shared.arch, nonce: shared.nonce }),
    ),
  }
}

/** Of what JSON calls white space; a byte order mark is none. A loop, because a pattern would look at long gaps again and again. */
function trimmed(text: string): string {
  const isSpace = (at: number): boolean => ' \t\r\n'.includes(text[at] ?? 'x')
  let [from, to] = [0, text.length]
  while (from < to && isSpace(from)) from += 1
  while (to > from && isSpace(to - 1)) to -= 1
  return text.slice(from, to)
}

const REQUEST = ['nonce', 'arch', 'evidence_list', 'claims_version']
const ENTRY = [
  'version',
  'arch',
  'nonce',
  'certificate',
  'evidence',
  'driver_version',
  'vbios_version',
  'uuid',
  'board_id',
]

function list(value: unknown, name: string): readonly unknown[] {
  if (!Array.isArray(value) || value.length < 1 || value.length > MAX_DEVICES)
    throw malformed(name, `1 to ${MAX_DEVICES} devices`, describe(value))
  return value
}

function pick(object: JsonObject, name: string, known: readonly string[]): JsonObject {
  for (const key of Object.keys(object))
    if (!known.includes(key)) throw malformed(name, `the fields ${known.join(', ')}`, show(key))
  return object
}

function single(bytes: Uint8Array, chain: string | undefined): Evidence {
  const report = parseReport(bytes, 'report')
  return {
    kind: 'reports',
    devices: [{ report, ...(chain === undefined ? {} : { device: givenChain(chain) }), said: {} }],
  }
}

/** It came beside the evidence, so it is collateral that is wrong with it. */
function givenChain(chain: string): Device {
  try {
    return parseDevice(chain, 'certificateChain')
  } catch (error) {
    throw error instanceof Refusal ? new Refusal('certificate-chain', 'VS_TEE_COLLATERAL', error.detail) : error
  }
}

function entry(
  value: unknown,
  name: string,
  shared: { readonly arch?: unknown; readonly nonce?: unknown } = {},
): ReportedDevice {
  const object = pick(asObject(value, name), name, ENTRY)
  const { version = '1.0' } = object
  if (version !== '1.0') throw malformed(`${name}.version`, '1.0', show(version))
  const report = parseReport(
    decodeBase64(part(object.evidence, `${name}.evidence`), `${name}.evidence`),
    `${name}.evidence`,
  )
  const pem = utf8(
    decodeBase64(part(object.certificate, `${name}.certificate`), `${name}.certificate`),
    `${name}.certificate`,
  )
  // A number there is of another table of architectures (NVML's).
  const inner = typeof object.arch === 'number' ? undefined : object.arch
  const said = {
    architecture: word(inner ?? shared.arch, `${name}.arch`),
    nonce: word(object.nonce ?? shared.nonce, `${name}.nonce`)?.toLowerCase(),
    driverVersion: word(object.driver_version, `${name}.driver_version`),
    vbiosVersion: word(object.vbios_version, `${name}.vbios_version`),
  }
  return {
    report,
    device: parseDevice(pem, `${name}.certificate`),
    said: Object.fromEntries(Object.entries(said).filter(([, text]) => text !== undefined)),
  }
}

function part(value: unknown, name: string): string {
  if (typeof value !== 'string' || value.length > MAX_PART)
    throw malformed(name, `a text of at most ${MAX_PART} characters`, describe(value))
  return value
}

function word(value: unknown, name: string): string | undefined {
  if (value === undefined) return undefined
  if (typeof value !== 'string' || !/^[\x20-\x7e]{1,128}$/.test(value))
    throw malformed(name, '1 to 128 visible characters', describe(value))
  return value
}

function fromHex(text: string): Uint8Array {
  if (text.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(text)) throw malformed('evidence', 'hexadecimal', 'other text')
  return hexToBytes(text)
}
