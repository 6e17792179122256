import { elementCount, isVeristackError, type Tensor, tensor } from '@veristack/core'
import { toOnnx } from '@veristack/integer-model'
import fc from 'fast-check'
import { randomProgram } from '../../integer-model/src/deep/programs.ts'
import { guardModel } from './guard.ts'
import { floats, matmul, modelBytes, node, port, T } from './models.fixture.ts'
import { stage } from './stage.fixture.ts'

const SEEDS = [
  matmul(),
  toOnnx(randomProgram(7)),
  toOnnx(randomProgram(8)),
  modelBytes({
    nodes: [
      node('Gemm', ['x', 'w', 'b'], ['h']),
      node('Relu', ['h'], ['r']),
      node('Softmax', ['r'], ['s'], [{ name: 'axis', i: 1 }]),
      node('Reshape', ['s', 'to'], ['y']),
      node('Cast', ['y'], ['z'], [{ name: 'to', i: T.INT32 }]),
    ],
    inputs: [port('x', T.FLOAT, [1, 2])],
    outputs: [port('y', T.FLOAT, [2]), port('z', T.INT32, [2])],
    initializers: [
      floats('w', [2, 2], [1, 2, 3, 4]),
      floats('b', [2], [1, 2]),
      { name: 'to', dims: [1n], dataType: T.INT64, int64Data: [-1n] },
    ],
  }),
]

/** A seed with up to four bytes changed, half of them to a byte that occurs elsewhere in it. */
const mutants = fc
  .record({
    seed: fc.constantFrom(...SEEDS),
    edits: fc.array(fc.record({ at: fc.nat(), from: fc.option(fc.nat()), to: fc.nat(255) }), {
      minLength: 1,
      maxLength: 4,
    }),
  })
  .map(({ seed, edits }) => {
    const bytes = Uint8Array.from(seed)
    for (const { at, from, to } of edits) {
      bytes[at % bytes.length] = from === null ? to : (seed[from % seed.length] ?? to)
    }
    return bytes
  })

/** Ones for every declared input that is not huge. */
function feeds(bytes: Uint8Array): readonly Tensor[] {
  return guardModel(bytes, { maxBytes: 2 ** 24 }).inputs.flatMap(({ name, type, shape }) => {
    const sizes = (shape ?? []).map((d) => (typeof d === 'number' ? d : 1))
    const count = elementCount(sizes)
    return count > 4096 ? [] : [tensor(name, type, sizes, Array(count).fill(1))]
  })
}

describe('damaged models', () => {
  test('end in a result or a typed error, and never in a crash', async () => {
    const { float, run, stop } = stage()
    const outcomes = new Map<string, number>()
    await fc.assert(
      fc.asyncProperty(mutants, async (bytes) => {
        let outcome = 'ran'
        try {
          await run(await float(bytes), feeds(bytes))
        } catch (error) {
          if (!isVeristackError(error)) throw error
          outcome = error.code
        }
        expect(outcome).toMatch(/^ran$|^VS_(ONNX|MODEL|CORE)_/)
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
      }),
      { numRuns: 600 },
    )
    // Otherwise the guard alone has been tested.
    expect(outcomes.get('ran')).toBeGreaterThan(20)
    expect(outcomes.get('VS_ONNX_RUN_FAILED')).toBeGreaterThan(5)
    await stop()
  })
})
