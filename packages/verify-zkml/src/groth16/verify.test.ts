import { bn254 } from '@noble/curves/bn254.js'
import fc from 'fast-check'
import { Q, R } from '../r1cs/index.ts'
import { simulatedKey, simulateProof } from '../testing/groth16-simulator.ts'
import { rerandomise } from '../testing/rerandomise.ts'
import type { Proof, VerifyingKey } from './backend.ts'
import { parseProof, parseVerifyingKey, proofBytes, verifyingKeyBytes, verifyingKeyLength } from './bytes.ts'
import { refuseProof } from './verify.ts'

/** snarkjs as the other opinion, on the same numbers. */
interface OtherVerifier {
  readonly groth16: { verify(key: object, signals: readonly string[], proof: object): Promise<boolean> }
  readonly curves: { getCurveFromName(name: string): Promise<{ terminate(): Promise<void> }> }
}
let other: OtherVerifier
beforeAll(async () => {
  const name: string = 'snarkjs'
  other = (await import(name)) as OtherVerifier
})
afterAll(async () => {
  await (await other.curves.getCurveFromName('bn128')).terminate()
})

const point1 = ([x, y]: Proof['a']) => [x, y, 1n].map(String)
const point2 = ([x, y]: Proof['b']) => [x.map(String), y.map(String), ['1', '0']]
async function snarkjsAccepts(key: VerifyingKey, signals: readonly bigint[], proof: Proof): Promise<boolean> {
  const vk = {
    protocol: 'groth16',
    curve: 'bn128',
    nPublic: signals.length,
    vk_alpha_1: point1(key.alpha),
    vk_beta_2: point2(key.beta),
    vk_gamma_2: point2(key.gamma),
    vk_delta_2: point2(key.delta),
    IC: key.ic.map(point1),
  }
  return other.groth16.verify(vk, signals.map(String), {
    protocol: 'groth16',
    curve: 'bn128',
    pi_a: point1(proof.a),
    pi_b: point2(proof.b),
    pi_c: point1(proof.c),
  })
}

const key = simulatedKey(3)
const signals = [5n, R - 7n, 123456789n]
const proof = simulateProof(signals)

/** A point of the twisted curve outside the subgroup of order r. */
function outsideSubgroup(): Proof['b'] {
  const { Fp2 } = bn254.fields
  const b = bn254.G2.Point.CURVE().b
  for (let i = 1n; ; i++) {
    const x = Fp2.create({ c0: i, c1: 1n })
    try {
      const y = Fp2.sqrt(Fp2.add(Fp2.mul(Fp2.sqr(x), x), b))
      const point = bn254.G2.Point.fromAffine({ x, y })
      if (!point.isTorsionFree())
        return [
          [x.c0, x.c1],
          [y.c0, y.c1],
        ]
    } catch {
      // No square root: no point over this x.
    }
  }
}

describe('refuseProof', () => {
  test('agrees with snarkjs on valid, rerandomised and mutated proofs', async () => {
    const cases: (readonly [Proof, readonly bigint[], boolean])[] = [
      [proof, signals, true],
      [simulateProof(signals, 99n, 41n), signals, true],
      [rerandomise(key, proof, 3n, 4n), signals, true],
      [rerandomise(key, proof, R - 1n, 5n), signals, true],
      ...signals.map((_, i) => [proof, signals.map((s, j) => (i === j ? (s + 1n) % R : s)), false] as const),
      [{ ...proof, a: proof.c }, signals, false],
      [{ ...proof, c: proof.a }, signals, false],
      [{ ...proof, a: [proof.a[0], Q - proof.a[1]] }, signals, false],
      [{ ...proof, b: key.beta }, signals, false],
    ]
    for (const [p, s, valid] of cases) {
      expect(refuseProof(key, s, p) === undefined).toBe(valid)
      expect(await snarkjsAccepts(key, s, p)).toBe(valid)
    }
  })

  test('an alias s + r is refused, by snarkjs too', async () => {
    for (const i of signals.keys()) {
      const alias = signals.map((s, j) => (i === j ? s + R : s))
      expect(refuseProof(key, alias, proof)).toBe('signal-range')
      expect(await snarkjsAccepts(key, alias, proof)).toBe(false)
    }
    expect(refuseProof(key, [-1n, 0n, 0n], proof)).toBe('signal-range')
    expect(refuseProof(key, signals.slice(1), proof)).toBe('signal-count')
    expect(refuseProof(key, [...signals, 0n], proof)).toBe('signal-count')
  })

  test('coordinates of q or more, infinity, points off the curve and outside the subgroup are refused', () => {
    const off: Proof['a'] = [proof.a[0], (proof.a[1] + 1n) % Q]
    expect(refuseProof(key, signals, { ...proof, a: [proof.a[0] + Q, proof.a[1]] })).toBe('coordinate-range')
    expect(refuseProof(key, signals, { ...proof, b: [[proof.b[0][0] + Q, proof.b[0][1]], proof.b[1]] })).toBe(
      'coordinate-range',
    )
    expect(refuseProof(key, signals, { ...proof, a: [0n, 0n] })).toBe('point')
    expect(refuseProof(key, signals, { ...proof, c: [0n, 0n] })).toBe('point')
    expect(
      refuseProof(key, signals, {
        ...proof,
        b: [
          [0n, 0n],
          [0n, 0n],
        ],
      }),
    ).toBe('point')
    expect(refuseProof(key, signals, { ...proof, a: off })).toBe('point')
    expect(refuseProof(key, signals, { ...proof, b: [proof.b[0], [proof.b[1][0], (proof.b[1][1] + 1n) % Q]] })).toBe(
      'point',
    )
    expect(refuseProof(key, signals, { ...proof, b: outsideSubgroup() })).toBe('point')
    expect(refuseProof({ ...key, delta: outsideSubgroup() }, signals, proof)).toBe('point')
    expect(refuseProof({ ...key, ic: key.ic.map((p, i) => (i === 2 ? ([0n, 0n] as const) : p)) }, signals, proof)).toBe(
      'point',
    )
    expect(refuseProof({ ...key, alpha: off }, signals, proof)).toBe('point')
  })
})

describe('bytes', () => {
  test('round trip, and refuse other lengths', () => {
    expect(parseProof(proofBytes(proof))).toEqual(proof)
    expect(parseVerifyingKey(verifyingKeyBytes(key))).toEqual(key)
    expect(verifyingKeyBytes(key)).toHaveLength(verifyingKeyLength(3))
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 1024 }), (bytes) => {
        const parsed = parseProof(bytes)
        expect(parsed === undefined ? undefined : proofBytes(parsed)).toEqual(bytes.length === 256 ? bytes : undefined)
        const parsedKey = parseVerifyingKey(bytes)
        if (parsedKey !== undefined) expect(verifyingKeyBytes(parsedKey)).toEqual(bytes)
      }),
    )
  })

  test('are in the order of EIP-197', () => {
    const word = (i: number) =>
      BigInt(`0x${Buffer.from(proofBytes(proof).subarray(32 * i, 32 * i + 32)).toString('hex')}`)
    expect([0, 1, 2, 3, 4, 5, 6, 7].map(word)).toEqual([
      ...proof.a,
      proof.b[0][1],
      proof.b[0][0],
      proof.b[1][1],
      proof.b[1][0],
      ...proof.c,
    ])
  })
})
