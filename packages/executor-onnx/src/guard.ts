import type { ElementType } from '@veristack/core'
import { type OnnxModel, type OnnxPort, parseModel } from '@veristack/integer-model'
import { fail } from './errors.ts'

/** An input or output: a number is a fixed dimension, a string one by name, undefined an open one; no shape: any rank. */
export interface Port extends OnnxPort {
  readonly type: ElementType
}

export interface Signature {
  readonly inputs: readonly Port[]
  readonly outputs: readonly Port[]
}

/**
 * TensorProto.DataType codes of elements smaller than a byte: 4-bit integers and floats, 2-bit integers.
 * onnxruntime-node 1.30 aborts the process when one of them leaves a graph.
 */
const SUB_BYTE: ReadonlySet<number> = new Set([21, 22, 23, 25, 26])
/** The attributes by which an operator is told the element type of its result. */
const TYPE_ATTRIBUTES: ReadonlySet<string> = new Set(['to', 'dtype', 'output_dtype'])

/**
 * Reads a model before onnxruntime does, and returns what it takes and gives. Throws what `parseModel` throws (weights
 * outside the file, other operator domains, subgraphs and so loops, functions, whatever is malformed or too large), and
 * `VS_ONNX_PROGRAM_REFUSED` for constants, inputs and outputs of element types that do not cross a border.
 */
export function guardModel(bytes: Uint8Array, options: { readonly maxBytes: number }): Signature {
  const model = parseModel(bytes, options)
  for (const { name, type } of model.initializers.values()) requireType(type, `initializer ${name}`)
  for (const [i, node] of model.nodes.entries()) checkAttributes(node, `node ${i} (${node.operator})`)
  return { inputs: model.inputs.map(readPort('input')), outputs: model.outputs.map(readPort('output')) }
}

function checkAttributes({ attributes }: OnnxModel['nodes'][number], path: string): void {
  for (const [name, attribute] of attributes) {
    const field = `${path} attribute ${name}`
    if (attribute.kind === 'tensor') requireType(attribute.value.type, field)
    if (attribute.kind === 'int' && TYPE_ATTRIBUTES.has(name) && SUB_BYTE.has(attribute.value)) {
      throw refuse(field, 'elements of whole bytes', `element type ${attribute.value}`)
    }
  }
}

const readPort =
  (kind: 'input' | 'output') =>
  (port: OnnxPort): Port => ({ ...port, type: requireType(port.type, `${kind} ${port.name}`) })

function requireType(type: ElementType | undefined, field: string): ElementType {
  if (type === undefined)
    throw refuse(field, 'a tensor of whole-byte integers, float32, float64 or bool', 'another type')
  return type
}

const refuse = (field: string, expected: string, got: string) =>
  fail('VS_ONNX_PROGRAM_REFUSED', { details: { field, expected, got } })
