import type { FloorShiftNode } from '../program/program.ts'
import { exactly, exactType, invalid, operand, type Primitive } from './primitive.ts'

const MAX_SHIFT = 62

/** y = floor(x / 2^shift), 1 <= shift <= 62. */
export const floorShift: Primitive<FloorShiftNode> = {
  code: 7,
  edges: (node) => [node.x],

  shape(node, operands) {
    if (!Number.isInteger(node.shift) || node.shift < 1 || node.shift > MAX_SHIFT)
      throw invalid('shift', `1 to ${MAX_SHIFT}`, node.shift)
    return operand(operands, 0).shape
  },

  range(node, operands) {
    const { lo, hi } = operand(operands, 0).range
    const shift = BigInt(node.shift)
    return { lo: lo >> shift, hi: hi >> shift }
  },

  run(node, operands) {
    // A power of two only changes the exponent, so the quotient is exact.
    const divisor = 2 ** node.shift
    return operand(operands, 0).map((x) => Math.floor(x / divisor))
  },

  write: (node, writer) => writer.u8(node.shift),

  read: (reader, edges, declared) => ({
    op: 'floor-shift',
    x: operand(exactly(edges, 1), 0),
    shift: reader.u8('shift'),
    ...declared,
  }),

  emit(node, values, emitter) {
    const type = exactType(operand(values, 0).range, { lo: 0n, hi: 1n << BigInt(node.shift) })
    const x = emitter.value(node.x, type)
    if (type === 'float64') {
      const scaled = emitter.operator('Mul', [x, emitter.constant([], [2 ** -node.shift], type)])
      return { name: emitter.operator('Floor', [scaled]), type }
    }
    // Div truncates toward zero; what Mod leaves of x is divided without a rest.
    const divisor = emitter.constant([], [2 ** node.shift], type)
    const rest = emitter.operator('Mod', [x, divisor], { fmod: 0 })
    return { name: emitter.operator('Div', [emitter.operator('Sub', [x, rest]), divisor]), type }
  },
}
