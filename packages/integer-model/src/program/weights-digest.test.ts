import { ethers } from 'ethers'
import fc from 'fast-check'
import type { Weights } from './program.ts'
import { type WeightsOrder, weightsDigest } from './weights-digest.ts'

type Digest = `0x${string}`
const hash = (...parts: readonly string[]): Digest => ethers.keccak256(ethers.concat(parts)) as Digest
const int64 = (value: number): string => ethers.toBeHex(BigInt.asUintN(64, BigInt(value)), 8)

/** The elements in the order of the tree, as the documentation says it. */
function laidOut({ shape, data }: Weights, order: WeightsOrder): number[] {
  if (order === 'row-major') return [...data]
  const [size = 0, outputs = 0] = shape
  const elements: number[] = []
  for (let o = 0; o < outputs; o++) for (let i = 0; i < size; i++) elements.push(data[i * outputs + o] ?? 0)
  return elements
}

/** What a contract is given to open one element: its chunk and the siblings up to the root. */
function open(weights: Weights, order: WeightsOrder, k: number) {
  const elements = laidOut(weights, order)
  const chunks = Array.from({ length: Math.ceil(elements.length / 64) }, (_, c) =>
    ethers.concat(Array.from({ length: 64 }, (_, i) => int64(elements[64 * c + i] ?? 0))),
  )
  let row = chunks.map((c) => hash('0x02', c))
  while (!Number.isInteger(Math.log2(row.length))) row.push(`0x${'00'.repeat(32)}`)
  const siblings: string[] = []
  for (let at = k >> 6; row.length > 1; at >>= 1) {
    siblings.push(row[at ^ 1] ?? '')
    row = Array.from({ length: row.length / 2 }, (_, i) => hash('0x03', row[2 * i] ?? '', row[2 * i + 1] ?? ''))
  }
  return { chunk: chunks[k >> 6] ?? '', siblings }
}

/** What the contract does with it. */
function check(digest: Digest, shape: readonly number[], k: number, opening: ReturnType<typeof open>): bigint {
  let node = hash('0x02', opening.chunk)
  opening.siblings.forEach((sibling, level) => {
    node = ((k >> 6) >> level) & 1 ? hash('0x03', sibling, node) : hash('0x03', node, sibling)
  })
  const head = ethers.concat([ethers.toBeHex(shape.length, 1), ...shape.map((d) => ethers.toBeHex(d, 4))])
  expect(hash('0x00', head, node)).toBe(digest)
  return BigInt.asIntN(64, BigInt(ethers.dataSlice(opening.chunk, 8 * (k & 63), 8 * (k & 63) + 8)))
}

const safe = fc.oneof(
  fc.integer(),
  fc.maxSafeInteger(),
  fc.constantFrom(-1, 0, -(2 ** 53) + 1, 2 ** 53 - 1, -(2 ** 32), 2 ** 32),
)
const tensors = fc
  .tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 12 }))
  .chain(([i, o]) =>
    fc
      .array(safe, { minLength: i * o, maxLength: i * o })
      .map((values) => ({ shape: [i, o], data: Float64Array.from(values) })),
  )

test('every element can be opened alone', () => {
  fc.assert(
    fc.property(tensors, fc.constantFrom('row-major', 'by-output'), fc.nat(), (weights, order, pick) => {
      const k = pick % weights.data.length
      const digest = ethers.hexlify(weightsDigest(weights, order)) as Digest
      const value = check(digest, weights.shape, k, open(weights, order, k))
      expect(value).toBe(BigInt(laidOut(weights, order)[k] ?? 0))
    }),
    { numRuns: 60 },
  )
})

test('a scalar, whole chunks, and a chunk that is begun', () => {
  for (const shape of [[], [64], [65], [128], [3, 64]]) {
    const count = shape.reduce((a, b) => a * b, 1)
    const weights = { shape, data: Int32Array.from({ length: count }, (_, i) => i * 7 - 100) }
    const digest = ethers.hexlify(weightsDigest(weights, 'row-major')) as Digest
    expect(check(digest, shape, count - 1, open(weights, 'row-major', count - 1))).toBe(BigInt(count * 7 - 107))
  }
})

test('shape and order are in the digest, the storage type is not', () => {
  const data = [1, 2, 3, 4, 5, 6]
  const digests = [
    weightsDigest({ shape: [2, 3], data: Int32Array.from(data) }, 'row-major'),
    weightsDigest({ shape: [3, 2], data: Int32Array.from(data) }, 'row-major'),
    weightsDigest({ shape: [2, 3], data: Int32Array.from(data) }, 'by-output'),
    weightsDigest({ shape: [6], data: Int32Array.from(data) }, 'row-major'),
    // Zeros that fill a chunk are not elements.
    weightsDigest({ shape: [7], data: Int32Array.from([...data, 0]) }, 'row-major'),
  ]
  expect(new Set(digests.map((d) => ethers.hexlify(d))).size).toBe(digests.length)
  expect(weightsDigest({ shape: [2, 3], data: Float64Array.from(data) }, 'row-major')).toEqual(digests[0])
})
