import { curveModule, snarkjsProver } from '../groth16/snarkjs.ts'
import {
  ConstraintSystem,
  encodeR1cs,
  encodeWitness,
  firstViolation,
  inverse,
  mod,
  offset,
  plus,
  R,
  scaled,
} from './index.ts'

interface Other {
  readonly wtns: { check(r1cs: Uint8Array, wtns: Uint8Array, logger: object): Promise<boolean> }
  readonly r1cs: {
    info(
      r1cs: Uint8Array,
    ): Promise<{ nVars: number; nConstraints: number; nPubInputs: number; nOutputs: number; prime: bigint }>
  }
}

const silent = { info() {}, warn() {}, error() {}, debug() {} }

afterAll(() => snarkjsProver().close())

function example(): ConstraintSystem {
  const cs = new ConstraintSystem()
  const claim = cs.publicInput((w) => w.given('claim', 0))
  const y = cs.publicOutput()
  cs.product(claim, claim)
  const [a, b] = cs.signals(2, (w) => [w.given('x', 0), w.given('x', 1)])
  if (a === undefined || b === undefined) throw new Error('two signals')
  const product = cs.product(offset(scaled(a, -3n), 7n), plus(a, b))
  cs.expose(y, offset(plus(product, scaled(b, -2n)), -11n))
  return cs
}

describe('iden3 files', () => {
  test('snarkjs reads the constraints and agrees on which witnesses satisfy them', async () => {
    const name: string = 'snarkjs'
    const other = (await import(name)) as Other
    const cs = example()
    const r1cs = encodeR1cs(cs)
    expect(await other.r1cs.info(r1cs)).toMatchObject({
      prime: R,
      nVars: cs.signalCount,
      nConstraints: cs.constraints.length,
      nPubInputs: cs.publicCount,
      nOutputs: 0,
    })
    const honest = cs.solve({ claim: [R - 5n], x: [4n, -9n] })
    expect(honest.every((v) => v >= 0n && v < R)).toBe(true)
    for (const change of [0n, 1n, R - 1n]) {
      for (let signal = 1; signal < cs.signalCount; signal++) {
        const values = honest.map((v, i) => (i === signal ? mod(v + change) : v))
        expect(firstViolation(cs.constraints, values) === undefined).toBe(change === 0n)
        expect(await other.wtns.check(r1cs, encodeWitness(values), silent)).toBe(change === 0n)
      }
    }
  })

  test('a witness without the constant one is refused', () => {
    const cs = example()
    const values = cs.solve({ claim: [1n], x: [1n, 2n] })
    expect(firstViolation(cs.constraints, [0n, ...values.slice(1)])).toBe(-1)
  })

  test('public signals come first', () => {
    const cs = new ConstraintSystem()
    cs.signal(() => 1n)
    expect(() => cs.publicOutput()).toThrow('declared first')
  })

  test('field inverses', () => {
    for (const x of [1n, 2n, R - 1n, 1n << 200n, -7n]) expect(mod(inverse(x) * x)).toBe(1n)
    expect(() => inverse(0n)).toThrow(RangeError)
  })
})

test('the curve module is the one that snarkjs compiles', async () => {
  expect((await curveModule()).code.length).toBeGreaterThan(10_000)
})
