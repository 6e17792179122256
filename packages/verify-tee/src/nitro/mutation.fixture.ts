import fc from 'fast-check'
import { decodeCbor } from './cbor.ts'
import { cbor, type Value } from './enclave.fixture.ts'
import { type NitroOptions, verifyNitro } from './index.ts'

/** Where the signed document lies in its envelope: `[from, to)`. The protected header is signed too, before it. */
export function signedRange(evidence: Uint8Array): { readonly from: number; readonly to: number } {
  const [header, , payload] = decodeCbor(evidence, 'evidence').value as readonly Uint8Array[]
  if (header === undefined || payload === undefined) throw new Error('no payload')
  const from = payload.byteOffset - evidence.byteOffset
  return { from, to: from + payload.length }
}

export function flipped(evidence: Uint8Array, bit: number): Uint8Array {
  const copy = evidence.slice()
  copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7))
  return copy
}

/** Somewhere in `bytes`: other bytes, a cut, a piece twice, a piece of another piece of evidence. */
export function mutations(bytes: Uint8Array, other: Uint8Array): fc.Arbitrary<Uint8Array> {
  const place = fc.nat(bytes.length - 1)
  const replaced = fc
    .array(fc.tuple(place, fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 4 })
    .map((changes) => {
      const copy = bytes.slice()
      for (const [at, by] of changes) copy[at] = (copy[at] ?? 0) ^ by
      return copy
    })
  const cut = place.map((at) => bytes.slice(0, at))
  const removed = fc
    .tuple(place, fc.integer({ min: 1, max: 64 }))
    .map(([at, n]) => joined(bytes.subarray(0, at), bytes.subarray(at + n)))
  const doubled = fc
    .tuple(place, fc.integer({ min: 1, max: 64 }))
    .map(([at, n]) => joined(bytes.subarray(0, at + n), bytes.subarray(at)))
  const inserted = fc
    .tuple(place, fc.uint8Array({ minLength: 1, maxLength: 16 }))
    .map(([at, more]) => joined(bytes.subarray(0, at), more, bytes.subarray(at)))
  const spliced = fc
    .tuple(place, fc.nat(other.length - 1))
    .map(([at, from]) => joined(bytes.subarray(0, at), other.subarray(from)))
  const swapped = fc
    .tuple(place, fc.integer({ min: 1, max: 200 }))
    .map(([at, n]) => joined(bytes.subarray(0, at), other.subarray(at, at + n), bytes.subarray(at + n)))
  return fc.oneof(replaced, cut, removed, doubled, inserted, spliced, swapped, fc.uint8Array({ maxLength: 200 }))
}

/** Fields of two honest documents, in one envelope signed by either. */
export function exchanged(a: Uint8Array, b: Uint8Array): readonly Uint8Array[] {
  const [x, y] = [a, b].map((bytes) => decodeCbor(bytes, 'evidence').value as readonly Value[])
  if (x === undefined || y === undefined) throw new Error('no envelope')
  const made = [cbor(x.with(2, y[2] ?? null)), cbor(x.with(3, y[3] ?? null))]
  const payload = (value: Value | undefined) =>
    decodeCbor(value as Uint8Array, 'document', { indefiniteMap: true }).value as Map<string, Value>
  const other = payload(y[2])
  for (const key of other.keys()) {
    const fields = new Map(payload(x[2]))
    fields.set(key, other.get(key) ?? null)
    made.push(cbor(x.with(2, cbor(fields))))
  }
  return made
}

const joined = (...parts: readonly Uint8Array[]): Uint8Array => {
  const out = new Uint8Array(parts.reduce((n, part) => n + part.length, 0))
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}

/** Bytes that say the same as `evidence`: its tag, and the other of the two `s` that ECDSA allows. */
const sameWords = (evidence: Uint8Array, mutated: Uint8Array): boolean => {
  const bare = (bytes: Uint8Array): string => {
    const body = bytes[0] === 0xd2 ? bytes.subarray(1) : bytes
    return Buffer.from(body.subarray(0, -48)).toString('hex')
  }
  return bare(evidence) === bare(mutated)
}

/** The longest that one took, in milliseconds. */
export async function requireRefused(
  evidence: Uint8Array,
  mutated: Uint8Array,
  options: NitroOptions,
): Promise<number> {
  const start = performance.now()
  const verdict = await verifyNitro(mutated, options)
  const took = performance.now() - start
  if (verdict.status === 'accepted' && !sameWords(evidence, mutated)) throw new Error('accepted')
  if (verdict.status !== 'accepted' && verdict.status !== 'rejected') throw new Error(verdict.status)
  if (verdict.status === 'rejected' && verdict.code === 'VS_TEE_INTERNAL') throw new Error(verdict.detail)
  return took
}
