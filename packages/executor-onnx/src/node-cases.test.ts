import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fromBinary } from '@bufbuild/protobuf'
import { type ElementType, numbers, type Tensor, tensor } from '@veristack/core'
import { type OnnxPort, parseModel } from '@veristack/integer-model'
import { TensorProto_DataType as T, TensorProtoSchema } from '../../integer-model/src/onnx/onnx_pb.ts'
import { call, refusal, stage } from './stage.fixture.ts'

const CASES = join(__dirname, '../../../../shared/onnx-node-tests')
const present = existsSync(CASES)
const NAMES: { readonly [name: string]: ElementType } = { FLOAT: 'float32', DOUBLE: 'float64' }

function read(path: string, name: string): Tensor {
  const proto = fromBinary(TensorProtoSchema, readFileSync(path))
  const type = NAMES[T[proto.dataType] ?? ''] ?? (T[proto.dataType]?.toLowerCase() as ElementType)
  const shape = proto.dims.map(Number)
  if (proto.rawData.length > 0 || shape.includes(0)) return { name, type, shape, data: Uint8Array.from(proto.rawData) }
  const listed = [proto.floatData, proto.doubleData, proto.int32Data, proto.int64Data, proto.uint64Data]
  return tensor(name, type, shape, listed.find((l) => l.length > 0) ?? [])
}

const close = (a: number, b: number): boolean => a === b || Math.abs(a - b) <= 1e-7 + 1e-3 * Math.abs(b)
const isReal = (t: Tensor): boolean => !t.type.startsWith('float') || numbers(t).every(Number.isFinite)

describe('the node tests of the ONNX project', () => {
  if (!present) console.warn(`skipped: the ONNX node tests are not at ${CASES}`)

  test(present ? 'give the published outputs' : 'were skipped: ../shared/onnx-node-tests is absent', async () => {
    if (!present) return
    const { executor, float, run, stop } = stage()
    const outcomes = { ran: 0, refusedType: 0, refusedInput: 0, refusedModel: 0 }
    for (const name of readdirSync(CASES).filter((n) => n.startsWith('test_'))) {
      const bytes = readFileSync(join(CASES, name, 'model.onnx'))
      const data = (kind: string, ports: readonly OnnxPort[]) =>
        ports.map((port, i) => read(join(CASES, name, 'test_data_set_0', `${kind}_${i}.pb`), port.name))
      const program = await float(bytes)
      const reason = await refusal(() => executor.prepare(program, [], call()))
      if (reason.startsWith('VS_ONNX_PROGRAM_REFUSED')) outcomes.refusedType += 1
      else if (reason.startsWith('VS_MODEL_UNSUPPORTED')) outcomes.refusedModel += 1
      else {
        const { inputs, outputs } = parseModel(bytes)
        const feeds = data('input', inputs)
        if (!feeds.every(isReal)) {
          expect(await refusal(() => run(program, feeds))).toMatch(/^VS_ONNX_INVALID_INPUT/)
          outcomes.refusedInput += 1
          continue
        }
        const results = await run(program, await executor.prepare(program, feeds, call()))
        for (const [i, want] of data('output', outputs).entries()) {
          const got = results[i]
          expect({ name, type: got?.type, shape: got?.shape }).toEqual({ name, type: want.type, shape: want.shape })
          const values = got === undefined ? [] : numbers(got)
          const off = numbers(want).findIndex((v, at) => !close(values[at] ?? Number.NaN, v))
          expect({ name, off }).toEqual({ name, off: -1 })
        }
        outcomes.ran += 1
      }
    }
    await stop()
    expect(outcomes.ran).toBeGreaterThan(230)
  })
})
