import { keccak_256 } from '@noble/hashes/sha3.js'
import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { type Digest, fromHex, isTensorName, type ProgramId, tensorSpecs, toHex } from '@veristack/core/receipt'

/** One tensor of an entry. */
export interface LayoutTensor {
  readonly name: string
  readonly type: 'int32' | 'int64'
  readonly shape: readonly number[]
}

/** One entry of a claim's commitment list, as the circuit computes it. */
export interface LayoutEntry {
  /** What the list calls it: `tensorSpecs` of its tensors. */
  readonly tensor: string
  readonly scheme: string
  /** Bits of every element; two's complement where `signed`. */
  readonly width: number
  readonly signed: boolean
  /** Elements of all its tensors together. */
  readonly count: number
  readonly salted: boolean
  readonly tensors: readonly LayoutTensor[]
}

/** What the public signals after the claim digest stand for: the entries of both lists, in order. */
export interface CircuitLayout {
  readonly inputs: readonly LayoutEntry[]
  readonly outputs: readonly LayoutEntry[]
}

export const SEMANTICS = 'integer/v1'
/** Elements of public outputs that one circuit may have. */
export const PUBLIC_ELEMENTS = 5
/** Claim digest (two halves), input commitment, output commitment. */
export const FIXED_SIGNALS = 4

const VERSION = 1
const TYPES = ['int32', 'int64'] as const
const SIGNED = 1
const SALTED = 2
const LIMITS = { entries: 64, tensors: 256, rank: 8, layoutBytes: 1 << 16 }

/** Canonical bytes: one layout has one encoding, and {@link decodeLayout} accepts no other. */
export function encodeLayout({ inputs, outputs }: CircuitLayout): Uint8Array {
  const out: number[] = [VERSION]
  const text = (value: string) => {
    const bytes = utf8ToBytes(value)
    out.push(bytes.length >> 8, bytes.length & 0xff, ...bytes)
  }
  for (const list of [inputs, outputs]) {
    out.push(list.length)
    for (const entry of list) {
      text(entry.scheme)
      out.push(
        entry.width,
        (entry.signed ? SIGNED : 0) | (entry.salted ? SALTED : 0),
        entry.tensors.length >> 8,
        entry.tensors.length & 0xff,
      )
      for (const { name, type, shape } of entry.tensors) {
        text(name)
        out.push(TYPES.indexOf(type), shape.length)
        for (const d of shape) out.push(d >>> 24, (d >>> 16) & 0xff, (d >>> 8) & 0xff, d & 0xff)
      }
    }
  }
  return Uint8Array.from(out)
}

/** The layout that the bytes encode, or undefined where they are not exactly one canonical encoding. */
export function decodeLayout(bytes: Uint8Array): CircuitLayout | undefined {
  if (bytes.length > LIMITS.layoutBytes) return undefined
  const reader = new Reader(bytes)
  try {
    if (reader.uint(1) !== VERSION) return undefined
    const layout = { inputs: entries(reader), outputs: entries(reader) }
    return reader.atEnd ? layout : undefined
  } catch {
    // The reader throws for bytes that end early, hold no UTF-8 or exceed a limit.
    return undefined
  }
}

function entries(reader: Reader): readonly LayoutEntry[] {
  const count = reader.uint(1)
  if (count > LIMITS.entries) throw new RangeError('too many entries')
  return Array.from({ length: count }, () => {
    const scheme = reader.text()
    const width = reader.uint(1)
    const flags = reader.uint(1)
    if (width < 1 || width > 64 || flags > (SIGNED | SALTED)) throw new RangeError('width or flags')
    const tensorCount = reader.uint(2)
    if (tensorCount < 1 || tensorCount > LIMITS.tensors) throw new RangeError('tensors')
    const tensors = Array.from({ length: tensorCount }, () => {
      const name = reader.text()
      const type = TYPES[reader.uint(1)]
      const rank = reader.uint(1)
      if (type === undefined || rank > LIMITS.rank || !isTensorName(name)) throw new RangeError('tensor')
      return { name, type, shape: Array.from({ length: rank }, () => reader.uint(4)) }
    })
    return makeEntry(scheme, { width, signed: (flags & SIGNED) !== 0, salted: (flags & SALTED) !== 0 }, tensors)
  })
}

export function makeEntry(
  scheme: string,
  { width, signed, salted }: Pick<LayoutEntry, 'width' | 'signed' | 'salted'>,
  tensors: readonly LayoutTensor[],
): LayoutEntry {
  const count = tensors.reduce((n, t) => n + elements(t), 0)
  if (!Number.isSafeInteger(count) || count > 0xffffffff) throw new RangeError('too many elements')
  return { tensor: tensorSpecs(tensors), scheme, width, signed, count, salted, tensors }
}

export const elements = (t: { readonly shape: readonly number[] }): number => t.shape.reduce((a, b) => a * b, 1)

/** keccak256 over the hash of a tag and parts of 32 bytes, so that no two of these digests stand for different things. */
const tagged = (tag: string, ...parts: readonly Uint8Array[]): Digest =>
  toHex(keccak_256(concatBytes(keccak_256(utf8ToBytes(tag)), ...parts))) as Digest

/** What a key is made for: over programId, keccak256(semantics), keccak256(layout) and R1CS hash. */
export const circuitId = (program: ProgramId, layout: Uint8Array, r1csHash: Digest): Digest =>
  tagged(
    'veristack/zkml/circuit/v1',
    fromHex(program),
    keccak_256(utf8ToBytes(SEMANTICS)),
    keccak_256(layout),
    fromHex(r1csHash),
  )

/** What a relying party pins: over circuitId and keccak256(verifying key). */
export const anchorDigest = (circuit: Digest, verifyingKey: Uint8Array): Digest =>
  tagged('veristack/zkml/anchor/groth16-bn254/v1', fromHex(circuit), keccak_256(verifyingKey))

class Reader {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }
  get atEnd(): boolean {
    return this.#at === this.#bytes.length
  }
  take(count: number): Uint8Array {
    if (this.#at + count > this.#bytes.length) throw new RangeError('too short')
    this.#at += count
    return this.#bytes.subarray(this.#at - count, this.#at)
  }
  uint(bytes: number): number {
    return this.take(bytes).reduce((n, b) => n * 256 + b, 0)
  }
  text(): string {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(this.take(this.uint(2)))
  }
}
