import { fromBinary } from '@bufbuild/protobuf'
import { sha256 } from '@noble/hashes/sha2.js'
import { type Digest, toHex } from '@veristack/core/receipt'
import { fail } from '../errors.ts'
import type { OnnxAttribute, OnnxModel, OnnxNode, OnnxPort } from './model.ts'
import {
  type AttributeProto,
  type GraphProto,
  AttributeProto_AttributeType as Kind,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  type ValueInfoProto,
} from './onnx_pb.ts'
import { dimension, elementTypeOf, malformed, readTensor } from './tensor.ts'

export const MODEL_LIMITS = { bytes: 512 * 1024 * 1024, nodes: 65536 } as const

/** SHA-256 of the file. */
export const modelId = (bytes: Uint8Array): Digest => toHex(sha256(bytes)) as Digest

/**
 * The model in these bytes. Throws `VS_MODEL_TOO_LARGE`; `VS_MODEL_INVALID_ONNX` for what is no well-formed model:
 * truncated, unknown fields (so also trailing junk), external data, names used before they are made; and
 * `VS_MODEL_UNSUPPORTED` for subgraphs, functions, training, sparse tensors and operators of other domains.
 */
export function parseModel(bytes: Uint8Array, options: { readonly maxBytes?: number } = {}): OnnxModel {
  const limit = options.maxBytes ?? MODEL_LIMITS.bytes
  if (bytes.length > limit) throw fail('VS_MODEL_TOO_LARGE', { details: { field: 'model', limit, got: bytes.length } })
  const proto = decode(bytes)
  refuseUnknownFields(proto, 'model')
  const { graph } = proto
  const opset = proto.opsetImport.find((o) => isDefaultDomain(o.domain))
  if (graph === undefined) throw malformed('graph', 'a graph', 'none')
  if (opset === undefined) throw malformed('opset_import', 'a version of the default operator set', 'none')
  if (graph.node.length > MODEL_LIMITS.nodes) {
    throw fail('VS_MODEL_TOO_LARGE', { details: { field: 'nodes', limit: MODEL_LIMITS.nodes, got: graph.node.length } })
  }
  refuseUnsupported(proto, graph)

  const initializers = new Map(graph.initializer.map((t) => [t.name, readTensor(t, `initializer ${t.name}`)]))
  const model: OnnxModel = {
    irVersion: Number(proto.irVersion),
    opset: Number(opset.version),
    producer: proto.producerName,
    // Before IR version 4 every initializer was also an input.
    inputs: graph.input.filter((i) => !initializers.has(i.name)).map(readPort),
    outputs: graph.output.map(readPort),
    initializers,
    nodes: graph.node.map(readNode),
  }
  checkNames(model, graph)
  return model
}

function decode(bytes: Uint8Array): ModelProto {
  try {
    return fromBinary(ModelProtoSchema, bytes)
  } catch (cause) {
    throw malformed('model', 'an ONNX protobuf', `${bytes.length} other bytes`, cause)
  }
}

/** Fields that this reader does not know could mean anything to another one. */
function refuseUnknownFields(message: object, path: string): void {
  if ('$unknown' in message && Array.isArray(message.$unknown) && message.$unknown.length > 0) {
    throw malformed(path, 'known fields only', `${message.$unknown.length} unknown`)
  }
  for (const [name, value] of Object.entries(message)) {
    if (name === '$unknown' || typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) continue
    const items: readonly unknown[] = Array.isArray(value) ? value : [value]
    if (typeof items[0] !== 'object') continue
    for (const item of items) {
      if (typeof item === 'object' && item !== null && !ArrayBuffer.isView(item))
        refuseUnknownFields(item, `${path}.${name}`)
    }
  }
}

const isDefaultDomain = (domain: string): boolean => domain === '' || domain === 'ai.onnx'

