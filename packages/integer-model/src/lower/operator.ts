import type { ElementType } from '@veristack/core/receipt'
import type { OnnxAttribute, OnnxNode } from '../onnx/index.ts'
import type { Real } from '../quantise/samples.ts'
import type { Lowering, Quantised } from './lowering.ts'

export type { Real }

/** What is known of a tensor of the graph before anything runs. */
export interface Fact {
  readonly type: ElementType
  readonly shape: readonly number[]
  readonly constant?: Real
}

/** An operand when lowering: a constant, or what became of a value. */
export type Operand = { readonly constant: Real } | { readonly quantised: Quantised }

/** A node with its operands' facts; an operand that is left out is undefined. */
export interface Site {
  readonly node: OnnxNode
  readonly operands: readonly (Fact | undefined)[]
  /** Version of the default operator set. */
  readonly opset: number
}

/** One ONNX operator that becomes primitives. */
export interface Operator {
  /** Type and shape of the result. Throws {@link Refusal} for every form that can not be lowered. */
  infer(site: Site): Omit<Fact, 'constant'>
  /** In real numbers: what the integers are held against, and how constants are folded. */
  evaluate(site: Site, operands: readonly (Real | undefined)[]): Real
  lower(site: Site, operands: readonly (Operand | undefined)[], lowering: Lowering): Quantised
}

/** Why one node can not be lowered. Collected, so that one error names everything that stands in the way. */
export class Refusal {
  readonly reason: string

  constructor(reason: string) {
    this.reason = reason
  }
}

export function factAt(site: Site, index: number): Fact {
  const fact = site.operands[index]
  if (fact === undefined) throw new Refusal(`operand ${index + 1} is missing`)
  return fact
}

/** The operand's fact if it is float; integers of a model are indices and shapes, never data. */
export function floatAt(site: Site, index: number): Fact {
  const fact = factAt(site, index)
  if (fact.type !== 'float32' && fact.type !== 'float64')
    throw new Refusal(`operand ${index + 1} is ${fact.type}, not float`)
  return fact
}

export function realAt(operands: readonly (Real | undefined)[], index: number): Real {
  const real = operands[index]
  if (real === undefined) throw new Refusal(`operand ${index + 1} is missing`)
  return real
}

export function quantisedAt(operands: readonly (Operand | undefined)[], index: number): Quantised {
  const operand = operands[index]
  if (operand === undefined || !('quantised' in operand)) throw new Refusal(`operand ${index + 1} is a constant`)
  return operand.quantised
}

export function numberAttribute(site: Site, name: string, otherwise: number): number {
  const attribute = site.node.attributes.get(name)
  if (attribute === undefined) return otherwise
  if (attribute.kind !== 'int' && attribute.kind !== 'float') throw wrongKind(name, attribute)
  return attribute.value
}

export function numbersAttribute(site: Site, name: string): readonly number[] | undefined {
  const attribute = site.node.attributes.get(name)
  if (attribute === undefined) return undefined
  if (attribute.kind !== 'ints' && attribute.kind !== 'floats') throw wrongKind(name, attribute)
  return attribute.value
}

const wrongKind = (name: string, { kind }: OnnxAttribute) => new Refusal(`attribute ${name} is of kind ${kind}`)
