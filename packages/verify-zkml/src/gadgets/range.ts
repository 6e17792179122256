import type { Range } from '@veristack/integer-model'
import {
  type ConstraintSystem,
  constantForm,
  type Form,
  inverse,
  isConstant,
  minus,
  ONE,
  Sum,
  scaled,
} from '../r1cs/index.ts'
import { type Bits, Wire } from './wire.ts'

/*
 * Soundness. A form f whose integer value lies in (−2^250, 2^250) equals Σ 2^j b_j − o in the field, with b_j ∈ {0, 1},
 * n <= 251 bits and o ∈ {0, 2^(n−1)}. Both sides are integers below 2^251 in size, so equality in the field is equality
 * of integers, and an integer has one such representation: a prover can choose no other bits, and p − x, x ± 2^n or a
 * value outside the range has none at all.
 */

/** Forms of at most this many terms are cheaper to repeat than to give a signal. */
const SHORT = 8

export const bitLength = (n: bigint): number => (n === 0n ? 0 : n.toString(2).length)

/** Least n with −2^(n−1) <= lo and hi < 2^(n−1). */
const signedWidth = ({ lo, hi }: Range): number =>
  Math.max(bitLength(hi > 0n ? hi : 0n), bitLength(lo < 0n ? -lo - 1n : 0n)) + 1

const bitsOf = (value: bigint, count: number): bigint[] =>
  Array.from({ length: count }, (_, j) => (value >> BigInt(j)) & 1n)

export const weighBits = (bits: readonly Form[], from = 0, constant = 0n): Form => {
  const sum = new Sum(constant)
  for (let j = from; j < bits.length; j++) sum.add(bits[j] as Form, 1n << BigInt(j - from))
  return sum.form()
}

/**
 * Proves form + offset ∈ [0, 2^count) and returns the bits.
 *
 * A long form gets a signal for each bit and one dense row, with the form in C. A short one gets `count − 1` signals c_j,
 * the complements of the lower bits, and a top bit that is itself a form: t = form + offset − Σ 2^j (1 − c_j) must be 0
 * or 2^(count−1). Complements, because then no coefficient is negative.
 */
function split(cs: ConstraintSystem, form: Form, count: number, offset: bigint, virtualTop: boolean): readonly Form[] {
  if (!virtualTop) {
    const bits = cs.signals(count, (w) => bitsOf(w.value(form) + offset, count))
    for (const bit of bits) cs.boolean(bit)
    cs.equal(weighBits(bits, 0, -offset), form)
    return bits
  }
  const complements = cs.signals(count - 1, (w) => bitsOf(w.value(form) + offset, count - 1).map((bit) => 1n - bit))
  for (const bit of complements) cs.boolean(bit)
  const weight = 1n << BigInt(count - 1)
  const top = new Sum(offset - weight + 1n).add(form).add(weighBits(complements)).form()
  cs.constrain(top, top, scaled(top, weight))
  return [
    ...complements.map((c) => minus(ONE, c)),
    weight === 1n ? top : new Sum().add(top, inverse(weight)).form(true),
  ]
}

/** Proves form ∈ [0, 2^count): `count` constraints for a short form, one more for a long one. */
export function proveBits(cs: ConstraintSystem, form: Form, count: number): readonly Form[] {
  return split(cs, form, count, 0n, form.signals.length <= SHORT)
}

/**
 * The bits of an element, made once and kept with it. Negative values in two's complement around an offset.
 * `multiplied`: whether the top bit will be a factor and so deserves a signal.
 */
export function decompose(cs: ConstraintSystem, x: Wire, multiplied = true): Bits {
  if (x.bits !== undefined) return x.bits
  const signed = x.range.lo < 0n
  const count = signed ? signedWidth(x.range) : Math.max(1, bitLength(x.range.hi))
  const offset = signed ? 1n << BigInt(count - 1) : 0n
  const bits = isConstant(x.form)
    ? bitsOf(x.form.constant + offset, count).map(constantForm)
    : split(cs, x.form, count, offset, !(signed && multiplied) && x.form.signals.length <= SHORT)
  x.bits = { bits, offset }
  x.shorten(weighBits(bits, 0, -offset))
  return x.bits
}

/**
 * An element that the prover supplies, proven to lie in exactly `range`. What the bits alone leave too wide is cut off
 * by comparing them with the bounds.
 */
export function rangedInput(cs: ConstraintSystem, signal: Form, range: Range): Wire {
  const x = Wire.of(signal, range)
  if (range.lo === range.hi) {
    cs.equal(signal, constantForm(range.lo))
    return x
  }
  const signed = range.lo < 0n
  const count = signed ? signedWidth(range) : Math.max(1, bitLength(range.hi))
  const offset = signed ? 1n << BigInt(count - 1) : 0n
  const bits = split(cs, signal, count, offset, true)
  x.bits = { bits, offset }
  atMost(cs, bits, range.hi + offset)
  atMost(
    cs,
    bits.map((b) => minus(ONE, b)),
    (1n << BigInt(count)) - 1n - (range.lo + offset),
  )
  return x
}

/**
 * Proves Σ 2^j bits[j] <= bound for boolean bits and 0 <= bound < 2^bits.length (Zcash protocol specification, A.3.2.2).
 * From the top, `tight` is 1 while every one of the bound is met by a one; while it is, a bit over a zero of the bound
 * must be 0. The first unmet one makes the value smaller, and the rest free.
 */
function atMost(cs: ConstraintSystem, bits: readonly Form[], bound: bigint): void {
  const lowestZero = bits.findIndex((_, j) => ((bound >> BigInt(j)) & 1n) === 0n)
  if (lowestZero < 0) return
  let tight: Form = ONE
  for (let j = bits.length - 1; j >= lowestZero; j--) {
    const bit = bits[j] as Form
    if (((bound >> BigInt(j)) & 1n) === 0n) cs.constrain(tight, bit, constantForm(0n))
    else tight = isConstant(tight) ? bit : cs.product(tight, bit)
  }
}

/** 1 where the form, a sum of at most 2^32 bits, is zero, else 0. With the sum s: s · inv = 1 − z and s · z = 0 leave z no choice. */
export function isZero(cs: ConstraintSystem, form: Form): Form {
  if (isConstant(form)) return constantForm(form.constant === 0n ? 1n : 0n)
  const inv = cs.signal((w) => {
    const value = w.value(form)
    return value === 0n ? 0n : inverse(value)
  })
  const zero = cs.signal((w) => (w.value(form) === 0n ? 1n : 0n))
  cs.constrain(form, inv, minus(ONE, zero))
  cs.constrain(form, zero, constantForm(0n))
  return zero
}