function refuseUnsupported(model: ModelProto, graph: GraphProto): void {
  const found = [
    ...(model.functions.length > 0 ? ['functions in the model'] : []),
    ...(model.trainingInfo.length > 0 ? ['training information'] : []),
    ...(graph.sparseInitializer.length > 0 ? ['sparse initializers'] : []),
    ...graph.node.flatMap((n) => [
      ...(isDefaultDomain(n.domain) ? [] : [`${n.domain}.${n.opType}${nodeName(n)}: operator of another domain`]),
      ...(n.attribute.some((a) => a.g !== undefined || a.graphs.length > 0)
        ? [`${n.opType}${nodeName(n)}: subgraphs`]
        : []),
    ]),
  ]
  if (found.length > 0) throw fail('VS_MODEL_UNSUPPORTED', { details: { refused: found.join('; ') } })
}

const nodeName = (n: NodeProto): string => (n.name === '' ? '' : ` (${n.name})`)

function readPort(info: ValueInfoProto): OnnxPort {
  const value = info.type?.value
  if (value?.case !== 'tensorType') return { name: info.name }
  const type = elementTypeOf(value.value.elemType)
  const shape = value.value.shape?.dim.map((d) => {
    if (d.value.case === 'dimValue') return dimension(d.value.value, `shape of ${info.name}`)
    return d.value.case === 'dimParam' && d.value.value !== '' ? d.value.value : undefined
  })
  return { name: info.name, ...(type && { type }), ...(shape && { shape }) }
}

function readNode(node: NodeProto): OnnxNode {
  const attributes = new Map<string, OnnxAttribute>()
  for (const a of node.attribute) {
    if (attributes.has(a.name)) throw malformed(`attribute ${a.name} of ${node.opType}`, 'one', 'two of this name')
    attributes.set(a.name, readAttribute(a, node))
  }
  return { name: node.name, operator: node.opType, inputs: node.input, outputs: node.output, attributes }
}

function readAttribute(a: AttributeProto, node: NodeProto): OnnxAttribute {
  const field = `attribute ${a.name} of ${node.opType}`
  switch (a.type) {
    case Kind.INT:
      return { kind: 'int', value: Number(a.i) }
    case Kind.FLOAT:
      return { kind: 'float', value: a.f }
    case Kind.INTS:
      return { kind: 'ints', value: a.ints.map(Number) }
    case Kind.FLOATS:
      return { kind: 'floats', value: a.floats }
    case Kind.STRING:
      return { kind: 'string', value: new TextDecoder().decode(a.s) }
    case Kind.TENSOR:
      if (a.t === undefined) throw malformed(field, 'a tensor', 'none')
      return { kind: 'tensor', value: readTensor(a.t, field) }
    default:
      return { kind: 'other' }
  }
}

/** Every name is made once, before it is used; outputs exist. */
function checkNames(model: OnnxModel, graph: GraphProto): void {
  const made = new Set<string>()
  const make = (name: string, field: string): void => {
    if (name === '') throw malformed(field, 'a name', 'an empty one')
    if (made.has(name)) throw malformed(field, 'another name for each tensor', name)
    made.add(name)
  }
  if (model.initializers.size !== graph.initializer.length)
    throw malformed('initializer', 'another name for each', 'two of one name')
  for (const input of model.inputs) make(input.name, 'input')
  for (const name of model.initializers.keys()) make(name, 'initializer')
  for (const node of model.nodes) {
    if (node.operator === '') throw malformed('node', 'an operator', 'none')
    const unknown = node.inputs.find((name) => name !== '' && !made.has(name))
    if (unknown !== undefined) throw malformed(`input of ${node.operator}`, 'a tensor made before', unknown)
    for (const name of node.outputs) if (name !== '') make(name, `output of ${node.operator}`)
  }
  if (model.outputs.length === 0) throw malformed('output', 'at least one', 'none')
  for (const { name } of model.outputs) if (!made.has(name)) throw malformed('output', 'a tensor of the graph', name)
}
