import { makeRequest, type Program, type Request, type Tensor, tensor } from '@veristack/core'
import { executorSuite, fakeCase } from '@veristack/core/testing'
import { ProgramBuilder } from '@veristack/integer-model'
import { floats, modelBytes, node, port, T } from './models.fixture.ts'
import { type Stage, stage } from './stage.fixture.ts'

const quantisation = { scale: 0.5, zeroPoint: 0 }
const range = { lo: -128n, hi: 127n }

/** sum = a + 3 · b, and the index of the greatest. */
function integerProgram() {
  const builder = new ProgramBuilder()
  const a = builder.input({ name: 'a', shape: [2], range, quantisation })
  const b = builder.input({ name: 'b', shape: [2], range, quantisation })
  const constant = { shape: [2], data: Int32Array.of(3, 3) }
  const sum = builder.node({ op: 'add', a, b: builder.node({ op: 'mul-constant', x: b, constant }) })
  const greatest = builder.node({ op: 'argmax', x: sum, axis: 0 })
  return builder.build([
    { name: 'sum', value: sum, scale: 0.5, zeroPoint: 0 },
    { name: 'greatest', value: greatest, scale: 1, zeroPoint: 0 },
  ])
}

/** The same in float32. */
const floatModel = modelBytes({
  nodes: [
    node('Mul', ['b', 'three'], ['t']),
    node('Add', ['a', 't'], ['sum']),
    node(
      'ArgMax',
      ['sum'],
      ['greatest'],
      [
        { name: 'axis', i: 0 },
        { name: 'keepdims', i: 0 },
      ],
    ),
  ],
  inputs: [port('a', T.FLOAT, [2]), port('b', T.FLOAT, [2])],
  outputs: [port('sum', T.FLOAT, [2]), port('greatest', T.INT64, [])],
  initializers: [floats('three', [1], [3])],
})

const inputs = [tensor('a', 'float32', [2], [1, -2.5]), tensor('b', 'float32', [2], [-1, 0.5])]

const subjects: readonly [string, (s: Stage) => Promise<Program>, readonly Tensor[]][] = [
  [
    'integer/v1',
    (s) => s.integer(integerProgram()),
    [tensor('sum', 'int32', [2], [-4, -2]), tensor('greatest', 'int32', [], [1])],
  ],
  [
    'onnx-float/v1',
    (s) => s.float(floatModel),
    [tensor('sum', 'float32', [2], [-2, -1]), tensor('greatest', 'int64', [], [1n])],
  ],
]

async function requests(): Promise<readonly [Request, Request]> {
  const { id: _, ...fields } = (await fakeCase()).job.request
  return [makeRequest(fields), makeRequest({ ...fields, nonce: `0x${'77'.repeat(32)}` })]
}

for (const [semantics, publish, expected] of subjects) {
  describe(semantics, () => {
    const stages: Stage[] = []
    afterEach(async () => {
      for (const s of stages.splice(0)) await s.stop()
    })
    executorSuite({
      runner: { describe, test },
      make: async () => {
        const s = stage()
        stages.push(s)
        await publish(s)
        return s.executor
      },
      fixture: async () => ({ program: await publish(stage()), inputs, expected, requests: await requests() }),
    })
  })
}
