import fc from 'fast-check'
import { ConstraintSystem, centred, evaluate, type Form, firstViolation, isConstant, mod, R } from '../r1cs/index.ts'
import { successfulCheats } from '../testing/attack.ts'
import { weights } from '../testing/programs.ts'
import { argmax } from './argmax.ts'
import { clip } from './clip.ts'
import { commitment } from './commitment.ts'
import { addConstant, addition, mulConstant, subtraction } from './elementwise.ts'
import { floorShift } from './floor-shift.ts'
import { linear } from './linear.ts'
import { isZero, proveBits, rangedInput } from './range.ts'
import { Wire } from './wire.ts'

interface Bench {
  readonly cs: ConstraintSystem
  readonly inputs: readonly Wire[]
  /** The first signal that is not an operand. */
  readonly from: number
}

/** Operands whose ranges are enforced as a program's inputs are. */
function bench(ranges: readonly (readonly [bigint, bigint])[]): Bench {
  const cs = new ConstraintSystem()
  const signals = cs.signals(ranges.length, (w) => ranges.map((_, i) => w.given('x', i)))
  const inputs = ranges.map(([lo, hi], i) => rangedInput(cs, signals[i] as Form, { lo, hi }))
  return { cs, inputs, from: ranges.length + 1 }
}

const run = ({ cs }: Bench, x: readonly bigint[]) => cs.solve({ x })
const read = (values: readonly bigint[], wire: Wire): bigint => centred(evaluate(wire.form, values))
const holds = ({ cs }: Bench, values: readonly bigint[]): boolean =>
  firstViolation(cs.constraints, values) === undefined

/** Nothing but the honest witness passes, whatever single signal a prover changes. */
function expectForced(b: Bench, x: readonly bigint[], skip?: (signal: number) => boolean): void {
  expect(successfulCheats(b.cs, { x }, b.from, skip)).toEqual([])
}

const rangeArbitrary = fc.tuple(fc.bigInt(-40n, 40n), fc.bigInt(0n, 60n)).map(([lo, size]) => [lo, lo + size] as const)

describe('range', () => {
  test('an input is in exactly its range, for every range and value around it', () => {
    fc.assert(
      fc.property(rangeArbitrary, ([lo, hi]) => {
        const b = bench([[lo, hi]])
        for (let x = lo - 3n; x <= hi + 3n; x++) expect(holds(b, run(b, [x]))).toBe(x >= lo && x <= hi)
        for (const x of [lo + R, hi - R, R - 1n - hi, R / 2n, 1n << 200n]) {
          if (mod(x) < 1n << 100n) continue
          if (centred(x) >= lo && centred(x) <= hi) continue
          expect(holds(b, run(b, [x]))).toBe(false)
        }
      }),
      { numRuns: 60 },
    )
  })

  test.each([
    [0n, 15n],
    [-8n, 7n],
    [-7n, 7n],
    [0n, 10n],
    [3n, 12n],
    [-128n, 127n],
    [-5n, 2n],
    [0n, 1n],
    [-1n, 0n],
  ] as const)('the bits of %s..%s are forced', (lo, hi) => {
    for (const x of [lo, hi, (lo + hi) / 2n]) expectForced(bench([[lo, hi]]), [x])
  })

  test('a proven number of bits: 0 to 2^n − 1 and nothing else', () => {
    for (const long of [false, true]) {
      const b = bench(Array.from({ length: long ? 12 : 1 }, () => [-64n, 63n] as const))
      const sum = b.inputs.reduce((acc, w) => addition([acc], [w])[0] as Wire, Wire.constant(0n))
      proveBits(b.cs, sum.form, 4)
      const pad = Array.from({ length: long ? 11 : 0 }, () => 0n)
      for (let x = -20n; x < 40n; x++) expect(holds(b, run(b, [x, ...pad]))).toBe(x >= 0n && x < 16n)
      expectForced(b, [9n, ...pad])
    }
  })

  test('is zero: the answer is forced, only the unused inverse is free', () => {
    const b = bench([[0n, 3n]])
    const zero = isZero(b.cs, (b.inputs[0] as Wire).form)
    for (const x of [0n, 1n, 3n]) {
      const values = run(b, [x])
      expect(evaluate(zero, values)).toBe(x === 0n ? 1n : 0n)
      const inverseSignal = (zero.signals[0] as number) - 1
      expectForced(b, [x], (signal) => x === 0n && signal === inverseSignal)
    }
  })
})

