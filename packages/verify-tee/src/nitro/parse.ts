/*
 * Attestation documents as AWS specifies them: https://github.com/aws/aws-nitro-enclaves-nsm-api, docs/attestation_process.md,
 * sections 2.2, 3.1 and 3.2.
 */
import { concatBytes } from '@noble/hashes/utils.js'
import { equalBytes } from '../bytes.ts'
import { malformed, Refusal } from '../ledger.ts'
import { byteStringHead, type Cbor, type CborMap, decodeCbor } from './cbor.ts'

export const PCR_BYTES = 48
export const MAX_PAYLOAD_BYTES = 16_384
export const MAX_CERTIFICATES = 5
const MAX_CBOR_CERTIFICATE = 1024
const MAX_MODULE_ID = 128
const SIGNATURE_BYTES = 96
/** The end of the year 9999, in milliseconds: what dates can say. */
const LAST_MOMENT = 253_402_300_799_999
const COSE_SIGN1_TAG = 0xd2
/** Array and string heads, header, signature: what an envelope adds to its payload, generously. */
const ENVELOPE_BYTES = 128

export const LIMITS = { public_key: 1024, user_data: 512, nonce: 512 } as const

/** RFC 9052 section 4.2. */
export interface CoseSign1 {
  readonly payload: Uint8Array
  /** `r || s`, 96 bytes. */
  readonly signature: Uint8Array
  /** The Sig_structure that the signature is over. */
  readonly signed: Uint8Array
}

export interface NitroDocument {
  readonly moduleId: string
  /** Milliseconds since 1970. */
  readonly timestamp: number
  readonly pcrs: ReadonlyMap<number, Uint8Array>
  /** DER. */
  readonly certificate: Uint8Array
  /** DER; root first. */
  readonly cabundle: readonly Uint8Array[]
  readonly publicKey?: Uint8Array
  readonly userData?: Uint8Array
  readonly nonce?: Uint8Array
}

/** {1: -35}: the algorithm is ECDSA with SHA-384. */
const PROTECTED = Uint8Array.of(0xa1, 0x01, 0x38, 0x22)
/** The Sig_structure until the payload: an array of 4, "Signature1", the protected header, no external data. */
const SIGNED_HEAD = concatBytes(
  Uint8Array.of(0x84, 0x6a),
  new TextEncoder().encode('Signature1'),
  byteStringHead(PROTECTED.length),
  PROTECTED,
  byteStringHead(0),
)

/** The tag 18 may be there or not (AWS's hypervisor leaves it away); nothing else has two forms. */
export function parseCose(evidence: Uint8Array): CoseSign1 {
  const limit = MAX_PAYLOAD_BYTES + ENVELOPE_BYTES
  if (evidence.length > limit) throw malformed('evidence', `at most ${limit} bytes`, `${evidence.length}`)
  const body = evidence[0] === COSE_SIGN1_TAG ? evidence.subarray(1) : evidence
  const { value: parts, length } = decodeCbor(body, 'evidence')
  if (!Array.isArray(parts) || parts.length !== 4)
    throw malformed('evidence', 'a COSE_Sign1: an array of 4', describe(parts))
  requireEnd(length, body, 'evidence')
  const [header, unprotected, payload, signature] = parts as readonly Cbor[]
  if (!(header instanceof Uint8Array)) throw malformed('evidence.protected', 'bytes', describe(header))
  if (!(unprotected instanceof Map) || unprotected.size !== 0)
    throw malformed('evidence.unprotected', 'an empty map', describe(unprotected))
  if (!(payload instanceof Uint8Array) || payload.length === 0 || payload.length > MAX_PAYLOAD_BYTES)
    throw malformed('evidence.payload', `1 to ${MAX_PAYLOAD_BYTES} bytes`, describe(payload))
  if (!(signature instanceof Uint8Array) || signature.length !== SIGNATURE_BYTES)
    throw malformed('evidence.signature', `${SIGNATURE_BYTES} bytes`, describe(signature))
  if (!equalBytes(header, PROTECTED))
    throw new Refusal('algorithm', 'VS_TEE_UNSUPPORTED', 'evidence.protected: expected {1: -35}, got another header')
  return { payload, signature, signed: concatBytes(SIGNED_HEAD, byteStringHead(payload.length), payload) }
}

