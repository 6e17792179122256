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
  if (![...proof.a, ...proof.b.flat(), ...proof.c, ...coordinatesOf(key)].every((x) => x >= 0n && x < Q))
    return 'coordinate-range'

  const points = pointsOf(key)
  const a = g1(proof.a)
  const b = g2(proof.b)
  const c = g1(proof.c)
  if (points === undefined || a === undefined || b === undefined || c === undefined) return 'point'
  const sum = signals.reduce((acc, signal, i) => {
    const point = points.ic[i]
    return point === undefined || signal === 0n ? acc : acc.add(point.multiplyUnsafe(signal))
  }, points.constant)
  const pairs = [
    { g1: a.negate(), g2: b },
    { g1: points.alpha, g2: points.beta },
    { g1: sum, g2: points.gamma },
    { g1: c, g2: points.delta },
  ].filter((pair) => !pair.g1.is0())
  return Fp12.eql(bn254.pairingBatch(pairs), Fp12.ONE) ? undefined : 'equation'
}

interface KeyPoints {
  readonly alpha: G1
  readonly beta: G2
  readonly gamma: G2
  readonly delta: G2
  readonly constant: G1
  /** One for each signal. */
  readonly ic: readonly G1[]
}

/** Keys whose points were found to be good: a quarter of a verification is checking them. */
const KEPT_KEYS = 16
const kept = new Map<string, KeyPoints>()

const coordinatesOf = (key: VerifyingKey): readonly bigint[] => [
  ...key.alpha,
  ...[key.beta, key.gamma, key.delta].flat(2),
  ...key.ic.flat(),
]

function pointsOf(key: VerifyingKey): KeyPoints | undefined {
  const name = coordinatesOf(key)
    .map((x) => x.toString(36))
    .join()
  const known = kept.get(name)
  if (known !== undefined) return known
  const [alpha, beta, gamma, delta] = [g1(key.alpha), g2(key.beta), g2(key.gamma), g2(key.delta)]
  const ic: G1[] = []
  for (const coordinates of key.ic) {
    const point = g1(coordinates)
    if (point === undefined) return undefined
    ic.push(point)
  }
  const [constant, ...others] = ic
  if (!alpha || !beta || !gamma || !delta || !constant) return undefined
  const points = { alpha, beta, gamma, delta, constant, ic: others }
  kept.set(name, points)
  for (const oldest of kept.keys()) if (kept.size > KEPT_KEYS) kept.delete(oldest)
  return points
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
