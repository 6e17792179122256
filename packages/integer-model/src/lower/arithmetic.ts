import { broadcast } from '../onnx/index.ts'
import { stretched } from './linear.ts'
import type { Lowering, Quantised } from './lowering.ts'
import { factAt, floatAt, type Operand, type Operator, type Real, Refusal, realAt, type Site } from './operator.ts'

type Arithmetic = (a: number, b: number) => number

function inferElementwise(site: Site) {
  const [a, b] = [floatAt(site, 0), floatAt(site, 1)]
  const shape = broadcast(a.shape, b.shape)
  if (shape === undefined)
    throw new Refusal(`shapes [${a.shape.join(', ')}] and [${b.shape.join(', ')}] do not broadcast`)
  return { type: a.type, shape }
}

const evaluateWith =
  (apply: Arithmetic) =>
  (site: Site, operands: readonly (Real | undefined)[]): Real => {
    const { shape } = inferElementwise(site)
    const [a, b] = [stretched(realAt(operands, 0), shape), stretched(realAt(operands, 1), shape)]
    return { shape, data: a.data.map((x, i) => apply(x, b.data[i] ?? 0)) }
  }

/** Y = A ± B: two values at one scale, or a value and a constant. */
const sum = (op: 'add' | 'sub'): Operator => ({
  infer: inferElementwise,
  evaluate: evaluateWith(op === 'add' ? (a, b) => a + b : (a, b) => a - b),

  lower(site, operands, lowering) {
    const { shape } = inferElementwise(site)
    const tensor = site.node.outputs[0] ?? ''
    const [a, b] = both(operands)
    if ('quantised' in a && 'quantised' in b) {
      const { values, scale } = lowering.align([
        lowering.stretch(a.quantised, shape),
        lowering.stretch(b.quantised, shape),
      ])
      const [left = 0, right = 0] = values
      return lowering.made(lowering.builder.node({ op, a: left, b: right }), scale, tensor)
    }
    if ('quantised' in a && 'constant' in b)
      return plus(a.quantised, op === 'add' ? b.constant : scaled(b.constant, -1), shape, tensor, lowering)
    if ('constant' in a && 'quantised' in b) {
      const x =
        op === 'add' ? b.quantised : lowering.times(b.quantised, stretched(MINUS_ONE, b.quantised.shape), tensor)
      return plus(x, a.constant, shape, tensor, lowering)
    }
    throw new Refusal('both operands are constants')
  },
})

export const add = sum('add')
export const sub = sum('sub')

/** Y = A · B, of which one is a constant. */
export const mul: Operator = {
  infer(site) {
    if (factAt(site, 0).constant === undefined && factAt(site, 1).constant === undefined)
      throw new Refusal('no operand is a constant')
    return inferElementwise(site)
  },

  evaluate: evaluateWith((a, b) => a * b),

  lower(site, operands, lowering) {
    const { shape } = inferElementwise(site)
    const tensor = site.node.outputs[0] ?? ''
    const [a, b] = both(operands)
    if ('quantised' in a && 'constant' in b)
      return lowering.times(lowering.stretch(a.quantised, shape), stretched(b.constant, shape), tensor)
    if ('constant' in a && 'quantised' in b)
      return lowering.times(lowering.stretch(b.quantised, shape), stretched(a.constant, shape), tensor)
    throw new Refusal('no operand is a constant')
  },
}

const MINUS_ONE: Real = { shape: [], data: Float64Array.of(-1) }

const scaled = ({ shape, data }: Real, by: number): Real => ({ shape, data: data.map((x) => x * by) })

function plus(q: Quantised, addend: Real, shape: readonly number[], tensor: string, lowering: Lowering): Quantised {
  return lowering.plus(lowering.stretch(q, shape), stretched(addend, shape), tensor)
}

function both(operands: readonly (Operand | undefined)[]): readonly [Operand, Operand] {
  const [a, b] = operands
  if (a === undefined || b === undefined) throw new Refusal('an operand is missing')
  return [a, b]
}
