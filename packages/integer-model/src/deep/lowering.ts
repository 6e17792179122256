import { numbers, type Tensor, tensor } from '@veristack/core/receipt'
import type { Lowered, Sample } from '../lower/index.ts'
import { dequantise, interpret, quantiseInputs } from '../program/index.ts'
import type { ModelSpec, NodeSpec } from './models.ts'
import { Dice } from './programs.ts'

export const float = (name: string, shape: readonly number[], values: readonly number[]): Tensor =>
  tensor(name, 'float32', shape, values)

/** Runs the lowered program on real inputs; real outputs by name. */
export function runReal({ program }: Lowered, inputs: readonly Tensor[]): Record<string, number[]> {
  const outputs = interpret(program, quantiseInputs(program, inputs))
  return Object.fromEntries(
    program.outputs.map((o, i) => [o.name, numbers(dequantise(o, outputs[i] ?? float('', [], [0])))]),
  )
}

export async function onnxruntime(file: Uint8Array, inputs: readonly Tensor[]): Promise<Tensor[]> {
  const ort = await import('onnxruntime-node')
  const session = await ort.InferenceSession.create(file, { intraOpNumThreads: 1, logSeverityLevel: 3 })
  const feeds = Object.fromEntries(
    inputs.map((t) => [t.name, new ort.Tensor('float32', Float32Array.from(numbers(t)), [...t.shape])]),
  )
  const results = await session.run(feeds)
  return Object.entries(results).map(([name, t]) =>
    tensor(name, t.type === 'int64' ? 'int64' : 'float32', [...t.dims], Array.from(t.data as Float32Array, Number)),
  )
}

export const samplesOf = (shape: readonly number[], rows: readonly (readonly number[])[], name = 'x'): Sample[] =>
  rows.map((r) => ({ [name]: float(name, shape, r) }))

/** A model of these nodes with one input x; the last node makes the output. */
export const one = (
  nodes: readonly NodeSpec[],
  inputShape: readonly (number | string)[],
  constants: ModelSpec['constants'] = {},
  opset = 17,
): ModelSpec => ({
  inputs: { x: inputShape },
  constants,
  nodes,
  outputs: [nodes.at(-1)?.output ?? ''],
  opset,
})

/** A perceptron with real weights; inputs from 0 to 1. */
export function perceptron(seed: number, [inputs, hidden, classes]: readonly [number, number, number]): ModelSpec {
  const random = new Dice(seed)
  const real = (shape: readonly number[], spread: number) => ({
    shape,
    values: Array.from(
      { length: shape.reduce((a, b) => a * b, 1) },
      () => (random.integer(-1000, 1000) / 1000) * spread,
    ),
  })
  return {
    inputs: { x: ['n', inputs] },
    constants: {
      w1: real([inputs, hidden], 0.5),
      b1: real([hidden], 0.2),
      w2: real([hidden, classes], 0.7),
      b2: real([classes], 0.3),
    },
    nodes: [
      { op: 'Gemm', inputs: ['x', 'w1', 'b1'], output: 'a' },
      { op: 'Relu', inputs: ['a'], output: 'h' },
      { op: 'Gemm', inputs: ['h', 'w2', 'b2'], output: 'logits' },
      { op: 'ArgMax', inputs: ['logits'], output: 'label', attributes: { axis: 1, keepdims: 0 } },
    ],
    outputs: ['logits', 'label'],
  }
}

export const realRows = (seed: number, size: number, count: number): number[][] => {
  const random = new Dice(seed)
  return Array.from({ length: count }, () => Array.from({ length: size }, () => random.integer(0, 1000) / 1000))
}
