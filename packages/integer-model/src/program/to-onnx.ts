import { create, toBinary } from '@bufbuild/protobuf'
import {
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  GraphProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  type TensorProto,
  TensorProto_DataType,
  TensorProtoSchema,
  TensorShapeProto_DimensionSchema,
  TensorShapeProtoSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from '../onnx/onnx_pb.ts'
import {
  type Emitted,
  exactType,
  type OnnxEmitter,
  type OnnxType,
  primitiveOf,
  type Value,
} from '../primitives/index.ts'
import { borderType } from './border.ts'
import { valuesOf } from './check.ts'
import type { IntegerProgram, Range } from './program.ts'

const IR_VERSION = 8n
const OPSET = 17n

const DATA_TYPE = {
  int32: TensorProto_DataType.INT32,
  int64: TensorProto_DataType.INT64,
  float64: TensorProto_DataType.DOUBLE,
} as const satisfies Record<OnnxType, TensorProto_DataType>

/** The only operators that {@link toOnnx} emits, over int32 and over doubles that hold integers below 2^53: all exact. */
export const INTEGER_ONNX_OPERATORS: ReadonlySet<string> = new Set([
  'Add',
  'ArgMax',
  'Cast',
  'Concat',
  'Div',
  'Floor',
  'Identity',
  'MatMul',
  'Max',
  'Min',
  'Mod',
  'Mul',
  'Reshape',
  'Sub',
  'Transpose',
])

/**
 * The program as an ONNX file (opset 17) that onnxruntime runs to the very integers of `interpret`. Inputs and outputs
 * have the program's names and the border's types. Deterministic in the program.
 */
export function toOnnx(program: IntegerProgram): Uint8Array {
  const values = valuesOf(program)
  const graph = new Graph(program)
  program.nodes.forEach((node, i) => {
    const operands = primitiveOf(node)
      .edges(node)
      .flatMap((edge) => values.slice(edge, edge + 1))
    graph.define(program.inputs.length + i, primitiveOf(node).emit(node, operands, graph))
  })
  for (const { name, value } of program.outputs) graph.output(name, value)
  return graph.bytes(values)
}

class Graph implements OnnxEmitter {
  readonly #program: IntegerProgram
  readonly #ranges: readonly Range[]
  readonly #prefix: string
  readonly #values: Emitted[] = []
  readonly #casts = new Map<string, string>()
  readonly #nodes: NodeProto[] = []
  readonly #initializers: TensorProto[] = []

  constructor(program: IntegerProgram) {
    this.#program = program
    this.#ranges = valuesOf(program).map((v) => v.range)
    const ports = [...program.inputs, ...program.outputs].map((p) => p.name)
    this.#prefix = freePrefix(ports)
    this.#values.push(...program.inputs.map(({ name, range }) => ({ name, type: borderType(range) })))
  }

  value(edge: number, type: OnnxType): string {
    const emitted = this.#values[edge]
    if (emitted === undefined) throw new RangeError(`value ${edge} is not made yet`)
    return this.#cast(emitted, type)
  }

  constant(shape: readonly number[], elements: ArrayLike<number>, type: OnnxType): string {
    const name = `${this.#prefix}c${this.#initializers.length}`
    const rawData = rawBytes(elements, type)
    this.#initializers.push(
      create(TensorProtoSchema, { name, dims: shape.map(BigInt), dataType: DATA_TYPE[type], rawData }),
    )
    return name
  }

  operator(
    name: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, number | readonly number[]>> = {},
  ): string {
    return this.#node(name, inputs, `${this.#prefix}t${this.#nodes.length}`, attributes)
  }

  /** Every value is kept in the type in which it is exact. */
  define(index: number, emitted: Emitted): void {
    const range = this.#ranges[index]
    if (range === undefined || index !== this.#values.length) throw new RangeError(`value ${index} is out of order`)
    const type = exactType(range)
    this.#values.push({ name: this.#cast(emitted, type), type })
  }

  output(name: string, value: number): void {
    const range = this.#ranges[value]
    if (range === undefined) throw new RangeError(`output ${name} names no value`)
    this.#node('Identity', [this.value(value, borderType(range))], name, {})
  }

  bytes(values: readonly Value[]): Uint8Array {
    const graph = create(GraphProtoSchema, {
      name: 'integer/v1',
      node: this.#nodes,
      initializer: this.#initializers,
      input: this.#program.inputs.map(({ name, shape, range }) => port(name, { shape, range })),
      output: this.#program.outputs.flatMap(({ name, value }) =>
        values.slice(value, value + 1).map((v) => port(name, v)),
      ),
    })
    const opsetImport = [create(OperatorSetIdProtoSchema, { domain: '', version: OPSET })]
    return toBinary(
      ModelProtoSchema,
      create(ModelProtoSchema, { irVersion: IR_VERSION, producerName: 'veristack', graph, opsetImport }),
    )
  }

  #cast({ name, type }: Emitted, to: OnnxType): string {
    if (type === to) return name
    const key = `${to}:${name}`
    const known = this.#casts.get(key)
    if (known !== undefined) return known
    const cast = this.operator('Cast', [name], { to: DATA_TYPE[to] })
    this.#casts.set(key, cast)
    return cast
  }

  #node(
    opType: string,
    input: readonly string[],
    output: string,
    attributes: Readonly<Record<string, number | readonly number[]>>,
  ): string {
    const attribute = Object.entries(attributes).map(([name, value]) =>
      typeof value === 'number'
        ? create(AttributeProtoSchema, { name, type: AttributeProto_AttributeType.INT, i: BigInt(value) })
        : create(AttributeProtoSchema, { name, type: AttributeProto_AttributeType.INTS, ints: value.map(BigInt) }),
    )
    this.#nodes.push(create(NodeProtoSchema, { opType, name: output, input: [...input], output: [output], attribute }))
    return output
  }
}

/** A prefix that no input or output begins with. */
function freePrefix(taken: readonly string[]): string {
  let prefix = '/'
  while (taken.some((name) => name.startsWith(prefix))) prefix += '/'
  return prefix
}

function rawBytes(elements: ArrayLike<number>, type: OnnxType): Uint8Array {
  const size = type === 'int32' ? 4 : 8
  const bytes = new Uint8Array(elements.length * size)
  const view = new DataView(bytes.buffer)
  for (let i = 0; i < elements.length; i++) {
    const value = elements[i] ?? 0
    if (type === 'int32') view.setInt32(4 * i, value, true)
    else if (type === 'int64') view.setBigInt64(8 * i, BigInt(value), true)
    else view.setFloat64(8 * i, value, true)
  }
  return bytes
}

function port(name: string, { shape, range }: Value): ValueInfoProto {
  const dim = shape.map((d) =>
    create(TensorShapeProto_DimensionSchema, { value: { case: 'dimValue', value: BigInt(d) } }),
  )
  const tensor = create(TypeProto_TensorSchema, {
    elemType: DATA_TYPE[borderType(range)],
    shape: create(TensorShapeProtoSchema, { dim }),
  })
  return create(ValueInfoProtoSchema, {
    name,
    type: create(TypeProtoSchema, { value: { case: 'tensorType', value: tensor } }),
  })
}
