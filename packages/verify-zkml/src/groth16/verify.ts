import { bn254 } from '@noble/curves/bn254.js'
import type { Proof, VerifyingKey } from './backend.ts'

const Q = bn254.fields.Fp.ORDER
const R = bn254.fields.Fr.ORDER
const { Fp12 } = bn254.fields

type G1 = ReturnType<typeof bn254.G1.Point.fromAffine>
type G2 = ReturnType<typeof bn254.G2.Point.fromAffine>

export type ProofRefusal = 'signal-count' | 'signal-range' | 'coordinate-range' | 'point' | 'equation'

/**
 * Groth16 over BN254 (https://eprint.iacr.org/2016/260): e(A, B) = e(alpha, beta) · e(IC(signals), gamma) · e(C, delta).
 * Returns why a proof is refused, or undefined where it verifies. Refused besides the equation: a signal >= r (two
 * numbers would mean the same element), a coordinate >= q, infinity, a point off its curve, B outside the subgroup of
 * order r. The key's points are checked alike.
 */
export function refuseProof(key: VerifyingKey, signals: readonly bigint[], proof: Proof): ProofRefusal | undefined {
  if (signals.length + 1 !== key.ic.length) return 'signal-count'
  if (signals.some((s) => s < 0n || s >= R)) return 'signal-range'
  const coordinates = [key.alpha, ...key.beta, ...key.gamma, ...key.delta, ...key.ic, proof.a, ...proof.b, proof.c].flat()
  if (coordinates.some((x) => x < 0n || x >= Q)) return 'coordinate-range'

  const a = g1(proof.a)
  const b = g2(proof.b)
  const c = g1(proof.c)
  const alpha = g1(key.alpha)
  const beta = g2(key.beta)
  const gamma = g2(key.gamma)
  const delta = g2(key.delta)
  const ic = key.ic.map(g1)
  const [first, ...others] = ic
  if (!a || !b || !c || !alpha || !beta || !gamma || !delta || !first) return 'point'
  let sum = first
  for (const [i, point] of others.entries()) {
    const signal = signals[i]
    if (point === undefined || signal === undefined) return 'point'
    if (signal !== 0n) sum = sum.add(point.multiplyUnsafe(signal))
  }
  const pairs = [
    { g1: a.negate(), g2: b },
    { g1: alpha, g2: beta },
    { g1: sum, g2: gamma },
    { g1: c, g2: delta },
  ].filter((pair) => !pair.g1.is0())
  return Fp12.eql(bn254.pairingBatch(pairs), Fp12.ONE) ? undefined : 'equation'
}

/** The point, or undefined for infinity and for what is not on the curve. G1 has no other subgroup. */
function g1([x, y]: Proof['a']): G1 | undefined {
  if (x === 0n && y === 0n) return undefined
  return checked(() => bn254.G1.Point.fromAffine({ x, y }))
}

function g2([x, y]: Proof['b']): G2 | undefined {
  if (x[0] === 0n && x[1] === 0n && y[0] === 0n && y[1] === 0n) return undefined
  return checked(() => bn254.G2.Point.fromAffine({ x: { c0: x[0], c1: x[1] }, y: { c0: y[0], c1: y[1] } }))
}

function checked<P extends { assertValidity(): void }>(make: () => P): P | undefined {
  try {
    const point = make()
    point.assertValidity()
    return point
  } catch {
    return undefined
  }
}
