import { type ConstraintSystem, constantForm, type Form, minus, ONE, Sum } from '../r1cs/index.ts'
import { bitLength, proveBits } from './range.ts'
import { hull, Wire } from './wire.ts'

/*
 * Soundness. The choice bits e_j are boolean and add up to one, so exactly one is set, at l. The constraints
 * e_j · (m − y_j) = 0 make the free signal m equal to y_l in the field, hence the integer y_l. For every j the form
 * m − y_j − [j < l] is an integer in −d − 1 .. d, with d the span of all operands, and is proven to lie in [0, 2^n) with
 * 2^n > d: it is not negative. So y_l > y_j for lower j and y_l >= y_j for higher ones: l is the lowest index of the
 * largest element, and no other label has a witness.
 */

/** Index of the largest of the operands; the lowest index wins a tie. About (bits of the span + 2) constraints each. */
export function argmax(cs: ConstraintSystem, operands: readonly Wire[]): Wire {
  if (operands.length <= 1) return Wire.constant(0n)
  const { lo, hi } = hull(operands.map((w) => w.range))
  const span = Math.max(1, bitLength(hi - lo))
  const y = operands.map((w) => w.signal(cs))
  const last = y.length - 1

  const chosen = cs.signals(last, (w) => {
    const values = y.map((f) => w.value(f))
    const best = indexOfLargest(values)
    return values.slice(0, last).map((_, j) => (j === best ? 1n : 0n))
  })
  const none = chosen.reduce((sum, e) => sum.add(e, -1n), new Sum(1n)).form()
  const choice: readonly Form[] = [...chosen, none]
  for (const e of choice) cs.boolean(e)

  const largest = cs.signal((w) => {
    const values = y.map((f) => w.value(f))
    return values[indexOfLargest(values)] as bigint
  })
  let above: Form = ONE
  for (let j = 0; j <= last; j++) {
    const e = choice[j] as Form
    cs.constrain(e, minus(largest, y[j] as Form), constantForm(0n))
    // [j < l] = 1 − e_0 − … − e_j; at the last index it is zero whatever was chosen.
    above = j === last ? constantForm(0n) : minus(above, e)
    proveBits(
      cs,
      new Sum()
        .add(largest)
        .add(y[j] as Form, -1n)
        .add(above, -1n)
        .form(),
      span,
    )
  }
  return Wire.of(choice.reduce((sum, e, j) => sum.add(e, BigInt(j)), new Sum()).form(), { lo: 0n, hi: BigInt(last) })
}

const indexOfLargest = (values: readonly bigint[]): number =>
  values.reduce((best, v, j) => (v > (values[best] as bigint) ? j : best), 0)
