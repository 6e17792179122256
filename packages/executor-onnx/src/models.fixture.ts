import { create, toBinary } from '@bufbuild/protobuf'
import {
  AttributeProto_AttributeType as A,
  type GraphProto,
  ModelProtoSchema,
  TensorProto_DataType as T,
  TensorProto_DataLocation,
} from '../../integer-model/src/onnx/onnx_pb.ts'

export { T }

type Dim = number | string | undefined
type Attribute = { readonly name: string; readonly i?: number; readonly t?: object; readonly g?: object }

/** Small ONNX files, well-formed or not, field by field. */
export const node = (opType: string, input: string[], output: string[], attributes: Attribute[] = [], domain = '') => ({
  opType,
  domain,
  input,
  output,
  attribute: attributes.map(({ name, i, t, g }) => {
    if (t !== undefined) return { name, type: A.TENSOR, t }
    if (g !== undefined) return { name, type: A.GRAPH, g }
    return { name, type: A.INT, i: BigInt(i ?? 0) }
  }),
})

export const port = (name: string, elemType: number, dims?: readonly Dim[]) => ({
  name,
  type: {
    value: {
      case: 'tensorType' as const,
      value: {
        elemType,
        ...(dims && {
          shape: {
            dim: dims.map((d) => {
              if (d === undefined) return {}
              const value =
                typeof d === 'number'
                  ? { case: 'dimValue' as const, value: BigInt(d) }
                  : { case: 'dimParam' as const, value: d }
              return { value }
            }),
          },
        }),
      },
    },
  },
})

export const floats = (name: string, dims: readonly number[], values: readonly number[]) => ({
  name,
  dims: dims.map(BigInt),
  dataType: T.FLOAT,
  rawData: new Uint8Array(Float32Array.from(values).buffer),
})

export const external = (name: string) => ({
  name,
  dims: [2n, 2n],
  dataType: T.FLOAT,
  dataLocation: TensorProto_DataLocation.EXTERNAL,
  externalData: [{ key: 'location', value: '../../etc/passwd' }],
})

interface Parts {
  readonly nodes: readonly object[]
  readonly inputs: readonly object[]
  readonly outputs: readonly object[]
  readonly initializers?: readonly object[]
  readonly functions?: readonly object[]
  readonly domain?: string
}

export const graph = ({ nodes, inputs, outputs, initializers = [] }: Parts) =>
  ({ name: 'g', node: nodes, input: inputs, output: outputs, initializer: initializers }) as unknown as GraphProto

export function modelBytes(parts: Parts): Uint8Array {
  const opsetImport = [{ domain: '', version: 17n }]
  if (parts.domain !== undefined) opsetImport.push({ domain: parts.domain, version: 1n })
  const functions = (parts.functions ?? []) as never[]
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, { irVersion: 8n, opsetImport, graph: graph(parts), functions }),
  )
}

/** y = x · w for x float32 [n, 2], w = [[1, 2], [3, 4]]. */
export const matmul = (): Uint8Array =>
  modelBytes({
    nodes: [node('MatMul', ['x', 'w'], ['y'])],
    inputs: [port('x', T.FLOAT, ['n', 2])],
    outputs: [port('y', T.FLOAT, ['n', 2])],
    initializers: [floats('w', [2, 2], [1, 2, 3, 4])],
  })
