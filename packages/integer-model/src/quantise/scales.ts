import { widthOf } from '../commit/index.ts'
import { fail } from '../errors.ts'
import type { Quantisation, Range, Weights } from '../program/index.ts'
import type { Statistics } from './statistics.ts'

export interface ScaledWeights {
  readonly weights: Weights
  readonly scale: number
}

/** Unsigned, or two's complement, of this many bits. */
export const rangeOf = (bits: number, signed: boolean): Range =>
  signed
    ? { lo: -(1n << BigInt(bits - 1)), hi: (1n << BigInt(bits - 1)) - 1n }
    : { lo: 0n, hi: (1n << BigInt(bits)) - 1n }

/** A constant tensor of the program. Throws `VS_MODEL_RANGE_OVERFLOW` unless every element is below 2^53. */
export function constantTensor(shape: readonly number[], values: Float64Array): Weights {
  const odd = values.find((v) => !Number.isSafeInteger(v))
  if (odd !== undefined)
    throw fail('VS_MODEL_RANGE_OVERFLOW', {
      details: { field: 'constant', expected: 'whole numbers below 2^53', got: odd },
    })
  const narrow = values.every((v) => v >= -(2 ** 31) && v < 2 ** 31)
  return { shape, data: narrow ? Int32Array.from(values) : values.map((v) => v + 0) }
}

/**
 * Symmetric integers of `bits` with one scale: round(w / scale). Whole numbers that fit as they are keep scale 1, so that
 * nothing is lost.
 */
export function quantiseWeights(shape: readonly number[], values: Float64Array, bits: number): ScaledWeights {
  const most = 2 ** (bits - 1) - 1
  let reach = 0
  for (const w of values) reach = Math.max(reach, Math.abs(w))
  const asTheyAre = reach <= most && values.every(Number.isInteger)
  const scale = asTheyAre || reach === 0 ? 1 : reach / most
  return {
    weights: constantTensor(
      shape,
      values.map((w) => nearest(w / scale)),
    ),
    scale,
  }
}

/** Rounds halves up, as the program's inputs are rounded. */
export const nearest = (x: number): number => Math.floor(x + 0.5) + 0

/**
 * Range and scale of an input, zero point 0. Whole numbers that fit `bits` keep scale 1 and take the least bits that hold
 * what was seen; other values get a symmetric scale, unsigned where none was negative.
 */
export function inputQuantisation(
  seen: Statistics,
  bits: number,
  share: number,
): { readonly range: Range; readonly quantisation: Quantisation } {
  const signed = seen.lo < 0
  if (seen.whole && Number.isSafeInteger(seen.lo) && Number.isSafeInteger(seen.hi)) {
    const needed = widthOf({ lo: BigInt(seen.lo), hi: BigInt(seen.hi) })
    if (needed.width <= bits)
      return { range: rangeOf(needed.width, needed.signed), quantisation: { scale: 1, zeroPoint: 0 } }
  }
  const range = rangeOf(signed ? Math.max(2, bits) : bits, signed)
  const reach = seen.magnitude(share)
  return { range, quantisation: { scale: reach > 0 ? reach / Number(range.hi) : 1, zeroPoint: 0 } }
}
