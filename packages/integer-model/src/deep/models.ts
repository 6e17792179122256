import { create, toBinary } from '@bufbuild/protobuf'
import {
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  TensorProto_DataType,
  TensorProtoSchema,
  TensorShapeProto_DimensionSchema,
  TensorShapeProtoSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  ValueInfoProtoSchema,
} from '../onnx/onnx_pb.ts'

type Dimension = number | string
interface Constant {
  readonly shape: readonly number[]
  readonly values: readonly number[]
  readonly type?: 'float32' | 'int64'
}
export interface NodeSpec {
  readonly op: string
  readonly inputs: readonly string[]
  readonly output: string
  /** Whole numbers become INT, others FLOAT unless named in `floats`. */
  readonly attributes?: Readonly<Record<string, number | readonly number[]>>
  readonly floats?: readonly string[]
  readonly domain?: string
}
export interface ModelSpec {
  readonly inputs: Readonly<Record<string, readonly Dimension[]>>
  readonly constants?: Readonly<Record<string, Constant>>
  readonly nodes: readonly NodeSpec[]
  readonly outputs: readonly string[]
  readonly opset?: number
}

/** A float ONNX file from a short description. */
export function onnxFile(spec: ModelSpec): Uint8Array {
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      irVersion: 8n,
      opsetImport: [create(OperatorSetIdProtoSchema, { domain: '', version: BigInt(spec.opset ?? 17) })],
      graph: create(GraphProtoSchema, {
        name: 'g',
        input: Object.entries(spec.inputs).map(([name, shape]) => port(name, shape)),
        output: spec.outputs.map((name) => create(ValueInfoProtoSchema, { name })),
        initializer: Object.entries(spec.constants ?? {}).map(([name, c]) => tensorProto(name, c)),
        node: spec.nodes.map((n) =>
          create(NodeProtoSchema, {
            opType: n.op,
            name: `${n.op}:${n.output}`,
            domain: n.domain ?? '',
            input: [...n.inputs],
            output: [n.output],
            attribute: Object.entries(n.attributes ?? {}).map(([name, value]) =>
              attribute(name, value, n.floats?.includes(name) ?? false),
            ),
          }),
        ),
      }),
    }),
  )
}

function port(name: string, shape: readonly Dimension[]) {
  const dim = shape.map((d) =>
    create(TensorShapeProto_DimensionSchema, {
      value: typeof d === 'number' ? { case: 'dimValue', value: BigInt(d) } : { case: 'dimParam', value: d },
    }),
  )
  const value = create(TypeProto_TensorSchema, {
    elemType: TensorProto_DataType.FLOAT,
    shape: create(TensorShapeProtoSchema, { dim }),
  })
  return create(ValueInfoProtoSchema, { name, type: create(TypeProtoSchema, { value: { case: 'tensorType', value } }) })
}

function tensorProto(name: string, { shape, values, type = 'float32' }: Constant) {
  const dims = shape.map(BigInt)
  return type === 'int64'
    ? create(TensorProtoSchema, { name, dims, dataType: TensorProto_DataType.INT64, int64Data: values.map(BigInt) })
    : create(TensorProtoSchema, {
        name,
        dims,
        dataType: TensorProto_DataType.FLOAT,
        rawData: new Uint8Array(Float32Array.from(values).buffer),
      })
}

function attribute(name: string, value: number | readonly number[], float: boolean) {
  if (typeof value !== 'number')
    return create(AttributeProtoSchema, { name, type: AttributeProto_AttributeType.INTS, ints: value.map(BigInt) })
  return float || !Number.isInteger(value)
    ? create(AttributeProtoSchema, { name, type: AttributeProto_AttributeType.FLOAT, f: value })
    : create(AttributeProtoSchema, { name, type: AttributeProto_AttributeType.INT, i: BigInt(value) })
}
