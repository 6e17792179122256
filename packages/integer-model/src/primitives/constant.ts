import type { ConstantNode } from '../program/program.ts'
import { bounds, exactly, exactType, type Primitive } from './primitive.ts'

/** A constant tensor. */
export const constant: Primitive<ConstantNode> = {
  code: 11,
  edges: () => [],
  shape: (node) => node.constant.shape,
  range: (node) => bounds(node.constant),
  // Adding zero turns a negative zero into zero.
  run: (node) => Float64Array.from(node.constant.data, (x) => x + 0),
  write: (node, _writer, weights) => weights(node.constant, 'row-major'),

  read(reader, edges, declared) {
    exactly(edges, 0)
    return { op: 'constant', constant: reader.weights('constant'), ...declared }
  },

  emit(node, _values, emitter) {
    const type = exactType(node.range)
    return { name: emitter.constant(node.shape, node.constant.data, type), type }
  },
}
