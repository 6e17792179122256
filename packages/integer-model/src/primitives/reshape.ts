import type { ReshapeNode } from '../program/program.ts'
import { count, exactly, exactType, invalid, operand, type Primitive, showShape } from './primitive.ts'

/** The same elements in row-major order under the declared shape. */
export const reshape: Primitive<ReshapeNode> = {
  code: 8,
  edges: (node) => [node.x],

  shape(node, operands) {
    const from = operand(operands, 0).shape
    if (count(from) !== count(node.shape)) throw invalid('shape', `${count(from)} elements`, showShape(node.shape))
    return node.shape
  },

  range: (_node, operands) => operand(operands, 0).range,
  run: (_node, operands) => operand(operands, 0).slice(),
  write() {},
  read: (_reader, edges, declared) => ({ op: 'reshape', x: operand(exactly(edges, 1), 0), ...declared }),

  emit(node, values, emitter) {
    const type = exactType(operand(values, 0).range)
    const shape = emitter.constant([node.shape.length], node.shape, 'int64')
    return { name: emitter.operator('Reshape', [emitter.value(node.x, type), shape]), type }
  },
}
