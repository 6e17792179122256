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

/** A program of up to `size` random nodes over two inputs that all have a range below 2^40. */
export function randomProgram(seed: number, size: number): IntegerProgram {
  const next = integers(seed)
  const shapes = [[2, 3], [1, 4], [3, 2, 2], [5], [2, 2]]
  const shape = shapes[next(0, shapes.length - 1)] as number[]
  const inputs = [input('a', shape, BigInt(next(-9, 0)), BigInt(next(1, 9))), input('b', shape, 0n, BigInt(next(1, 7)))]
  const nodes: BareNode[] = []
  const values: Value[] = inputs.map((i) => ({ shape: i.shape, range: i.range }))
  const draw = (count: number, lo: number, hi: number) => Array.from({ length: count }, () => next(lo, hi))
  while (nodes.length < size) {
    const x = next(0, values.length - 1)
    const from = values[x] as Value
    const count = from.shape.reduce((p, q) => p * q, 1)
    const peers = values.flatMap((v, i) => (v.shape.join() === from.shape.join() ? [i] : []))
    const peer = peers[next(0, peers.length - 1)] as number
    const outputs = next(1, 10)
    const width = from.shape.at(-1) ?? 1
    const candidates: BareNode[] = [
      {
        op: 'linear',
        x,
        weights: weights([width, outputs], draw(width * outputs, -9, 9)),
        bias: weights([outputs], draw(outputs, -20, 20)),
      },
      { op: next(0, 1) === 0 ? 'add' : 'sub', a: x, b: peer },
      { op: 'add-constant', x, constant: weights(from.shape, draw(count, -9, 9)) },
      { op: 'mul-constant', x, constant: weights(from.shape, draw(count, -4, 4)) },
      { op: 'clip', x, lo: BigInt(next(-9, 3)), ...(next(0, 1) === 0 ? {} : { hi: BigInt(next(4, 40)) }) },
      { op: 'clip', x, lo: 0n },
      { op: 'clip', x, lo: 0n, hi: 15n },
      { op: 'floor-shift', x, shift: next(1, 5) },
      { op: 'floor-shift', x, shift: next(1, 5) },
      { op: 'transpose', x, permutation: from.shape.map((_, d) => from.shape.length - 1 - d) },
      { op: 'concat', xs: [x, peer], axis: next(0, Math.max(0, from.shape.length - 1)) },
      { op: 'constant', constant: weights(from.shape, draw(count, -9, 9)) },
      { op: 'argmax', x, axis: next(0, Math.max(0, from.shape.length - 1)) },
    ]
    const bare = candidates[next(0, candidates.length - 1)] as BareNode
    try {
      const value = inferNode({ ...bare, shape: [], range: { lo: 0n, hi: 0n } } as never, values)
      if (value.range.hi > 1n << 40n || value.range.lo < -(1n << 40n) || value.shape.reduce((p, q) => p * q, 1) > 60)
        continue
      values.push(value)
      nodes.push(bare)
    } catch {
      // A node that does not fit these operands.
    }
  }
  return program(inputs, nodes, [output('y', values.length - 1), output('z', next(2, values.length - 1))])
}
