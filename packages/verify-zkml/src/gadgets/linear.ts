import type { Weights } from '@veristack/integer-model'
import { type ConstraintSystem, Sum } from '../r1cs/index.ts'
import { Wire, weigh } from './wire.ts'

/*
 * Soundness. Constant weights: the result is a linear form of its operands and costs nothing. Its range follows from
 * theirs by interval arithmetic, which holds for every assignment that keeps theirs, and is checked to stay below 2^250.
 */

/** A longer operand is given a signal once instead of being repeated in every row that reads it. */
const REPEATED = 2
/** From this many outputs on, the sum of the operands is worth a signal. */
const SUMMED = 8

/** y[..., o] = Σ_i x[..., i] · weights[i, o] + bias[o] over rows of `x`. */
export function linear(cs: ConstraintSystem, x: readonly Wire[], weights: Weights, bias: Weights): readonly Wire[] {
  const [width = 0, outputs = 0] = weights.shape
  const rows = width === 0 ? 0 : x.length / width
  const columns = Array.from({ length: outputs }, (_, o) =>
    Array.from({ length: width }, (_, i) => BigInt(weights.data[i * outputs + o] as number)),
  )
  const lowest = BigInt(Float64Array.from(weights.data).reduce((least, w) => Math.min(least, w), 0))
  const dense = weights.data.filter((w) => w !== 0).length * 2 > width * outputs
  const result: Wire[] = []
  for (let row = 0; row < rows; row++) {
    const operands = x.slice(row * width, (row + 1) * width)
    if (outputs > 1) for (const operand of operands) operand.short(cs, REPEATED)
    // Σ w x = Σ (w − lowest) x + lowest · Σ x: short positive coefficients instead of field elements of full length.
    const total =
      dense && lowest < 0n && outputs >= SUMMED ? weigh(operands.map((w) => [w, 1n] as const)).signal(cs) : undefined
    for (let o = 0; o < outputs; o++) {
      const column = columns[o] as bigint[]
      const y = weigh(
        operands.map((w, i) => [w, column[i] as bigint] as const),
        BigInt(bias.data[o] as number),
      )
      if (total === undefined) result.push(y)
      else {
        const sum = new Sum(BigInt(bias.data[o] as number)).add(total, lowest)
        operands.forEach((w, i) => {
          sum.add(w.form, (column[i] as bigint) - lowest)
        })
        result.push(Wire.of(sum.form(), y.range))
      }
    }
  }
  return result
}