describe('clip', () => {
  test('is min(max(x, lo), hi) for every x, bound and range', () => {
    const bound = fc.option(fc.bigInt(-30n, 70n), { nil: undefined })
    fc.assert(
      fc.property(rangeArbitrary, bound, bound, fc.nat({ max: 3 }), ([lo, hi], low, high, shift) => {
        const b = bench([[lo, hi]])
        const shifted = shift === 0 ? (b.inputs[0] as Wire) : floorShift(b.cs, b.inputs[0] as Wire, shift)
        const y = clip(b.cs, clip(b.cs, shifted, low, undefined), undefined, high)
        expect(y.form).toBeDefined()
        for (let x = lo; x <= hi; x++) {
          const values = run(b, [x])
          expect(holds(b, values)).toBe(true)
          let expected = x >> BigInt(shift)
          if (low !== undefined && expected < low) expected = low
          if (high !== undefined && expected > high) expected = high
          expect(read(values, y)).toBe(expected)
          expect(expected >= y.range.lo && expected <= y.range.hi).toBe(true)
        }
      }),
      { numRuns: 150 },
    )
  })

  test.each([
    ['relu', 0n, undefined],
    ['relu to 2^k − 1', 0n, 15n],
    ['two odd bounds', -9n, 11n],
    ['a lower bound', -9n, undefined],
    ['an upper bound', undefined, 11n],
  ] as const)('%s: nothing else has a witness', (_, lo, hi) => {
    for (const x of [-100n, -9n, -1n, 0n, 1n, 11n, 15n, 16n, 99n]) {
      const b = bench([[-100n, 99n]])
      const y = clip(b.cs, b.inputs[0] as Wire, lo, hi)
      expect(y.form).toBeDefined()
      // The inverse that isZero leaves free feeds nothing.
      const values = run(b, [x])
      const free = (signal: number) => values[signal] === 0n && isInverse(b.cs, signal)
      expectForced(b, [x], free)
    }
  })
})

/** Whether the signal is the second factor of a product with a sum that may be zero: isZero's inverse. */
const isInverse = (cs: ConstraintSystem, signal: number): boolean =>
  cs.constraints.some(
    ({ b, c }) => b.signals.length === 1 && b.signals[0] === signal && c.constant === 1n && c.signals.length === 1,
  )

describe('floor-shift', () => {
  test('rounds toward minus infinity, also past the top bit', () => {
    fc.assert(
      fc.property(
        rangeArbitrary,
        fc.integer({ min: 1, max: 62 }),
        fc.integer({ min: 1, max: 4 }),
        ([lo, hi], shift, again) => {
          const b = bench([[lo, hi]])
          const once = floorShift(b.cs, b.inputs[0] as Wire, shift)
          const twice = floorShift(b.cs, once, again)
          for (let x = lo; x <= hi; x++) {
            const values = run(b, [x])
            expect(holds(b, values)).toBe(true)
            expect(read(values, once)).toBe(x >> BigInt(shift))
            expect(read(values, twice)).toBe(x >> BigInt(shift + again))
          }
        },
      ),
      { numRuns: 100 },
    )
  })

  test('no other remainder: of a dense accumulator, nothing but its own bits', () => {
    const b = bench(Array.from({ length: 10 }, () => [0n, 15n] as const))
    const [y] = linear(b.cs, b.inputs, weights([10, 1], [5, -3, 7, 1, -9, 2, 4, -6, 8, -1]), weights([1], [-3]))
    const shifted = floorShift(b.cs, clip(b.cs, y as Wire, 0n, undefined), 3)
    expect(isConstant(shifted.form)).toBe(false)
    expectForced(b, [1n, 2n, 3n, 4n, 5n, 6n, 7n, 8n, 9n, 10n])
    expectForced(b, [15n, 0n, 15n, 15n, 0n, 15n, 15n, 0n, 15n, 0n])
    expectForced(b, [0n, 15n, 0n, 0n, 15n, 0n, 0n, 15n, 0n, 15n])
  })
})

