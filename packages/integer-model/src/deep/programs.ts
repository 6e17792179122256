import fc from 'fast-check'
import {
  type IntegerProgram,
  integerTensor,
  type NodeAttributes,
  ProgramBuilder,
  type Weights,
} from '../program/index.ts'

/** Mulberry32: small, seeded, the same everywhere. */
export function randomSource(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

export class Dice {
  readonly #next: () => number

  constructor(seed: number) {
    this.#next = randomSource(seed)
  }

  /** lo to hi, both included; the ends are likelier than the rest. */
  integer(lo: number, hi: number): number {
    const roll = this.#next()
    if (roll < 0.1) return lo
    if (roll < 0.2) return hi
    return Math.min(hi, lo + Math.floor(this.#next() * (hi - lo + 1)))
  }

  pick<T>(from: readonly T[]): T {
    const picked = from[Math.floor(this.#next() * from.length)]
    if (picked === undefined) throw new RangeError('nothing to pick from')
    return picked
  }

  shape(): number[] {
    return Array.from({ length: this.integer(0, 3) }, () => this.integer(1, 4))
  }

  weights(shape: readonly number[], bits: number): Weights {
    const size = shape.reduce((a, b) => a * b, 1)
    const most = 2 ** bits - 1
    const values = Array.from({ length: size }, () => this.integer(-most, most))
    return { shape, data: bits > 31 ? Float64Array.from(values) : Int32Array.from(values) }
  }
}

/** A random well-formed program: every primitive, narrow and wide ranges, several inputs and outputs. */
export function randomProgram(seed: number, nodes = 8): IntegerProgram {
  const dice = new Dice(seed)
  const builder = new ProgramBuilder()
  const values = Array.from({ length: dice.integer(1, 3) }, (_, i) => {
    const bits = dice.pick([1, 4, 8, 16, 31, 32, 40])
    const lo = dice.pick([0n, -(1n << BigInt(bits - 1))])
    const range = { lo, hi: lo + (1n << BigInt(bits)) - 1n }
    return builder.input({ name: `in${i}`, shape: dice.shape(), range, quantisation: { scale: 0.5, zeroPoint: 0 } })
  })
  for (let tries = 0; values.length < nodes && tries < 4 * nodes; tries++) {
    try {
      values.push(builder.node(randomNode(dice, builder, values)))
    } catch (error) {
      // A node whose values would leave the exact range is not part of any program; another is drawn.
      if (!(error instanceof Error && error.message.includes('VS_MODEL_RANGE_OVERFLOW'))) throw error
    }
  }
  const outputs = [...new Set([values.at(-1) ?? 0, dice.pick(values), dice.pick(values)])]
  return builder.build(outputs.map((value, i) => ({ name: `out${i}`, value, scale: 1, zeroPoint: 0 })))
}

function randomNode(dice: Dice, builder: ProgramBuilder, values: readonly number[]): NodeAttributes {
  const x = dice.pick(values)
  const { shape, range } = builder.value(x)
  const twin = values.filter((v) => builder.value(v).shape.join() === shape.join())
  switch (dice.integer(0, 11)) {
    case 0: {
      const size = shape.at(-1)
      if (size === undefined) return { op: 'reshape', x, shape: [1] }
      const outputs = dice.integer(1, 5)
      return {
        op: 'linear',
        x,
        weights: dice.weights([size, outputs], dice.pick([1, 7, 12])),
        bias: dice.weights([outputs], dice.pick([1, 16, 40])),
      }
    }
    case 1:
      return { op: 'add', a: x, b: dice.pick(twin) }
    case 2:
      return { op: 'sub', a: x, b: dice.pick(twin) }
    case 3:
      return { op: 'add-constant', x, constant: dice.weights(shape, dice.pick([1, 8, 31, 45])) }
    case 4:
      return { op: 'mul-constant', x, constant: dice.weights(shape, dice.pick([1, 4, 12])) }
    case 5: {
      const bound = () => BigInt(dice.integer(Number(range.lo) - 2, Number(range.hi) + 2))
      const [a, b] = [bound(), bound()]
      const [lo, hi] = a < b ? [a, b] : [b, a]
      return dice.pick([
        { op: 'clip', x, lo },
        { op: 'clip', x, hi },
        { op: 'clip', x, lo, hi },
      ] as const)
    }
    case 6:
      return { op: 'floor-shift', x, shift: dice.pick([1, 2, 7, 20, 31, 40, 62]) }
    case 7:
      return { op: 'reshape', x, shape: dice.pick([[...shape, 1], [1, ...shape], [shape.reduce((a, b) => a * b, 1)]]) }
    case 8:
      return { op: 'transpose', x, permutation: shape.map((_, i) => i).sort(() => dice.integer(-1, 1)) }
    case 9:
      if (shape.length === 0) return { op: 'reshape', x, shape: [1] }
      return {
        op: 'concat',
        xs: [x, ...Array.from({ length: dice.integer(0, 2) }, () => dice.pick(twin))],
        axis: dice.integer(0, shape.length - 1),
      }
    case 10:
      return { op: 'constant', constant: dice.weights(dice.shape(), dice.pick([1, 8, 31, 45])) }
    default:
      if (shape.length === 0) return { op: 'reshape', x, shape: [1] }
      return { op: 'argmax', x, axis: dice.integer(0, shape.length - 1) }
  }
}

/** Inputs of the program at random, with the ends of the ranges and ties in good number. */
export function randomInputs(program: IntegerProgram, seed: number) {
  const dice = new Dice(seed)
  return program.inputs.map(({ name, shape, range }) => {
    const [lo, hi] = dice.pick([
      [Number(range.lo), Number(range.hi)],
      [Math.max(Number(range.lo), -1), Math.min(Number(range.hi), 1)],
      [Number(range.lo), Number(range.lo)],
      [Number(range.hi), Number(range.hi)],
    ])
    const size = shape.reduce((a, b) => a * b, 1)
    return integerTensor(
      name,
      shape,
      range,
      Float64Array.from({ length: size }, () => dice.integer(lo, hi)),
    )
  })
}

export const programs = fc.integer({ min: 0, max: 0x7fffffff }).map((seed) => ({ seed, program: randomProgram(seed) }))
