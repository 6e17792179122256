import type { ElementType } from '@veristack/core/receipt'

/** A constant of the file. `type` is absent for element types that do not cross a border (float16, string, …). */
export interface OnnxTensor {
  readonly name: string
  readonly type?: ElementType
  readonly shape: readonly number[]
  /** The elements, row-major. Absent where `type` is, and where a 64-bit integer is not below 2^53. */
  readonly values?: Float64Array
}

export type OnnxAttribute =
  | { readonly kind: 'int' | 'float'; readonly value: number }
  | { readonly kind: 'ints' | 'floats'; readonly value: readonly number[] }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'tensor'; readonly value: OnnxTensor }
  | { readonly kind: 'other' }

export interface OnnxNode {
  readonly name: string
  readonly operator: string
  /** Names of tensors; an empty name is an optional operand that is left out. */
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly attributes: ReadonlyMap<string, OnnxAttribute>
}

/** An input or output of the graph. A dimension is a number, a symbol, or unknown. */
export interface OnnxPort {
  readonly name: string
  /** Absent for what is no tensor, or a tensor of a type that does not cross a border. */
  readonly type?: ElementType
  /** Absent where the rank is unknown. */
  readonly shape?: readonly (number | string | undefined)[]
}

/** A model as far as it matters here: one graph, every name made before it is used, weights inside. */
export interface OnnxModel {
  readonly irVersion: number
  /** Version of the default operator set. */
  readonly opset: number
  readonly producer: string
  /** Without those that are initializers. */
  readonly inputs: readonly OnnxPort[]
  readonly outputs: readonly OnnxPort[]
  readonly initializers: ReadonlyMap<string, OnnxTensor>
  readonly nodes: readonly OnnxNode[]
}
