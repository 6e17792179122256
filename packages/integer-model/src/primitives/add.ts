import type { AddNode } from '../program/program.ts'
import { exactly, exactType, invalid, operand, type Primitive, sameShape, showShape } from './primitive.ts'

/** y = a + b, and y = a - b; elementwise on equal shapes. */
const elementwise = (op: AddNode['op'], code: number): Primitive<AddNode> => ({
  code,
  edges: (node) => [node.a, node.b],

  shape(_node, operands) {
    const [a, b] = [operand(operands, 0), operand(operands, 1)]
    if (!sameShape(a.shape, b.shape)) throw invalid('b.shape', showShape(a.shape), showShape(b.shape))
    return a.shape
  },

  range(_node, operands) {
    const [a, b] = [operand(operands, 0).range, operand(operands, 1).range]
    return op === 'add' ? { lo: a.lo + b.lo, hi: a.hi + b.hi } : { lo: a.lo - b.hi, hi: a.hi - b.lo }
  },

  run(_node, operands) {
    const [a, b] = [operand(operands, 0), operand(operands, 1)]
    return op === 'add' ? a.map((x, i) => x + (b[i] as number)) : a.map((x, i) => x - (b[i] as number))
  },

  write() {},

  read(_reader, edges, declared) {
    exactly(edges, 2)
    return { op, a: operand(edges, 0), b: operand(edges, 1), ...declared }
  },

  emit(node, values, emitter) {
    const type = exactType(node.range, ...values.map((v) => v.range))
    const inputs = [emitter.value(node.a, type), emitter.value(node.b, type)]
    return { name: emitter.operator(op === 'add' ? 'Add' : 'Sub', inputs), type }
  },
})

export const add = elementwise('add', 2)
export const sub = elementwise('sub', 3)