describe('argmax', () => {
  const label = (values: readonly bigint[]) =>
    values.reduce((best, v, j) => (v > (values[best] as bigint) ? j : best), 0)

  test('the lowest index of the largest, and no other label has a witness', () => {
    const element = fc.bigInt(-3n, 3n)
    fc.assert(
      fc.property(fc.array(element, { minLength: 2, maxLength: 6 }), (x) => {
        const b = bench(x.map(() => [-3n, 3n] as const))
        const first = b.cs.signalCount
        const y = argmax(b.cs, b.inputs)
        const values = run(b, x)
        expect(holds(b, values)).toBe(true)
        expect(read(values, y)).toBe(BigInt(label(x)))
        // A prover who insists on label j, honest in everything that follows from it.
        for (let j = 0; j < x.length; j++) {
          if (j === label(x)) continue
          const choice = new Map(x.slice(0, -1).map((_, k) => [first + k, k === j ? 1n : 0n]))
          const largest = first + x.length - 1
          for (const m of [x[j] as bigint, x[label(x)] as bigint]) {
            expect(holds(b, b.cs.solve({ x }, new Map([...choice, [largest, mod(m)]])))).toBe(false)
          }
        }
        // Two labels at once, none at all.
        const all = new Map(x.slice(0, -1).map((_, k) => [first + k, 1n]))
        if (x.length > 2) expect(holds(b, b.cs.solve({ x }, all))).toBe(false)
      }),
      { numRuns: 150 },
    )
  })

  test.each([[[5n, 5n, 5n]], [[-8n, 7n, 7n]], [[7n, -8n, 7n]], [[-8n, -8n, -8n]], [[0n, 1n, 2n]]])(
    '%s: every signal is forced',
    (x) => {
      const b = bench(x.map(() => [-8n, 7n] as const))
      argmax(b.cs, b.inputs)
      expectForced(b, x)
    },
  )
})

describe('linear forms', () => {
  test('cost nothing, and the sum of operands that dense layers share is forced', () => {
    const b = bench(Array.from({ length: 4 }, () => [-8n, 7n] as const))
    const before = b.cs.constraints.length
    const [first, second] = [b.inputs.slice(0, 2), b.inputs.slice(2)]
    const results = [
      ...addition(first, second),
      ...subtraction(first, second),
      ...addConstant(first, weights([2], [5, -5])),
      ...mulConstant(first, weights([2], [-3, 0])),
      ...linear(b.cs, b.inputs, weights([4, 2], [1, -1, 2, -2, 3, -3, 0, 4]), weights([2], [7, 0])),
    ]
    expect(b.cs.constraints.length).toBe(before)
    const values = run(b, [1n, -2n, 3n, -4n])
    expect(results.map((w) => read(values, w))).toEqual(
      [4n, -6n, -2n, 2n, 6n, -7n, -3n, 0n, 13n, -22n].slice(0, 8).concat([1n + -4n + 9n + 7n, -1n + 4n - 9n - 16n]),
    )

    const wide = linear(
      b.cs,
      b.inputs,
      weights(
        [4, 9],
        Array.from({ length: 36 }, (_, i) => (i % 7) - 3),
      ),
      weights([9], new Array(9).fill(1)),
    )
    expect(b.cs.constraints.length).toBe(before + 1)
    expectForced(b, [1n, -2n, 3n, -4n])
    const again = run(b, [1n, -2n, 3n, -4n])
    wide.forEach((w, o) => {
      const x = [1n, -2n, 3n, -4n]
      expect(read(again, w)).toBe(x.reduce((sum, v, i) => sum + v * BigInt(((i * 9 + o) % 7) - 3), 1n))
    })
  })

  test('a form that could wrap around the field is refused', () => {
    const huge = Wire.of({ signals: [1], coefficients: [1n], constant: 0n }, { lo: 0n, hi: 1n << 240n })
    expect(() => mulConstant([huge], weights([1], [2 ** 12]))).toThrow('wrap around the field')
  })
})

test('a commitment refuses values that do not fit its limbs', () => {
  const b = bench([[0n, 16n]])
  expect(() =>
    commitment(b.cs, `0x${'11'.repeat(32)}` as never, b.inputs, { width: 4, signed: false }, Wire.constant(0n).form),
  ).toThrow('4 bits')
})
