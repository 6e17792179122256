import { fail } from '../errors.ts'
import type { LinearNode } from '../program/program.ts'
import { bounds, count, exactly, exactType, invalid, operand, type Primitive, type Value } from './primitive.ts'

const EXACT = 2 ** 53

/** y[..., o] = Σ_i x[..., i] · weights[i, o] + bias[o]. */
export const linear: Primitive<LinearNode> = {
  code: 1,
  edges: (node) => [node.x],

  shape(node, operands) {
    const { shape } = operand(operands, 0)
    const [size, outputs] = matrix(node)
    if (shape.length === 0 || shape.at(-1) !== size)
      throw invalid('weights.shape', `[${shape.at(-1) ?? 'rank above 0'}, o]`, `[${size}, ${outputs}]`)
    if (node.bias.shape.length !== 1 || node.bias.shape[0] !== outputs)
      throw invalid('bias.shape', `[${outputs}]`, `[${node.bias.shape.join(', ')}]`)
    return [...shape.slice(0, -1), outputs]
  },

  range(node, operands) {
    const [, outputs] = matrix(node)
    const { lo, hi } = accumulators(node, operand(operands, 0))
    let least = lo[0] ?? 0
    let most = hi[0] ?? 0
    for (let o = 1; o < outputs; o++) {
      least = Math.min(least, lo[o] as number)
      most = Math.max(most, hi[o] as number)
    }
    return { lo: BigInt(least), hi: BigInt(most) }
  },

  run(node, operands) {
    const x = operand(operands, 0)
    const [size, outputs] = matrix(node)
    const weights = node.weights.data
    const bias = node.bias.data
    const rows = x.length / size
    const y = new Float64Array(rows * outputs)
    for (let row = 0; row < rows; row++) {
      const to = row * outputs
      // Adding zero turns a negative zero into zero.
      for (let o = 0; o < outputs; o++) y[to + o] = (bias[o] as number) + 0
      for (let i = 0; i < size; i++) {
        const factor = x[row * size + i] as number
        if (factor === 0) continue
        const from = i * outputs
        for (let o = 0; o < outputs; o++) y[to + o] = (y[to + o] as number) + factor * (weights[from + o] as number)
      }
    }
    return y
  },

  write(node, _writer, weights) {
    weights(node.weights, 'by-output')
    weights(node.bias, 'row-major')
  },

  read: (reader, edges, declared) => ({
    op: 'linear',
    x: operand(exactly(edges, 1), 0),
    weights: reader.weights('weights'),
    bias: reader.weights('bias'),
    ...declared,
  }),

  emit(node, values, emitter) {
    const x = operand(values, 0)
    const bound = BigInt(accumulatorBound(node, x))
    const type = exactType(x.range, bounds(node.weights), { lo: -bound, hi: bound })
    const weights = emitter.constant(node.weights.shape, node.weights.data, type)
    const bias = emitter.constant(node.bias.shape, node.bias.data, type)
    // As a product of matrices: fusing a batched MatMul with a transposition before it crashes onnxruntime 1.30.
    const [size, outputs] = matrix(node)
    const rows = count(x.shape) / size
    const reshaped = (name: string, shape: readonly number[]): string =>
      emitter.operator('Reshape', [name, emitter.constant([shape.length], shape, 'int64')])
    const flat =
      x.shape.length === 2 ? emitter.value(node.x, type) : reshaped(emitter.value(node.x, type), [rows, size])
    const sum = emitter.operator('Add', [emitter.operator('MatMul', [flat, weights]), bias])
    return { name: x.shape.length === 2 ? sum : reshaped(sum, [...x.shape.slice(0, -1), outputs]), type }
  },
}

/** The greatest |accumulator| that any order of summing can reach, over all outputs. */
export const accumulatorBound = (node: LinearNode, x: Value): number => accumulators(node, x).bound

export const multiplications = (node: LinearNode): number => count(node.shape) * matrix(node)[0]

function matrix(node: LinearNode): readonly [number, number] {
  const [size, outputs] = node.weights.shape
  if (size === undefined || outputs === undefined || node.weights.shape.length !== 2) {
    throw invalid('weights.shape', 'rank 2', `rank ${node.weights.shape.length}`)
  }
  return [size, outputs]
}

function accumulators(node: LinearNode, x: Value) {
  const [size, outputs] = matrix(node)
  const [xlo, xhi] = [Number(x.range.lo), Number(x.range.hi)]
  const reach = Math.max(Math.abs(xlo), Math.abs(xhi))
  const weights = node.weights.data
  const lo = Float64Array.from(node.bias.data)
  const hi = Float64Array.from(node.bias.data)
  const magnitude = Float64Array.from(node.bias.data, Math.abs)
  for (let i = 0; i < size; i++) {
    for (let o = 0; o < outputs; o++) {
      const w = weights[i * outputs + o] as number
      lo[o] = (lo[o] as number) + w * (w > 0 ? xlo : xhi)
      hi[o] = (hi[o] as number) + w * (w > 0 ? xhi : xlo)
      magnitude[o] = (magnitude[o] as number) + Math.abs(w) * reach
    }
  }
  // Rounding is monotone: a sum that reaches 2^53 exactly can not round to less.
  const bound = magnitude.reduce((a, b) => Math.max(a, b), 0)
  if (!(bound < EXACT)) {
    throw fail('VS_MODEL_RANGE_OVERFLOW', {
      details: { op: 'linear', expected: 'accumulators below 2^53', got: bound },
    })
  }
  return { lo, hi, bound }
}
