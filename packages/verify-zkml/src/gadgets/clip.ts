import { type ConstraintSystem, type Form, isConstant, offset, scaled } from '../r1cs/index.ts'
import { decompose, isZero, weighBits } from './range.ts'
import { Wire, weigh } from './wire.ts'

/*
 * Soundness. max(x, 0) is (top bit) · (lower bits) of x's only decomposition, so both factors are fixed by x. An upper
 * bound is either a second max, hi − max(hi − x, 0), or, for hi = 2^k − 1, a choice by "are all bits from k on zero",
 * which the same decomposition fixes. The prover chooses nothing.
 */

/** y = min(max(x, lo), hi). */
export function clip(cs: ConstraintSystem, x: Wire, lo: bigint | undefined, hi: bigint | undefined): Wire {
  const raised = lo === undefined ? x : atLeast(cs, x, lo)
  return hi === undefined ? raised : atMost(cs, raised, hi)
}

function atLeast(cs: ConstraintSystem, x: Wire, lo: bigint): Wire {
  if (lo <= x.range.lo) return x
  if (lo >= x.range.hi) return Wire.constant(lo)
  return lo === 0n ? positivePart(cs, x) : weigh([[positivePart(cs, weigh([[x, 1n]], -lo)), 1n]], lo)
}

/** max(x, 0) of an element whose range has both signs. */
export function positivePart(cs: ConstraintSystem, x: Wire): Wire {
  if (x.range.lo >= 0n) return x
  if (x.range.hi <= 0n) return Wire.constant(0n)
  return Wire.positivePart(x, () => {
    const { sign, lower } = signed(cs, x)
    return product(cs, sign, weighBits(lower))
  })
}

function atMost(cs: ConstraintSystem, x: Wire, hi: bigint): Wire {
  if (hi >= x.range.hi) return x
  if (hi <= x.range.lo) return Wire.constant(hi)
  const width = hi > 0n && (hi & (hi + 1n)) === 0n ? hi.toString(2).length : undefined
  if (width !== undefined && x.positiveOf !== undefined) {
    const { sign, lower } = signed(cs, x.positiveOf)
    return Wire.of(product(cs, sign, saturate(cs, lower, width, hi)), { lo: 0n, hi })
  }
  if (width !== undefined && x.bits !== undefined && x.bits.offset === 0n) {
    return Wire.of(saturate(cs, x.bits.bits, width, hi), { lo: 0n, hi })
  }
  return weigh([[positivePart(cs, weigh([[x, -1n]], hi)), -1n]], hi)
}

/** min(value of the bits, hi) for hi = 2^width − 1. */
function saturate(cs: ConstraintSystem, bits: readonly Form[], width: number, hi: bigint): Form {
  const high = bits.slice(width)
  const inside = isZero(cs, high.length === 0 ? { signals: [], coefficients: [], constant: 0n } : sumOf(high))
  return offset(product(cs, inside, offset(weighBits(bits.slice(0, width)), -hi)), hi)
}

const sumOf = (bits: readonly Form[]): Form => weigh(bits.map((b) => [Wire.of(b, { lo: 0n, hi: 1n }), 1n])).form

/** Top bit and the others of an element that can be negative. */
function signed(cs: ConstraintSystem, x: Wire): { readonly sign: Form; readonly lower: readonly Form[] } {
  const { bits } = decompose(cs, x)
  return { sign: bits[bits.length - 1] as Form, lower: bits.slice(0, -1) }
}

function product(cs: ConstraintSystem, a: Form, b: Form): Form {
  if (isConstant(a)) return scaled(b, a.constant)
  if (isConstant(b)) return scaled(a, b.constant)
  return cs.product(a, b)
}
