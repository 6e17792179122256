import type { Weights } from '@veristack/integer-model'
import type { ConstraintSystem } from '../r1cs/index.ts'
import { type Wire, weigh } from './wire.ts'

/*
 * Soundness. Constant weights: the result is a linear form of its operands and costs nothing. Its range follows from
 * theirs by interval arithmetic, which holds for every assignment that keeps theirs, and is checked to stay below 2^250.
 */

/** A longer operand is given a signal once instead of being repeated in every row that reads it. */
const REPEATED = 2

/** y[..., o] = Σ_i x[..., i] · weights[i, o] + bias[o] over rows of `x`. */
export function linear(cs: ConstraintSystem, x: readonly Wire[], weights: Weights, bias: Weights): readonly Wire[] {
  const [width = 0, outputs = 0] = weights.shape
  const rows = width === 0 ? 0 : x.length / width
  const columns = Array.from({ length: outputs }, (_, o) =>
    Array.from({ length: width }, (_, i) => BigInt(weights.data[i * outputs + o] as number)),
  )
  const result: Wire[] = []
  for (let row = 0; row < rows; row++) {
    const operands = x.slice(row * width, (row + 1) * width)
    if (outputs > 1) for (const operand of operands) operand.short(cs, REPEATED)
    for (let o = 0; o < outputs; o++) {
      const column = columns[o] as bigint[]
      result.push(weigh(operands.map((w, i) => [w, column[i] as bigint] as const), BigInt(bias.data[o] as number)))
    }
  }
  return result
}
