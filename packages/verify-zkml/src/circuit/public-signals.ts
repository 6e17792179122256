import { bn254 } from '@noble/curves/bn254.js'
import { type Commitment, type Digest, openRaw, RAW_SCHEME } from '@veristack/core/receipt'
import { POSEIDON_SCHEME } from '@veristack/integer-model/commit'
import type { CircuitLayout, LayoutEntry } from './layout.ts'

const R = bn254.fields.Fr.ORDER
const HALF = (1n << 128n) - 1n

/** High and low 128 bits. */
export const digestHalves = (digest: Digest): readonly [bigint, bigint] => [
  BigInt(digest) >> 128n,
  BigInt(digest) & HALF,
]

/** Whether the lists are the layout's: the same entries under the same names and schemes, in the same order. */
export function listsMatch(
  layout: CircuitLayout,
  lists: { readonly inputs: readonly Commitment[]; readonly outputs: readonly Commitment[] },
): boolean {
  const same = (entries: readonly LayoutEntry[], list: readonly Commitment[]): boolean =>
    entries.length === list.length &&
    entries.every((e, i) => e.tensor === list[i]?.tensor && e.scheme === list[i]?.scheme)
  return same(layout.inputs, lists.inputs) && same(layout.outputs, lists.outputs)
}

/**
 * The public signals that a claim's lists demand: digest (two halves), input commitment, output commitment (0 where there
 * is none), public outputs; a negative output x is r − |x|. Undefined where a value has not exactly one meaning: another
 * length, a commitment of r or more, an output outside its width (s and s + r would be the same signal).
 */
export function publicSignals(
  layout: CircuitLayout,
  claim: Digest,
  lists: { readonly inputs: readonly Commitment[]; readonly outputs: readonly Commitment[] },
): readonly bigint[] | undefined {
  const [input] = lists.inputs
  const inputElement = input === undefined ? undefined : fieldElement(input)
  const committed = lists.outputs.filter((c) => c.scheme === POSEIDON_SCHEME)
  const outputElement = committed[0] === undefined ? 0n : fieldElement(committed[0])
  if (lists.inputs.length !== 1 || input?.scheme !== POSEIDON_SCHEME || committed.length > 1) return undefined
  if (inputElement === undefined || outputElement === undefined) return undefined
  const signals = [...digestHalves(claim), inputElement, outputElement]
  for (const [i, entry] of layout.outputs.entries()) {
    if (entry.scheme !== RAW_SCHEME) continue
    const commitment = lists.outputs[i]
    const values = commitment === undefined ? undefined : openRaw(commitment.value)
    if (values?.length !== entry.count || !values.every((x) => fits(x, entry))) return undefined
    signals.push(...values.map((x) => (x < 0n ? x + R : x)))
  }
  return signals
}

function fieldElement({ value }: Commitment): bigint | undefined {
  if (value.length !== 66) return undefined
  const element = BigInt(value)
  return element < R ? element : undefined
}

function fits(x: bigint, { width, signed }: LayoutEntry): boolean {
  const bits = BigInt(width)
  return signed ? BigInt.asIntN(width, x) === x : x >= 0n && x >> bits === 0n
}
