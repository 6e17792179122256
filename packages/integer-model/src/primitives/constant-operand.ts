import type { ConstantOperandNode } from '../program/program.ts'
import {
  bounds,
  exactly,
  exactType,
  invalid,
  operand,
  type Primitive,
  sameShape,
  showShape,
  span,
} from './primitive.ts'

/** y = x + constant, and y = x · constant; elementwise, the constant has the value's shape. */
const withConstant = (op: ConstantOperandNode['op'], code: number): Primitive<ConstantOperandNode> => ({
  code,
  edges: (node) => [node.x],

  shape(node, operands) {
    const { shape } = operand(operands, 0)
    if (!sameShape(shape, node.constant.shape))
      throw invalid('constant.shape', showShape(shape), showShape(node.constant.shape))
    return shape
  },

  range(node, operands) {
    const x = operand(operands, 0).range
    const c = bounds(node.constant)
    return op === 'add-constant'
      ? { lo: x.lo + c.lo, hi: x.hi + c.hi }
      : span([x.lo * c.lo, x.lo * c.hi, x.hi * c.lo, x.hi * c.hi])
  },

  run(node, operands) {
    const c = node.constant.data
    const x = operand(operands, 0)
    // Adding zero turns a negative zero into zero.
    return op === 'add-constant' ? x.map((v, i) => v + (c[i] as number)) : x.map((v, i) => v * (c[i] as number) + 0)
  },

  write: (node, _writer, weights) => weights(node.constant, 'row-major'),

  read: (reader, edges, declared) => ({
    op,
    x: operand(exactly(edges, 1), 0),
    constant: reader.weights('constant'),
    ...declared,
  }),

  emit(node, values, emitter) {
    const type = exactType(node.range, operand(values, 0).range, bounds(node.constant))
    const c = emitter.constant(node.constant.shape, node.constant.data, type)
    return { name: emitter.operator(op === 'add-constant' ? 'Add' : 'Mul', [emitter.value(node.x, type), c]), type }
  },
})

export const addConstant = withConstant('add-constant', 4)
export const mulConstant = withConstant('mul-constant', 5)
