import { create, toBinary } from '@bufbuild/protobuf'
import {
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  TensorProto_DataType,
  TensorProtoSchema,
  ValueInfoProtoSchema,
} from '../../../packages/integer-model/src/onnx/onnx_pb.ts'
import type { Weights } from './network.ts'

/**
 * Gemm, Relu, Gemm, ArgMax: `features` float32 [1, inputs] → `logits` float32 [1, classes], `label` int64 [1]. The same
 * weights give the same bytes.
 */
export function modelFile({ w1, b1, w2, b2 }: Weights): Uint8Array {
  const [hidden, classes] = [b1.length, b2.length]
  const inputs = w1.length / hidden
  const graph = {
    name: 'intent',
    node: [
      node('Gemm', ['features', 'w1', 'b1'], 'before'),
      node('Relu', ['before'], 'hidden'),
      node('Gemm', ['hidden', 'w2', 'b2'], 'logits'),
      create(NodeProtoSchema, {
        ...node('ArgMax', ['logits'], 'label'),
        attribute: [attribute('axis', 1n), attribute('keepdims', 0n), attribute('select_last_index', 0n)],
      }),
    ],
    initializer: [
      weights('w1', [inputs, hidden], w1),
      weights('b1', [hidden], b1),
      weights('w2', [hidden, classes], w2),
      weights('b2', [classes], b2),
    ],
    input: [port('features', TensorProto_DataType.FLOAT, [1, inputs])],
    output: [port('logits', TensorProto_DataType.FLOAT, [1, classes]), port('label', TensorProto_DataType.INT64, [1])],
  }
  const opsetImport = [{ domain: '', version: 17n }]
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, { irVersion: 8n, producerName: 'veristack-customer-service', graph, opsetImport }),
  )
}

const node = (opType: string, input: string[], output: string) =>
  create(NodeProtoSchema, { opType, name: output, input, output: [output] })

const attribute = (name: string, i: bigint) =>
  create(AttributeProtoSchema, { name, type: AttributeProto_AttributeType.INT, i })

function weights(name: string, shape: readonly number[], values: Float32Array) {
  const rawData = new Uint8Array(4 * values.length)
  const view = new DataView(rawData.buffer)
  values.forEach((x, i) => {
    view.setFloat32(4 * i, x, true)
  })
  return create(TensorProtoSchema, { name, dims: shape.map(BigInt), dataType: TensorProto_DataType.FLOAT, rawData })
}

const port = (name: string, elemType: TensorProto_DataType, shape: readonly number[]) =>
  create(ValueInfoProtoSchema, {
    name,
    type: {
      value: {
        case: 'tensorType',
        value: {
          elemType,
          shape: { dim: shape.map((d) => ({ value: { case: 'dimValue' as const, value: BigInt(d) } })) },
        },
      },
    },
  })
