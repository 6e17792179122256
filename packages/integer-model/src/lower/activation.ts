import { nearest } from '../quantise/scales.ts'
import { compose } from './lowering.ts'
import { floatAt, numberAttribute, type Operator, quantisedAt, Refusal, realAt, type Site } from './operator.ts'

/** Y = max(X, 0). */
export const relu: Operator = {
  infer: (site) => ({ type: floatAt(site, 0).type, shape: floatAt(site, 0).shape }),

  evaluate(_site, operands) {
    const { shape, data } = realAt(operands, 0)
    return { shape, data: data.map((x) => Math.max(x, 0)) }
  },

  lower(site, operands, lowering) {
    const x = quantisedAt(operands, 0)
    const tensor = site.node.outputs[0] ?? ''
    return { ...x, clamp: compose(x.clamp, { lo: 0n }), tensor, exclusive: x.exclusive && lowering.readOnce(tensor) }
  },
}

/** Y = min(max(X, lo), hi), with constant bounds. */
export const clip: Operator = {
  infer(site) {
    const { lo, hi } = bounds(site)
    if (Number.isNaN(lo) || Number.isNaN(hi) || lo > hi) throw new Refusal(`bounds ${lo} and ${hi}`)
    return { type: floatAt(site, 0).type, shape: floatAt(site, 0).shape }
  },

  evaluate(site, operands) {
    const { lo, hi } = bounds(site)
    const { shape, data } = realAt(operands, 0)
    return { shape, data: data.map((x) => Math.min(Math.max(x, lo), hi)) }
  },

  lower(site, operands, lowering) {
    const x = quantisedAt(operands, 0)
    const tensor = site.node.outputs[0] ?? ''
    const { lo, hi } = bounds(site)
    const [least, most] = [whole(lo / x.scale), whole(hi / x.scale)]
    const clamp = { ...(least !== undefined && { lo: least }), ...(most !== undefined && { hi: most }) }
    return { ...x, clamp: compose(x.clamp, clamp), tensor, exclusive: x.exclusive && lowering.readOnce(tensor) }
  },
}

/** A bound beyond every value of a program (below 2^53) is none. */
function whole(bound: number): bigint | undefined {
  const q = nearest(bound)
  return Number.isSafeInteger(q) ? BigInt(q) : undefined
}

function bounds(site: Site): { readonly lo: number; readonly hi: number } {
  // Attributes before operator set 11, operands since.
  if (site.opset < 11)
    return { lo: numberAttribute(site, 'min', -Infinity), hi: numberAttribute(site, 'max', Infinity) }
  const at = (index: number, otherwise: number): number => {
    const fact = site.operands[index]
    if (fact === undefined) return otherwise
    const [bound] = fact.constant?.data ?? []
    if (bound === undefined) throw new Refusal('a bound is not a constant')
    return bound
  }
  return { lo: at(1, -Infinity), hi: at(2, Infinity) }
}
