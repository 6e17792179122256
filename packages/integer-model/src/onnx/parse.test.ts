import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { isVeristackError } from '@veristack/core/receipt'
import fc from 'fast-check'
import { refusedWith } from '../deep/expectations.ts'
import { onnxFile } from '../deep/models.ts'
import { modelId, parseModel } from './index.ts'
import {
  AttributeProtoSchema,
  FunctionProtoSchema as FunctionSchema,
  type ModelProto,
  ModelProtoSchema,
  TensorProto_DataLocation,
  TensorProto_DataType,
  TensorProtoSchema,
} from './onnx_pb.ts'

const file = onnxFile({
  inputs: { x: ['n', 2] },
  constants: { w: { shape: [2, 2], values: [1, -2, 3, 0.5] }, s: { shape: [2], values: [-1, 4], type: 'int64' } },
  nodes: [
    { op: 'MatMul', inputs: ['x', 'w'], output: 'm' },
    { op: 'Concat', inputs: ['m', 'm'], output: 'c', attributes: { axis: 1 } },
    { op: 'Reshape', inputs: ['c', 's'], output: 'y' },
  ],
  outputs: ['y'],
})

/** The file with one thing about it changed. */
function changed(change: (model: ModelProto & { graph: NonNullable<ModelProto['graph']> }) => void): Uint8Array {
  const model = fromBinary(ModelProtoSchema, file)
  const { graph } = model
  if (graph === undefined) throw new Error('no graph')
  change(Object.assign(model, { graph }))
  return toBinary(ModelProtoSchema, model)
}

const attribute = create(AttributeProtoSchema, {})

describe('parseModel', () => {
  test('reads a small model', () => {
    const model = parseModel(file)
    expect(model.opset).toBe(17)
    expect(model.inputs).toEqual([{ name: 'x', type: 'float32', shape: ['n', 2] }])
    expect(model.initializers.get('w')).toEqual({
      name: 'w',
      type: 'float32',
      shape: [2, 2],
      values: Float64Array.of(1, -2, 3, 0.5),
    })
    expect(model.initializers.get('s')?.values).toEqual(Float64Array.of(-1, 4))
    expect(model.nodes.map((n) => n.operator)).toEqual(['MatMul', 'Concat', 'Reshape'])
    expect(model.nodes[1]?.attributes.get('axis')).toEqual({ kind: 'int', value: 1 })
  })

  test('the id is SHA-256 of the file', () => {
    expect(modelId(new TextEncoder().encode('abc'))).toBe(
      '0xba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    )
  })

  test('an initializer that is also an input is a constant', () => {
    const bytes = changed(({ graph }) => {
      const [input] = graph.input
      if (input) graph.input.push({ ...input, name: 'w' })
    })
    expect(parseModel(bytes).inputs.map((i) => i.name)).toEqual(['x'])
  })

  test.each<[string, Uint8Array]>([
    ['nothing', new Uint8Array()],
    ['text', new TextEncoder().encode('this is no model')],
    ['a model without its last byte', file.slice(0, -1)],
    ['a model without its second half', file.slice(0, file.length / 2)],
    ['an unknown field at the end', Uint8Array.of(...file, 0xfa, 0x3f, 1, 7)],
    ['no graph', toBinary(ModelProtoSchema, create(ModelProtoSchema, { opsetImport: [{ version: 17n }] }))],
    ['no operator set', changed((m) => m.opsetImport.splice(0))],
    [
      'external data',
      changed(({ graph }) =>
        graph.initializer.forEach((t) => {
          t.dataLocation = TensorProto_DataLocation.EXTERNAL
        }),
      ),
    ],
    [
      'external data without saying so',
      changed(({ graph }) =>
        graph.initializer[0]?.externalData.push({
          $typeName: 'onnx.StringStringEntryProto',
          key: 'location',
          value: '/etc/passwd',
        }),
      ),
    ],
    [
      'too few weights',
      changed(({ graph }) =>
        graph.initializer.forEach((t) => {
          t.rawData = t.rawData.slice(0, 4)
        }),
      ),
    ],
    [
      'a negative dimension',
      changed(({ graph }) =>
        graph.initializer.forEach((t) => {
          t.dims = [-1n, 4n]
        }),
      ),
    ],
    [
      'a tensor made twice',
      changed(({ graph }) =>
        graph.node.forEach((n) => {
          n.output = ['y']
        }),
      ),
    ],
    ['a tensor used before it is made', changed(({ graph }) => graph.node.reverse())],
    [
      'an output that nothing makes',
      changed(({ graph }) =>
        graph.output.forEach((o) => {
          o.name = 'z'
        }),
      ),
    ],
    ['no outputs', changed(({ graph }) => graph.output.splice(0))],
    ['two attributes of one name', changed(({ graph }) => graph.node.map((n) => n.attribute.push(...n.attribute)))],
    ['two initializers of one name', changed(({ graph }) => graph.initializer.push(...graph.initializer))],
  ])('refuses %s', (_name, bytes) => {
    refusedWith('VS_MODEL_INVALID_ONNX', () => parseModel(bytes))
  })

  test.each<[string, Uint8Array]>([
    [
      'operators of another domain',
      changed(({ graph }) =>
        graph.node.forEach((n) => {
          n.domain = 'com.microsoft'
        }),
      ),
    ],
    [
      'subgraphs',
      changed((m) =>
        m.graph.node[0]?.attribute.push({
          ...attribute,
          name: 'then_branch',
          g: fromBinary(ModelProtoSchema, file).graph ?? m.graph,
        }),
      ),
    ],
    ['functions', changed((m) => m.functions.push(fromBinary(FunctionSchema, new Uint8Array())))],
  ])('refuses %s', (_name, bytes) => {
    refusedWith('VS_MODEL_UNSUPPORTED', () => parseModel(bytes))
  })

  test('refuses more bytes than the limit', () => {
    refusedWith('VS_MODEL_TOO_LARGE', () => parseModel(file, { maxBytes: 10 }))
  })

  test('64-bit integers without a double are left out', () => {
    const bytes = changed(({ graph }) => {
      graph.initializer.push(
        create(TensorProtoSchema, {
          name: 'end',
          dims: [1n],
          dataType: TensorProto_DataType.INT64,
          int64Data: [2n ** 63n - 1n],
        }),
      )
    })
    expect(parseModel(bytes).initializers.get('end')).toEqual({ name: 'end', type: 'int64', shape: [1] })
  })

  test('changed bytes end in a model or a typed error', () => {
    const edits = fc.array(fc.tuple(fc.nat(file.length - 1), fc.integer({ min: 0, max: 255 })), {
      minLength: 1,
      maxLength: 4,
    })
    fc.assert(
      fc.property(edits, fc.nat(file.length), (list, cut) => {
        const bytes = file.slice(0, file.length - (cut % 5))
        for (const [at, value] of list) bytes[at] = value
        try {
          parseModel(bytes)
        } catch (error) {
          if (!isVeristackError(error)) throw error
        }
      }),
      { numRuns: 1500 },
    )
  })
})
