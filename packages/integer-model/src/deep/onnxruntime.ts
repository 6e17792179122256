import type { Tensor } from '@veristack/core/receipt'
import type { InferenceSession } from 'onnxruntime-node'
import { type IntegerProgram, interpret, toOnnx } from '../program/index.ts'

const ort = () => import('onnxruntime-node')

export interface Shown {
  readonly type: string
  readonly shape: readonly number[]
  readonly values: readonly string[]
}

/** A session of onnxruntime over the program's integer ONNX. */
export async function openSession(program: IntegerProgram): Promise<InferenceSession> {
  const { InferenceSession } = await ort()
  return InferenceSession.create(toOnnx(program), { intraOpNumThreads: 1, logSeverityLevel: 3 })
}

export async function runSession(session: InferenceSession, inputs: readonly Tensor[]): Promise<Record<string, Shown>> {
  const { Tensor: OrtTensor } = await ort()
  const feeds = inputs.map(({ name, type, shape, data }) => {
    const elements = type === 'int32' ? new Int32Array(data.slice().buffer) : new BigInt64Array(data.slice().buffer)
    return [name, new OrtTensor(type === 'int32' ? 'int32' : 'int64', elements, [...shape])] as const
  })
  const results = await session.run(Object.fromEntries(feeds))
  return Object.fromEntries(
    Object.entries(results).map(([name, t]) => [
      name,
      { type: t.type, shape: [...t.dims], values: Array.from(t.data as Int32Array, String) },
    ]),
  )
}

/** The interpreter's outputs in the same form. */
export const canon = (program: IntegerProgram, inputs: readonly Tensor[]): Record<string, Shown> =>
  Object.fromEntries(
    interpret(program, inputs).map(({ name, type, shape, data }) => {
      const elements = type === 'int32' ? new Int32Array(data.buffer) : new BigInt64Array(data.buffer)
      return [name, { type, shape, values: Array.from<number | bigint, string>(elements, String) }]
    }),
  )
