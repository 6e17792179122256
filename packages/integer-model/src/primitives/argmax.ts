import type { ArgMaxNode } from '../program/program.ts'
import { count, exactly, exactType, invalid, operand, type Primitive, showShape } from './primitive.ts'

/** Index of the largest element along `axis`, which is removed; the lowest index wins a tie. */
export const argmax: Primitive<ArgMaxNode> = {
  code: 12,
  edges: (node) => [node.x],

  shape(node, operands) {
    const { shape } = operand(operands, 0)
    if (!Number.isInteger(node.axis) || node.axis < 0 || node.axis >= shape.length) {
      throw invalid('axis', `an axis of ${showShape(shape)}`, node.axis)
    }
    return shape.toSpliced(node.axis, 1)
  },

  range(node, operands) {
    return { lo: 0n, hi: BigInt((operand(operands, 0).shape[node.axis] ?? 1) - 1) }
  },

  run(node, operands, values) {
    const x = operand(operands, 0)
    const { shape } = operand(values, 0)
    const size = shape[node.axis] ?? 1
    const inner = count(shape.slice(node.axis + 1))
    return Float64Array.from({ length: x.length / size }, (_, k) => {
      const start = Math.floor(k / inner) * inner * size + (k % inner)
      let best = 0
      for (let i = 1; i < size; i++) {
        if ((x[start + i * inner] as number) > (x[start + best * inner] as number)) best = i
      }
      return best
    })
  },

  write: (node, writer) => writer.u8(node.axis),

  read: (reader, edges, declared) => ({
    op: 'argmax',
    x: operand(exactly(edges, 1), 0),
    axis: reader.u8('axis'),
    ...declared,
  }),

  emit(node, values, emitter) {
    const type = exactType(operand(values, 0).range)
    const attributes = { axis: node.axis, keepdims: 0, select_last_index: 0 }
    return { name: emitter.operator('ArgMax', [emitter.value(node.x, type)], attributes), type: 'int64' }
  },
}
