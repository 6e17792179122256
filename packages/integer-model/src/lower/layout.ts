import { axisOf, concatenated, flattened, reshaped } from '../onnx/index.ts'
import { count, sourceIndex } from '../primitives/index.ts'
import {
  type Fact,
  factAt,
  numberAttribute,
  numbersAttribute,
  type Operand,
  type Operator,
  quantisedAt,
  type Real,
  Refusal,
  realAt,
  type Site,
} from './operator.ts'

/** An operator that gives the same elements in the same order another shape. */
const reshapes = (shapeOf: (site: Site) => readonly number[]): Operator => ({
  infer: (site) => ({ type: factAt(site, 0).type, shape: shapeOf(site) }),
  evaluate: (site, operands) => ({ shape: shapeOf(site), data: realAt(operands, 0).data }),

  lower(site, operands, lowering) {
    const x = quantisedAt(operands, 0)
    const shape = shapeOf(site)
    const tensor = site.node.outputs[0] ?? ''
    if (shape.join() === x.shape.join()) return { ...x, tensor, exclusive: x.exclusive && lowering.readOnce(tensor) }
    // The clamp works element by element, so it may wait until after the reshape.
    return {
      ...lowering.made(lowering.builder.node({ op: 'reshape', x: x.value, shape }), x.scale, tensor),
      clamp: x.clamp,
    }
  },
})

export const identity = reshapes((site) => factAt(site, 0).shape)

export const flatten = reshapes((site) => {
  const { shape } = factAt(site, 0)
  const axis = numberAttribute(site, 'axis', 1)
  const flat = flattened(shape, axis)
  if (flat === undefined) throw new Refusal(`axis ${axis} of shape [${shape.join(', ')}]`)
  return flat
})

export const reshape = reshapes((site) => {
  const { shape } = factAt(site, 0)
  const target = site.opset < 5 ? numbersAttribute(site, 'shape') : constantShape(site)
  if (numberAttribute(site, 'allowzero', 0) !== 0 && target?.includes(0))
    throw new Refusal('allowzero with a dimension of 0')
  const out = target && reshaped(shape, target)
  if (out === undefined) throw new Refusal(`[${shape.join(', ')}] to [${target?.join(', ') ?? ''}]`)
  return out
})

function constantShape(site: Site): number[] {
  const { constant } = factAt(site, 1)
  if (constant === undefined) throw new Refusal('the shape is not a constant')
  return [...constant.data]
}

export const transpose: Operator = {
  infer: (site) => ({
    type: factAt(site, 0).type,
    shape: permutation(site).map((axis) => factAt(site, 0).shape[axis] ?? 0),
  }),

  evaluate(site, operands) {
    const { shape, data } = realAt(operands, 0)
    const form = { permutation: permutation(site), shape: permutation(site).map((axis) => shape[axis] ?? 0) }
    return { shape: form.shape, data: data.map((_, i) => data[sourceIndex(form, shape, i)] ?? 0) }
  },

  lower(site, operands, lowering) {
    const x = quantisedAt(operands, 0)
    const value = lowering.builder.node({ op: 'transpose', x: x.value, permutation: permutation(site) })
    return { ...lowering.made(value, x.scale, site.node.outputs[0] ?? ''), clamp: x.clamp }
  },
}

function permutation(site: Site): readonly number[] {
  const { shape } = factAt(site, 0)
  const given = numbersAttribute(site, 'perm') ?? shape.map((_, i) => shape.length - 1 - i)
  const sorted = [...given].sort((a, b) => a - b)
  if (given.length !== shape.length || sorted.some((axis, i) => axis !== i))
    throw new Refusal(`perm [${given.join(', ')}]`)
  return given
}

export const concat: Operator = {
  infer(site) {
    const facts = site.operands.map((_, i) => factAt(site, i))
    const type = facts[0]?.type
    if (type === undefined || facts.some((f) => f.type !== type)) throw new Refusal('operands of different types')
    return { type, shape: joined(facts, site).shape }
  },

  evaluate(site, operands) {
    const parts = operands.map((_, i) => realAt(operands, i))
    const { shape, axis } = joined(parts, site)
    const data = new Float64Array(count(shape))
    const outer = count(shape.slice(0, axis))
    let at = 0
    for (let k = 0; k < outer; k++) {
      for (const part of parts) {
        const size = part.data.length / outer
        data.set(part.data.subarray(k * size, (k + 1) * size), at)
        at += size
      }
    }
    return { shape, data }
  },

  lower(site, operands, lowering) {
    const tensor = site.node.outputs[0] ?? ''
    const parts = operands.filter((o): o is Operand => o !== undefined)
    const quantised = parts.map((o, i) =>
      'quantised' in o ? o.quantised : lowering.constant(o.constant, site.node.inputs[i] ?? tensor),
    )
    const { axis } = joined(quantised, site)
    const { values, scale } = lowering.align(quantised)
    return lowering.made(lowering.builder.node({ op: 'concat', xs: values, axis }), scale, tensor)
  },
}

function joined(parts: readonly (Fact | Real | { readonly shape: readonly number[] })[], site: Site) {
  const rank = parts[0]?.shape.length ?? 0
  const given = numberAttribute(site, 'axis', 0)
  const axis = axisOf(given, rank)
  const shape =
    axis === undefined
      ? undefined
      : concatenated(
          parts.map((p) => p.shape),
          axis,
        )
  if (axis === undefined || shape === undefined)
    throw new Refusal(`shapes ${parts.map((p) => `[${p.shape.join(', ')}]`).join(' ')} along axis ${given}`)
  return { shape, axis }
}
