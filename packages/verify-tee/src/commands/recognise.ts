import { bytesToHex } from '@noble/hashes/utils.js'

/** The vendors' subpaths. */
export type Kind = 'intel' | 'nitro' | 'sev-snp' | 'nvidia'

/** What a whole search looks for, for whoever found nothing. */
export const LOOKED_FOR = [
  'an SGX or TDX quote',
  'a Nitro attestation document',
  'an SEV-SNP report (1184 bytes)',
  'an NVIDIA token, evidence list or SPDM report',
].join(', ')

/** Evidence, as far as its first bytes tell: nothing is judged here. */
export interface Recognised {
  readonly kind: Kind
  /** Where it lies in a format that is not judged: bytes before it, and its length. Absent: the bytes begin with it. */
  readonly wrapped?: { readonly by: string; readonly offset: number; readonly length: number }
}

const INTEL_QE_VENDOR = '939a7233f79c4ca9940a0db3957f0607'
const SNP_BYTES = 1184
/** Of a COSE_Sign1 with ECDSA and SHA-384, until the payload. */
const COSE_HEAD = [0x84, 0x44, 0xa1, 0x01, 0x38, 0x22]
const MAX_PREFIX = 64

export function recognise(bytes: Uint8Array): Recognised | undefined {
  if (isQuote(bytes)) return { kind: 'intel' }
  if (isDocument(bytes)) return { kind: 'nitro' }
  if (isReport(bytes)) return { kind: 'sev-snp' }
  if (isSpdm(bytes)) return { kind: 'nvidia' }
  return wrapped(bytes)
}

const u16 = (bytes: Uint8Array, at: number): number => (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8)
const u32 = (bytes: Uint8Array, at: number): number => (u16(bytes, at) | (u16(bytes, at + 2) << 16)) >>> 0

/** Version, key type, TEE; then the quoting enclave's vendor, in almost all of them Intel. */
function isQuote(bytes: Uint8Array): boolean {
  if (bytes.length < 28) return false
  const [version, key, tee] = [u16(bytes, 0), u16(bytes, 2), u32(bytes, 4)]
  if (bytesToHex(bytes.subarray(12, 28)) === INTEL_QE_VENDOR) return version < 16
  return version >= 3 && version <= 5 && (key === 2 || key === 3) && (tee === 0 || tee === 0x81)
}

function isDocument(bytes: Uint8Array): boolean {
  const body = bytes[0] === 0xd2 ? bytes.subarray(1) : bytes
  if (beginsWith(body, COSE_HEAD)) return true
  return body[0] === 0x84 && new TextDecoder('latin1').decode(body.subarray(0, 128)).includes('module_id')
}

/** The version, a policy whose bit 17 is always set, a privilege level of 0 to 3, and a known algorithm. */
function isReport(bytes: Uint8Array): boolean {
  if (bytes.length < 0x38) return false
  const version = u32(bytes, 0)
  if (version < 1 || version > 15) return false
  if (bytes.length === SNP_BYTES) return true
  return ((bytes[0x0a] ?? 0) & 2) === 2 && u32(bytes, 0x30) <= 3 && u32(bytes, 0x34) === 1
}

/** GET_MEASUREMENTS of SPDM 1.0 to 1.3 (DSP0274) with a nonce of 32 bytes and a slot, then the answer. */
function isSpdm(bytes: Uint8Array): boolean {
  const version = bytes[0] ?? 0
  return version >= 0x10 && version <= 0x13 && bytes[1] === 0xe0 && bytes[37] === version && bytes[38] === 0x60
}

function wrapped(bytes: Uint8Array): Recognised | undefined {
  // The report that Azure keeps in a virtual TPM.
  if (beginsWith(bytes, [0x48, 0x43, 0x4c, 0x41])) {
    const inner = bytes.subarray(32, 32 + SNP_BYTES)
    if (isReport(inner)) return { kind: 'sev-snp', wrapped: { by: 'HCLA header', offset: 32, length: SNP_BYTES } }
    return undefined
  }
  for (let offset = 1; offset <= MAX_PREFIX; offset++) {
    const inner = bytes.subarray(offset)
    if (!beginsWith(inner, COSE_HEAD)) continue
    return { kind: 'nitro', wrapped: { by: 'another format', offset, length: coseLength(inner) } }
  }
  return undefined
}

/** Payload and signature have their lengths before them; whatever is left where they have not. */
function coseLength(bytes: Uint8Array): number {
  let at = COSE_HEAD.length
  if (bytes[at] !== 0xa0) return bytes.length
  at += 1
  for (let part = 0; part < 2; part++) {
    const head = bytes[at] ?? 0
    if (head === 0x58) at += 2 + (bytes[at + 1] ?? 0)
    else if (head === 0x59) at += 3 + (((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0))
    else return bytes.length
  }
  return Math.min(at, bytes.length)
}

const beginsWith = (bytes: Uint8Array, head: readonly number[]): boolean => head.every((b, i) => bytes[i] === b)
