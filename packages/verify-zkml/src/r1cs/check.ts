import type { Constraint } from './builder.ts'
import { R } from './field.ts'
import { evaluate } from './form.ts'

/** The number of the first constraint that the values break, or undefined where they satisfy all. */
export function firstViolation(constraints: readonly Constraint[], values: readonly bigint[]): number | undefined {
  if (values[0] !== 1n) return -1
  const at = constraints.findIndex(
    ({ a, b, c }) => (evaluate(a, values) * evaluate(b, values) - evaluate(c, values)) % R !== 0n,
  )
  return at < 0 ? undefined : at
}