export function parseDocument(payload: Uint8Array): NitroDocument {
  // AWS writes this map with a count, and since 2025 until a break.
  const { value: fields, length } = decodeCbor(payload, 'document', { indefiniteMap: true })
  if (!(fields instanceof Map)) throw malformed('document', 'a map', describe(fields))
  requireEnd(length, payload, 'document')
  if (fields.has('nitrotpm_pcrs'))
    throw new Refusal('algorithm', 'VS_TEE_UNSUPPORTED', 'document: of a NitroTPM instance, not of an enclave')
  for (const name of fields.keys())
    if (!KNOWN.has(name)) throw malformed('document', `the fields ${[...KNOWN].join(', ')}`, describe(name))
  const moduleId = fields.get('module_id')
  if (typeof moduleId !== 'string' || moduleId.length > MAX_MODULE_ID || !/^[\x21-\x7e]+$/.test(moduleId))
    throw malformed('document.module_id', `1 to ${MAX_MODULE_ID} visible ASCII characters`, describe(moduleId))
  const digest = fields.get('digest')
  if (typeof digest !== 'string') throw malformed('document.digest', 'a text', describe(digest))
  if (digest !== 'SHA384')
    throw new Refusal('algorithm', 'VS_TEE_UNSUPPORTED', `document.digest: expected SHA384, got ${describe(digest)}`)
  const timestamp = fields.get('timestamp')
  if (typeof timestamp !== 'number' || !Number.isInteger(timestamp) || timestamp < 1 || timestamp > LAST_MOMENT)
    throw malformed('document.timestamp', 'milliseconds since 1970', describe(timestamp))
  const publicKey = optionalBytes(fields, 'public_key', 1)
  const userData = optionalBytes(fields, 'user_data', 0)
  const nonce = optionalBytes(fields, 'nonce', 0)
  return {
    moduleId,
    timestamp,
    pcrs: pcrs(fields.get('pcrs')),
    certificate: bytes(fields.get('certificate'), 'document.certificate', 1, MAX_CBOR_CERTIFICATE),
    cabundle: bundle(fields.get('cabundle')),
    ...(publicKey === undefined ? {} : { publicKey }),
    ...(userData === undefined ? {} : { userData }),
    ...(nonce === undefined ? {} : { nonce }),
  }
}

const KNOWN = new Set<unknown>([
  'module_id',
  'digest',
  'timestamp',
  'pcrs',
  'certificate',
  'cabundle',
  'public_key',
  'user_data',
  'nonce',
])

/** Said only of what is what it should be: other formats are malformed, not too long. */
function requireEnd(length: number, bytes: Uint8Array, name: string): void {
  if (length === bytes.length) return
  const left = bytes.length - length
  throw new Refusal('trailing-bytes', 'VS_TEE_TRAILING_BYTES', `${name}: ${left} bytes after its end`)
}

function pcrs(value: Cbor | undefined): ReadonlyMap<number, Uint8Array> {
  if (!(value instanceof Map) || value.size < 1 || value.size > 32)
    throw malformed('document.pcrs', 'a map of 1 to 32', describe(value))
  const found = new Map<number, Uint8Array>()
  for (const [index, content] of value) {
    if (typeof index !== 'number' || !Number.isInteger(index) || index < 0 || index > 31)
      throw malformed('document.pcrs', 'indices from 0 to 31', describe(index))
    // 32 and 64 bytes belong to other digests than SHA384, which is the only one.
    found.set(index, bytes(content, `document.pcrs.${index}`, PCR_BYTES, PCR_BYTES))
  }
  return found
}

function bundle(value: Cbor | undefined): readonly Uint8Array[] {
  if (!Array.isArray(value) || value.length < 1 || value.length > MAX_CERTIFICATES)
    throw malformed('document.cabundle', `1 to ${MAX_CERTIFICATES} certificates`, describe(value))
  return value.map((item, i) => bytes(item, `document.cabundle.${i}`, 1, MAX_CBOR_CERTIFICATE))
}

/** AWS's hypervisor writes null for what the enclave did not give; absent is the same. */
function optionalBytes(fields: CborMap, name: keyof typeof LIMITS, least: number): Uint8Array | undefined {
  const value = fields.get(name)
  return value === undefined || value === null ? undefined : bytes(value, `document.${name}`, least, LIMITS[name])
}

function bytes(value: Cbor | undefined, name: string, least: number, most: number): Uint8Array {
  if (value instanceof Uint8Array && value.length >= least && value.length <= most) return value
  throw malformed(name, least === most ? `${least} bytes` : `${least} to ${most} bytes`, describe(value))
}

/** What came, in few words and visible characters. */
function describe(value: Cbor | undefined): string {
  if (value instanceof Uint8Array) return `${value.length} bytes`
  if (value instanceof Map) return `a map of ${value.size}`
  if (Array.isArray(value)) return `an array of ${value.length}`
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 40)).replace(/[^\x20-\x7e]/g, '?')
  if (value === undefined) return 'nothing'
  return String(value)
}
