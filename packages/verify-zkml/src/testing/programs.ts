import {
  type IntegerProgram,
  inferNode,
  type ProgramInput,
  type ProgramNode,
  type ProgramOutput,
  type Value,
  type Weights,
} from '@veristack/integer-model'

export const weights = (shape: readonly number[], values: ArrayLike<number>): Weights => ({
  shape,
  data: Int32Array.from(values),
})

type Bare<N> = N extends ProgramNode ? Omit<N, 'shape' | 'range'> : never
export type BareNode = Bare<ProgramNode>

export const input = (name: string, shape: readonly number[], lo: bigint, hi: bigint): ProgramInput => ({
  name,
  shape,
  range: { lo, hi },
  quantisation: { scale: 1, zeroPoint: 0 },
})
export const output = (name: string, value: number): ProgramOutput => ({ name, value, scale: 1, zeroPoint: 0 })

/** A program whose shapes and ranges are worked out from its nodes. */
export function program(
  inputs: readonly ProgramInput[],
  nodes: readonly BareNode[],
  outputs: readonly ProgramOutput[],
): IntegerProgram {
  const values: Value[] = inputs.map(({ shape, range }) => ({ shape, range }))
  const full = nodes.map((bare) => {
    const open = { ...bare, shape: [], range: { lo: 0n, hi: 0n } } as ProgramNode
    const value = inferNode(open, values)
    values.push(value)
    return { ...open, ...value } as ProgramNode
  })
  return { semantics: 'integer/v1', stepRuleVersion: 0, inputs, nodes: full, outputs }
}

/** Two layers, scores and a label: 4 inputs of 0..15, 3 hidden of 0..7. */
export const smallProgram = (): IntegerProgram =>
  program(
    [input('x', [1, 4], 0n, 15n)],
    [
      {
        op: 'linear',
        x: 0,
        weights: weights([4, 3], [3, -5, 2, -1, 4, 1, 6, 2, -7, -2, 1, 5]),
        bias: weights([3], [4, -6, 10]),
      },
      { op: 'clip', x: 1, lo: 0n },
      { op: 'floor-shift', x: 2, shift: 3 },
      { op: 'clip', x: 3, lo: 0n, hi: 7n },
      { op: 'linear', x: 4, weights: weights([3, 3], [5, -3, 1, 2, 2, -4, -1, 6, 3]), bias: weights([3], [0, 1, -2]) },
      { op: 'argmax', x: 5, axis: 1 },
    ],
    [output('label', 6), output('scores', 5)],
  )

/** A deterministic stream of integers in lo..hi. */
export function integers(seed: number): (lo: number, hi: number) => number {
  let state = seed >>> 0
  return (lo, hi) => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) >>> 0
    const mixed = Math.imul(state ^ (state >>> 12), 0x297a2d39) >>> 0
    return lo + (((mixed ^ (mixed >>> 15)) >>> 0) % (hi - lo + 1))
  }
}

/** The shape of an intent classifier: features of `bits` bits, a hidden layer of 8-bit activations, scores, label. */
export function classifier(features: number, hidden: number, classes: number, bits = 4, seed = 1): IntegerProgram {
  const next = integers(seed)
  const draw = (count: number, lo: number, hi: number) => Array.from({ length: count }, () => next(lo, hi))
  return program(
    [input('features', [1, features], 0n, (1n << BigInt(bits)) - 1n)],
    [
      {
        op: 'linear',
        x: 0,
        weights: weights([features, hidden], draw(features * hidden, -127, 127)),
        bias: weights([hidden], draw(hidden, -500, 500)),
      },
      { op: 'clip', x: 1, lo: 0n },
      { op: 'floor-shift', x: 2, shift: 6 },
      { op: 'clip', x: 3, lo: 0n, hi: 255n },
      {
        op: 'linear',
        x: 4,
        weights: weights([hidden, classes], draw(hidden * classes, -127, 127)),
        bias: weights([classes], draw(classes, -500, 500)),
      },
      { op: 'argmax', x: 5, axis: 1 },
    ],
    [output('label', 6), output('logits', 5)],
  )
}
