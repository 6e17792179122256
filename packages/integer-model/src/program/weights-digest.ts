import { keccak_256 } from '@noble/hashes/sha3.js'
import { Writer } from './bytes.ts'
import type { Weights } from './program.ts'

/** Elements of one chunk, each 8 bytes: what is shown to open a single one of them. */
export const CHUNK_ELEMENTS = 64
const ELEMENT_BYTES = 8

const HEAD = 0
const CHUNK = 2
const BRANCH = 3
const EMPTY = new Uint8Array(32)

/**
 * The order in which elements lie in their tree: `row-major`, or, for the [i, o] weights of a `linear`, `by-output`: the
 * i factors of output 0, then those of output 1, so that what one output sums lies side by side.
 */
export type WeightsOrder = 'row-major' | 'by-output'

const known: Readonly<Record<WeightsOrder, WeakMap<Weights, Uint8Array>>> = {
  'row-major': new WeakMap(),
  'by-output': new WeakMap(),
}

/**
 * 32 bytes that stand for a constant tensor in a program's leaves; one element of it can be opened alone:
 * keccak256(0 ‖ rank (u8) ‖ dimensions (u32) ‖ root). The root is that of a binary tree over chunks of 64 elements, each a
 * signed 64-bit integer, zeros filling the last one: chunk keccak256(2 ‖ 512 bytes), branch keccak256(3 ‖ left ‖ right),
 * 32 zero bytes up to a power of two. Everything is big-endian. Element k is in chunk k >> 6, at byte 8 · (k & 63).
 */
export function weightsDigest(weights: Weights, order: WeightsOrder): Uint8Array {
  const cached = known[order].get(weights)
  if (cached !== undefined) return cached
  const head = new Writer()
  head.u8(HEAD)
  head.shape(weights.shape)
  head.raw(merkleRoot(chunkHashes(weights, order), BRANCH))
  const digest = keccak_256(head.take())
  known[order].set(weights, digest)
  return digest
}

/** The root over these leaves, in order; `tag` is the first byte of what a branch hashes. */
export function merkleRoot(leaves: readonly Uint8Array[], tag: number): Uint8Array {
  const branch = new Uint8Array(65)
  branch[0] = tag
  let row = [...leaves]
  while (row.length & (row.length - 1)) row.push(EMPTY)
  while (row.length > 1) {
    row = Array.from({ length: row.length / 2 }, (_, i) => {
      branch.set(row[2 * i] ?? EMPTY, 1)
      branch.set(row[2 * i + 1] ?? EMPTY, 33)
      return keccak_256(branch)
    })
  }
  return row[0] ?? EMPTY
}

function chunkHashes({ shape, data }: Weights, order: WeightsOrder): Uint8Array[] {
  const chunk = new Uint8Array(1 + CHUNK_ELEMENTS * ELEMENT_BYTES)
  const view = new DataView(chunk.buffer)
  chunk[0] = CHUNK
  const lines = order === 'by-output' ? (shape.at(-1) ?? 1) : 1
  const perLine = data.length / lines
  const hashes: Uint8Array[] = []
  for (let from = 0; from < data.length; from += CHUNK_ELEMENTS) {
    chunk.fill(0, 1)
    const count = Math.min(CHUNK_ELEMENTS, data.length - from)
    for (let i = 0; i < count; i++) {
      const k = from + i
      const value = data[(k % perLine) * lines + Math.floor(k / perLine)] as number
      // Two's complement of a safe integer, without a bigint for each.
      view.setInt32(1 + ELEMENT_BYTES * i, Math.floor(value / 2 ** 32))
      view.setUint32(5 + ELEMENT_BYTES * i, value >>> 0)
    }
    hashes.push(keccak_256(chunk))
  }
  return hashes
}
