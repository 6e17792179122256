import { axisOf } from '../onnx/index.ts'
import { PRIMITIVES } from '../primitives/index.ts'
import { floatAt, numberAttribute, type Operator, quantisedAt, Refusal, realAt, type Site } from './operator.ts'

/** Index of the largest element along an axis; the lowest index wins a tie. */
export const argmax: Operator = {
  infer(site) {
    if (numberAttribute(site, 'select_last_index', 0) !== 0) throw new Refusal('select_last_index is not 0')
    return { type: 'int64', shape: shapes(site).declared }
  },

  evaluate(site, operands) {
    const { axis, reduced, declared } = shapes(site)
    const { shape, data } = realAt(operands, 0)
    const range = { lo: 0n, hi: 0n }
    const indices = PRIMITIVES.argmax.run(
      { op: 'argmax', x: 0, axis, shape: reduced, range },
      [data],
      [{ shape, range }],
    )
    return { shape: declared, data: indices }
  },

  lower(site, operands, lowering) {
    const { axis, reduced, declared } = shapes(site)
    const index = lowering.builder.node({ op: 'argmax', x: lowering.value(quantisedAt(operands, 0)), axis })
    const value =
      reduced.length === declared.length ? index : lowering.builder.node({ op: 'reshape', x: index, shape: declared })
    return lowering.made(value, 1, site.node.outputs[0] ?? '')
  },
}

function shapes(site: Site) {
  const { shape } = floatAt(site, 0)
  const given = numberAttribute(site, 'axis', 0)
  const axis = axisOf(given, shape.length)
  if (axis === undefined) throw new Refusal(`axis ${given} of shape [${shape.join(', ')}]`)
  const reduced = shape.toSpliced(axis, 1)
  return { axis, reduced, declared: numberAttribute(site, 'keepdims', 1) === 0 ? reduced : shape.with(axis, 1) }
}
