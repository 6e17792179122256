import { bn254 } from '@noble/curves/bn254.js'
import type { Proof, VerifyingKey } from '../groth16/backend.ts'

/**
 * Makes valid proofs for any signals under a key whose secrets are known: alpha 3, beta 7, gamma 11, delta 13,
 * IC[i] = (100 + i) G1. That is what a key without an honest contribution is worth.
 */

const R = bn254.fields.Fr.ORDER
const { Fr } = bn254.fields

const g1 = (k: bigint): Proof['a'] => {
  const { x, y } = bn254.G1.Point.BASE.multiply(k).toAffine()
  return [x, y]
}
const g2 = (k: bigint): Proof['b'] => {
  const { x, y } = bn254.G2.Point.BASE.multiply(k).toAffine()
  return [
    [x.c0, x.c1],
    [y.c0, y.c1],
  ]
}

export const simulatedKey = (signals: number): VerifyingKey => ({
  alpha: g1(3n),
  beta: g2(7n),
  gamma: g2(11n),
  delta: g2(13n),
  ic: Array.from({ length: signals + 1 }, (_, i) => g1(100n + BigInt(i))),
})

/** Each choice of nonzero `a` and `b` gives another proof of the same statement. */
export function simulateProof(signals: readonly bigint[], a = 23n, b = 17n): Proof {
  const ic = signals.reduce((sum, s, i) => (sum + s * (101n + BigInt(i))) % R, 100n)
  const c = Fr.mul(Fr.create(a * b - 21n - ic * 11n), Fr.inv(13n))
  return { a: g1(a), b: g2(b), c: g1(c) }
}
