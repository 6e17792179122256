import { count } from '../primitives/index.ts'
import { constantTensor, nearest, quantiseWeights } from '../quantise/scales.ts'
import type { Lowering, Quantised } from './lowering.ts'
import {
  factAt,
  floatAt,
  numberAttribute,
  type Operand,
  type Operator,
  quantisedAt,
  type Real,
  Refusal,
  realAt,
  type Site,
} from './operator.ts'

/** Y = alpha · A · B' + beta · C, with constant B and C. */
export const gemm: Operator = {
  infer(site) {
    const [a, b] = [floatAt(site, 0), floatAt(site, 1)]
    if (numberAttribute(site, 'transA', 0) !== 0) throw new Refusal('transA is not 0')
    if (a.shape.length !== 2 || b.shape.length !== 2) throw new Refusal('operands are not matrices')
    const shape = product(a.shape, transposed(site) ? [...b.shape].reverse() : b.shape)
    constantRight(site)
    const c = site.operands[2]
    if (c !== undefined) {
      floatAt(site, 2)
      if (c.constant === undefined && a.constant === undefined) throw new Refusal('operand 3 is not a constant')
      if (!stretches(c.shape, shape))
        throw new Refusal(`operand 3 of shape [${c.shape.join(', ')}] does not broadcast to [${shape.join(', ')}]`)
    }
    return { type: a.type, shape }
  },

  evaluate(site, operands) {
    const { weights, addend } = gemmParts(site, realAt(operands, 1), operands[2])
    const y = matrixProduct(realAt(operands, 0), weights)
    const c = addend && stretched(addend, y.shape)
    return c === undefined ? y : { shape: y.shape, data: y.data.map((v, i) => v + (c.data[i] ?? 0)) }
  },

  lower(site, operands, lowering) {
    const { weights, addend } = gemmParts(
      site,
      constantAt(operands, 1),
      operands[2] === undefined ? undefined : constantAt(operands, 2),
    )
    return linear(quantisedAt(operands, 0), weights, addend, site, lowering)
  },
}

/** Y = A · B with a constant matrix B; A of any rank above 0. */
export const matmul: Operator = {
  infer(site) {
    const [a, b] = [floatAt(site, 0), floatAt(site, 1)]
    constantRight(site)
    if (a.shape.length === 0 || b.shape.length !== 2)
      throw new Refusal(
        `shapes [${a.shape.join(', ')}] and [${b.shape.join(', ')}]: the right operand must be a matrix`,
      )
    return { type: a.type, shape: product(a.shape, b.shape) }
  },

  evaluate: (_site, operands) => matrixProduct(realAt(operands, 0), realAt(operands, 1)),
  lower: (site, operands, lowering) =>
    linear(quantisedAt(operands, 0), constantAt(operands, 1), undefined, site, lowering),
}

function linear(
  operand: Quantised,
  weights: Real,
  addend: Real | undefined,
  site: Site,
  lowering: Lowering,
): Quantised {
  const x = lowering.narrow(operand)
  const { weights: integers, scale: weightScale } = quantiseWeights(weights.shape, weights.data, lowering.bits.weights)
  const scale = x.scale * weightScale
  const outputs = weights.shape[1] ?? 0
  const shape = [...x.shape.slice(0, -1), outputs]
  const whole = addend && stretched(addend, shape).data.map((b) => nearest(b / scale))
  const oneRow = whole === undefined || whole.every((b, i) => b === whole[i % outputs])
  const bias = constantTensor(
    [outputs],
    whole !== undefined && oneRow ? whole.slice(0, outputs) : new Float64Array(outputs),
  )
  const tensor = site.node.outputs[0] ?? ''
  const value = lowering.builder.node({ op: 'linear', x: x.value, weights: integers, bias })
  if (oneRow || whole === undefined) return lowering.made(value, scale, tensor, lowering.readOnce(tensor))
  return lowering.made(
    lowering.builder.node({ op: 'add-constant', x: value, constant: constantTensor(shape, whole) }),
    scale,
    tensor,
  )
}

function gemmParts(
  site: Site,
  b: Real,
  c: Real | undefined,
): { readonly weights: Real; readonly addend: Real | undefined } {
  const alpha = numberAttribute(site, 'alpha', 1)
  const beta = numberAttribute(site, 'beta', 1)
  const oriented = transposed(site) ? flipped(b) : b
  return {
    weights: { shape: oriented.shape, data: oriented.data.map((w) => alpha * w) },
    addend: c && { shape: c.shape, data: c.data.map((v) => beta * v) },
  }
}

const transposed = (site: Site): boolean => numberAttribute(site, 'transB', 0) !== 0

function flipped({ shape, data }: Real): Real {
  const [rows = 0, columns = 0] = shape
  return { shape: [columns, rows], data: data.map((_, i) => data[(i % rows) * columns + Math.floor(i / rows)] ?? 0) }
}

function product(a: readonly number[], b: readonly number[]): number[] {
  if (a.at(-1) !== b[0]) throw new Refusal(`shapes [${a.join(', ')}] and [${b.join(', ')}] do not multiply`)
  return [...a.slice(0, -1), b[1] ?? 0]
}

function constantRight(site: Site): void {
  if (factAt(site, 1).constant === undefined) throw new Refusal('the right operand is not a constant')
}

function constantAt(operands: readonly (Operand | undefined)[], index: number): Real {
  const operand = operands[index]
  if (operand === undefined || !('constant' in operand)) throw new Refusal(`operand ${index + 1} is not a constant`)
  return operand.constant
}

function matrixProduct(a: Real, b: Real): Real {
  const [size = 0, outputs = 0] = b.shape
  const rows = count(a.shape) / size
  const data = new Float64Array(rows * outputs)
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < size; i++) {
      const x = a.data[row * size + i] ?? 0
      if (x === 0) continue
      for (let o = 0; o < outputs; o++)
        data[row * outputs + o] = (data[row * outputs + o] as number) + x * (b.data[i * outputs + o] as number)
    }
  }
  return { shape: [...a.shape.slice(0, -1), outputs], data }
}

const stretches = (from: readonly number[], to: readonly number[]): boolean =>
  from.length <= to.length && from.every((d, i) => d === 1 || d === to[i + to.length - from.length])

/** A constant under a shape that it broadcasts to. */
export function stretched({ shape, data }: Real, to: readonly number[]): Real {
  const from = [...Array.from({ length: to.length - shape.length }, () => 1), ...shape]
  const out = Float64Array.from({ length: count(to) }, (_, index) => {
    let rest = index
    let source = 0
    let step = 1
    for (let axis = to.length - 1; axis >= 0; axis--) {
      const [size = 1, width = 1] = [to[axis], from[axis]]
      source += width === 1 ? 0 : (rest % size) * step
      step *= width
      rest = Math.floor(rest / size)
    }
    return data[source] ?? 0
  })
  return { shape: to, data: out }
}
