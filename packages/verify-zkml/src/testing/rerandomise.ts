import { bn254 } from '@noble/curves/bn254.js'
import type { Proof, VerifyingKey } from '../groth16/backend.ts'

const R = bn254.fields.Fr.ORDER
const { Fr } = bn254.fields

/** Another valid proof of the same statement, made from public data alone: A/r, r·B + r·s·delta, C + s·A. */
export function rerandomise(key: VerifyingKey, proof: Proof, r: bigint, s: bigint): Proof {
  const g1 = ([x, y]: Proof['a']) => bn254.G1.Point.fromAffine({ x, y })
  const g2 = ([x, y]: Proof['b']) => bn254.G2.Point.fromAffine({ x: { c0: x[0], c1: x[1] }, y: { c0: y[0], c1: y[1] } })
  const a = g1(proof.a).multiply(Fr.inv(r)).toAffine()
  const b = g2(proof.b)
    .multiply(r)
    .add(g2(key.delta).multiply((r * s) % R))
    .toAffine()
  const c = g1(proof.c).add(g1(proof.a).multiply(s)).toAffine()
  return {
    a: [a.x, a.y],
    b: [
      [b.x.c0, b.x.c1],
      [b.y.c0, b.y.c1],
    ],
    c: [c.x, c.y],
  }
}
