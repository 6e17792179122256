import type { TransposeNode } from '../program/program.ts'
import { exactly, exactType, invalid, operand, type Primitive, strides } from './primitive.ts'

/** Axis k of the result is axis permutation[k] of the value. */
export const transpose: Primitive<TransposeNode> = {
  code: 9,
  edges: (node) => [node.x],

  shape(node, operands) {
    const { shape } = operand(operands, 0)
    const sorted = [...node.permutation].sort((a, b) => a - b)
    if (sorted.length !== shape.length || sorted.some((axis, i) => axis !== i)) {
      throw invalid('permutation', `each axis of rank ${shape.length} once`, `[${node.permutation.join(', ')}]`)
    }
    return node.permutation.map((axis) => shape[axis] ?? 0)
  },

  range: (_node, operands) => operand(operands, 0).range,

  run(node, operands, values) {
    const x = operand(operands, 0)
    return x.map((_, i) => x[sourceIndex(node, operand(values, 0).shape, i)] as number)
  },

  write(node, writer) {
    writer.u8(node.permutation.length)
    for (const axis of node.permutation) writer.u8(axis)
  },

  read: (reader, edges, declared) => ({
    op: 'transpose',
    x: operand(exactly(edges, 1), 0),
    permutation: Array.from({ length: reader.u8('permutation') }, () => reader.u8('permutation')),
    ...declared,
  }),

  emit(node, values, emitter) {
    const type = exactType(operand(values, 0).range)
    return { name: emitter.operator('Transpose', [emitter.value(node.x, type)], { perm: node.permutation }), type }
  },
}

/** Where element `index` of the result lies in the value of shape `from`. */
export function sourceIndex(
  node: Pick<TransposeNode, 'permutation' | 'shape'>,
  from: readonly number[],
  index: number,
): number {
  const steps = strides(from)
  let rest = index
  let source = 0
  for (let axis = node.shape.length - 1; axis >= 0; axis--) {
    const size = node.shape[axis] ?? 1
    source += (rest % size) * (steps[node.permutation[axis] ?? 0] ?? 0)
    rest = Math.floor(rest / size)
  }
  return source
}
