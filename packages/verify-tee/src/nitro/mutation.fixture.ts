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

/** Bytes that say the same as `evidence`: its tag, and the other of the two `s` that ECDSA allows. */
const sameWords = (evidence: Uint8Array, mutated: Uint8Array): boolean => {
  const bare = (bytes: Uint8Array): string => {
    const body = bytes[0] === 0xd2 ? bytes.subarray(1) : bytes
    return Buffer.from(body.subarray(0, -48)).toString('hex')
  }
  return bare(evidence) === bare(mutated)
}

export async function requireRefused(evidence: Uint8Array, mutated: Uint8Array, options: NitroOptions): Promise<void> {
  const verdict = await verifyNitro(mutated, options)
  if (verdict.status === 'accepted' && !sameWords(evidence, mutated)) throw new Error('accepted')
  if (verdict.status !== 'accepted' && verdict.status !== 'rejected') throw new Error(verdict.status)
  if (verdict.status === 'rejected' && verdict.code === 'VS_TEE_INTERNAL') throw new Error(verdict.detail)
}
