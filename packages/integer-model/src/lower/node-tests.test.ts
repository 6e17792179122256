import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { numbers, tensor } from '@veristack/core/receipt'
import { parseModel } from '../onnx/index.ts'
import { type ModelProto, ModelProtoSchema, type TensorProto, TensorProtoSchema } from '../onnx/onnx_pb.ts'
import { readTensor } from '../onnx/tensor.ts'
import { dequantise, interpret, quantiseInputs } from '../program/index.ts'
import { lower } from './index.ts'
import { OPERATORS } from './registry.ts'

const FOLDER = join(__dirname, '../../../../../shared/onnx-node-tests')
const present = existsSync(FOLDER)
const cases = present ? readdirSync(FOLDER).filter((name) => existsSync(join(FOLDER, name, 'model.onnx'))) : []
if (!present) console.log('skipped: the ONNX node tests are not there (../shared/onnx-node-tests)')

const load = (name: string) => new Uint8Array(readFileSync(join(FOLDER, name, 'model.onnx')))
const data = (name: string, kind: 'input' | 'output', index: number): TensorProto =>
  fromBinary(
    TensorProtoSchema,
    new Uint8Array(readFileSync(join(FOLDER, name, 'test_data_set_0', `${kind}_${index}.pb`))),
  )

/** The model with every input but the first made a constant, as trained models have them. */
function bound(name: string): ModelProto {
  const model = fromBinary(ModelProtoSchema, load(name))
  const graph = model.graph
  if (graph === undefined) throw new Error(name)
  const rest = graph.input
    .slice(1)
    .map((input, i) => create(TensorProtoSchema, { ...data(name, 'input', i + 1), name: input.name }))
  return create(ModelProtoSchema, {
    ...model,
    graph: { ...graph, input: graph.input.slice(0, 1), initializer: [...graph.initializer, ...rest] },
  })
}

/** Operators of the model, and whether all its tensors are float32 (or int64 shapes). */
function lowerable(name: string): boolean {
  const model = parseModel(toBinary(ModelProtoSchema, bound(name)))
  const supported = model.nodes.every(
    (n) =>
      n.operator === 'Constant' ||
      (OPERATORS.has(n.operator) && (n.attributes.get('select_last_index')?.kind !== 'int' || n.operator !== 'ArgMax')),
  )
  const [input] = model.inputs
  return supported && input?.type === 'float32' && (input.shape ?? []).every((d) => typeof d === 'number' && d > 0)
}

/** What the operators are specified to do, but not this: bounds the wrong way round, and what is no matrix product with a constant matrix. */
const REFUSED = new Set([
  'test_clip_min_greater_than_max',
  'test_gemm_transposeA',
  'test_matmul_1d_1d',
  'test_matmul_4d',
  'test_matmul_bcast',
])

if (present) {
  describe('the ONNX node tests', () => {
    test(`all ${cases.length} are read`, () => {
      for (const name of cases) expect(parseModel(load(name)).nodes.length).toBeGreaterThan(0)
    })

    const usable = cases.filter(lowerable)

    test('many of them can be lowered', () => {
      expect(usable.filter((name) => !REFUSED.has(name)).length).toBeGreaterThanOrEqual(25)
    })

    test.each(usable)('%s', async (name) => {
      const file = toBinary(ModelProtoSchema, bound(name))
      const [port] = parseModel(file).inputs
      const given = readTensor(data(name, 'input', 0), name)
      const inputs = [tensor(port?.name ?? '', 'float32', given.shape, [...(given.values ?? [])])]
      const calibration = [Object.fromEntries(inputs.map((t) => [t.name, t]))]
      const lowering = lower(file, { calibration, weightBits: 16, activationBits: 16, inputBits: 16 })
      if (REFUSED.has(name)) {
        await expect(lowering).rejects.toMatchObject({ code: 'VS_MODEL_UNSUPPORTED' })
        return
      }
      const { program } = await lowering
      const [output] = interpret(program, quantiseInputs(program, inputs))
      const [form] = program.outputs
      const expected = readTensor(data(name, 'output', 0), name)
      if (output === undefined || form === undefined || expected.values === undefined) throw new Error(name)
      expect(output.shape).toEqual(expected.shape)
      const reach = expected.values.reduce((a, b) => Math.max(a, Math.abs(b)), 1e-9)
      const real = numbers(dequantise(form, output))
      for (const [i, x] of expected.values.entries())
        expect(Math.abs((real[i] ?? Number.NaN) - x)).toBeLessThan(1e-3 * reach)
    })
  })
} else {
  test('is skipped without the ONNX node tests', () => expect(present).toBe(false))
}
