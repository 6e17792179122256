import type { ConcatNode } from '../program/program.ts'
import { count, exactType, invalid, operand, type Primitive, sameShape, showShape, span } from './primitive.ts'

/** The values one after the other along `axis`; the other axes are equal. */
export const concat: Primitive<ConcatNode> = {
  code: 10,
  edges: (node) => node.xs,

  shape(node, operands) {
    const { shape } = operand(operands, 0)
    const { axis } = node
    if (!Number.isInteger(axis) || axis < 0 || axis >= shape.length)
      throw invalid('axis', `below ${shape.length}`, axis)
    const others = (s: readonly number[]) => s.filter((_, i) => i !== axis)
    const odd = operands.find((o) => o.shape.length !== shape.length || !sameShape(others(o.shape), others(shape)))
    if (odd !== undefined) throw invalid('xs', `${showShape(shape)} but for axis ${axis}`, showShape(odd.shape))
    return shape.with(
      axis,
      operands.reduce((sum, o) => sum + (o.shape[axis] ?? 0), 0),
    )
  },

  range: (_node, operands) => span(operands.flatMap((o) => [o.range.lo, o.range.hi])),

  run(node, operands, values) {
    const y = new Float64Array(count(node.shape))
    const outer = count(node.shape.slice(0, node.axis))
    const chunks = values.map((v) => count(v.shape.slice(node.axis)))
    let at = 0
    for (let k = 0; k < outer; k++) {
      operands.forEach((x, i) => {
        const size = chunks[i] ?? 0
        y.set(x.subarray(k * size, (k + 1) * size), at)
        at += size
      })
    }
    return y
  },

  write: (node, writer) => writer.u8(node.axis),

  read(reader, edges, declared) {
    if (edges.length === 0) throw invalid('edges', 'at least 1', 0)
    return { op: 'concat', xs: edges, axis: reader.u8('axis'), ...declared }
  },

  emit(node, _values, emitter) {
    const type = exactType(node.range)
    const inputs = node.xs.map((x) => emitter.value(x, type))
    return { name: emitter.operator('Concat', inputs, { axis: node.axis }), type }
  },
}
