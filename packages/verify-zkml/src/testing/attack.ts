import { type ConstraintSystem, firstViolation, type Given, mod, R } from '../r1cs/index.ts'

/** A gadget alone: its operands are inputs of the system, its result is exposed by the test. */
export interface Attempt {
  readonly signal: number
  readonly value: bigint
}

/**
 * Every way to cheat with one signal that this tries: each signal gets its successor, its negation, its complement, zero,
 * one and some powers of two, once alone and once with everything computed from it adapted. Returns the attempts that
 * the constraints let pass.
 */
export function successfulCheats(
  cs: ConstraintSystem,
  given: Given,
  from: number,
  skip: (signal: number) => boolean = () => false,
): Attempt[] {
  const honest = cs.solve(given)
  if (firstViolation(cs.constraints, honest) !== undefined) throw new Error('the honest witness is refused')
  const passed: Attempt[] = []
  for (let signal = from; signal < cs.signalCount; signal++) {
    if (skip(signal)) continue
    const own = honest[signal] as bigint
    const tries = [
      own + 1n,
      own - 1n,
      R - own,
      1n - own,
      0n,
      1n,
      2n,
      own + (1n << 8n),
      own + (1n << 60n),
      (own * 3n) % R,
    ].map(mod)
    for (const value of new Set(tries)) {
      if (value === own) continue
      const alone = honest.map((v, i) => (i === signal ? value : v))
      const adapted = cs.solve(given, new Map([[signal, value]]))
      for (const values of [alone, adapted]) {
        if (firstViolation(cs.constraints, values) === undefined) passed.push({ signal, value })
      }
    }
  }
  return passed
}
