import { type ConstraintSystem, firstViolation, type Given, mod, R } from '../r1cs/index.ts'

/** Values that a prover tried to give some signals. */
export type Attempt = ReadonlyMap<number, bigint>

/**
 * Plays a dishonest prover and returns the attempts that the constraints let pass. One signal at a time gets its
 * successor, negation, complement, zero, one, a multiple and some powers of two; neighbours get pairs of bits, and a carry
 * from one to the next that leaves a weighted sum as it was. Each is tried alone and with everything computed from it
 * adapted. Signals that `free` names feed nothing, so other values of them are no cheat.
 */
export function successfulCheats(
  cs: ConstraintSystem,
  given: Given,
  from: number,
  free: (signal: number) => boolean = () => false,
): Attempt[] {
  const honest = cs.solve(given)
  if (firstViolation(cs.constraints, honest) !== undefined) throw new Error('the honest witness is refused')
  const attempts: Attempt[] = []
  for (let signal = from; signal < cs.signalCount; signal++) {
    const own = honest[signal] as bigint
    const singles = [own + 1n, own - 1n, R - own, 1n - own, 0n, 1n, 2n, own + (1n << 8n), own + (1n << 60n), own * 3n]
    for (const value of singles) attempts.push(new Map([[signal, mod(value)]]))
    if (signal + 1 === cs.signalCount) continue
    const next = honest[signal + 1] as bigint
    const pairs = [
      [own + 2n, next - 1n],
      [own - 2n, next + 1n],
      [0n, 0n],
      [0n, 1n],
      [1n, 0n],
      [1n, 1n],
    ] as const
    for (const [a, b] of pairs) {
      attempts.push(
        new Map([
          [signal, mod(a)],
          [signal + 1, mod(b)],
        ]),
      )
    }
  }
  return attempts.filter((attempt) => {
    const alone = honest.map((v, i) => attempt.get(i) ?? v)
    const differs = (values: readonly bigint[]) => values.some((v, i) => v !== honest[i] && !free(i))
    return [alone, cs.solve(given, attempt)].some(
      (values) => differs(values) && firstViolation(cs.constraints, values) === undefined,
    )
  })
}
