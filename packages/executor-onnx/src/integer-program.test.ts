import { bigints, isVeristackError, type Tensor, tensor } from '@veristack/core'
import { decodeProgram, encodeProgram, interpret, ProgramBuilder, type Weights } from '@veristack/integer-model'
import fc from 'fast-check'
import { programs, randomInputs } from '../../integer-model/src/deep/programs.ts'
import { type OpenSession, openSession } from './session.ts'
import { call, refusal, stage } from './stage.fixture.ts'

const whole = (shape: number[], ...values: number[]): Weights => ({ shape, data: Int32Array.from(values) })

/** x int32 [1, 2] in -8..7 (scale 1/2) → logits [1, 3] and label [1]. */
function classifier() {
  const builder = new ProgramBuilder()
  const quantisation = { scale: 0.5, zeroPoint: 0 }
  const x = builder.input({ name: 'x', shape: [1, 2], range: { lo: -8n, hi: 7n }, quantisation })
  const logits = builder.node({
    op: 'linear',
    x,
    weights: whole([2, 3], 1, -1, 2, 3, 0, -2),
    bias: whole([3], 0, 5, 0),
  })
  const label = builder.node({ op: 'argmax', x: logits, axis: 1 })
  return builder.build([
    { name: 'logits', value: logits, scale: 1, zeroPoint: 0 },
    { name: 'label', value: label, scale: 1, zeroPoint: 0 },
  ])
}

const x = (...values: number[]): Tensor => tensor('x', 'int32', [1, 2], values)

describe('integer programs', () => {
  test('give the integers of the interpreter, for any program and input', async () => {
    const { executor, integer, run, stop } = stage({ limits: { checkEvery: Number.MAX_SAFE_INTEGER } })
    await fc.assert(
      fc.asyncProperty(programs, fc.nat(), async ({ program }, seed) => {
        const published = await integer(program)
        for (const k of [0, 1, 2]) {
          const inputs = randomInputs(program, seed + k)
          const prepared = await executor.prepare(published, inputs, call())
          expect(prepared).toEqual(inputs)
          // Not compared by the executor after the first run, so the fast path is on its own.
          expect(await run(published, prepared)).toEqual(interpret(program, inputs))
        }
      }),
      { numRuns: 150 },
    )
    await stop()
  })

  test('quantise real inputs before they are run', async () => {
    const { executor, integer, run, stop } = stage()
    const published = await integer(classifier())
    const prepared = await executor.prepare(published, [tensor('x', 'float32', [1, 2], [1.3, -99])], call())
    expect(prepared).toEqual([x(3, -8)])
    const [logits, label] = await run(published, prepared)
    expect(logits && bigints(logits)).toEqual([-21n, 2n, 22n])
    expect(label && bigints(label)).toEqual([2n])
    await stop()
  })

  test.each<[string, Tensor[], string]>([
    ['NaN', [tensor('x', 'float32', [1, 2], [Number.NaN, 0])], 'VS_MODEL_INVALID_INPUT [0]'],
    ['infinity', [tensor('x', 'float64', [1, 2], [0, Number.NEGATIVE_INFINITY])], 'VS_MODEL_INVALID_INPUT [1]'],
    ['an integer out of range', [x(0, 8)], 'VS_MODEL_INVALID_INPUT [1]'],
    ['another type', [tensor('x', 'uint8', [1, 2], [0, 0])], 'VS_MODEL_INVALID_INPUT type'],
    ['another shape', [tensor('x', 'int32', [2], [0, 0])], 'VS_MODEL_INVALID_INPUT shape'],
    [
      'a huge shape over few bytes',
      [{ ...x(0, 0), shape: [2 ** 31 - 1, 2 ** 31 - 1] }],
      'VS_MODEL_INVALID_INPUT shape',
    ],
    ['fewer bytes', [{ ...x(0, 0), data: new Uint8Array(7) }], 'VS_MODEL_INVALID_INPUT data'],
    ['nothing', [], 'VS_MODEL_INVALID_INPUT tensor'],
    ['a feed too many', [x(0, 0), { ...x(0, 0), name: 'y' }], 'VS_MODEL_INVALID_INPUT tensor'],
    ['a feed twice', [x(0, 0), x(0, 0)], 'VS_MODEL_INVALID_INPUT tensor'],
  ])('refuse %s', async (_, inputs, expected) => {
    const { executor, integer, run, stop } = stage()
    const published = await integer(classifier())
    expect(await refusal(() => executor.prepare(published, inputs, call()))).toBe(expected)
    expect(await refusal(() => run(published, inputs))).toMatch(/^VS_(MODEL|ONNX)_INVALID_INPUT /)
    await stop()
  })

  test('do not quantise what has been prepared already', async () => {
    const { integer, run, stop } = stage()
    const real = tensor('x', 'float32', [1, 2], [1, 1])
    const published = await integer(classifier())
    expect(await refusal(() => run(published, [real]))).toBe('VS_ONNX_INVALID_INPUT input x.type')
    await stop()
  })

  test('are refused where the bytes are not those of the id', async () => {
    const { blobs, integer, run, stop } = stage()
    const published = await integer(classifier())
    const bytes = encodeProgram(classifier())
    const other = decodeProgram(bytes)
    const renamed = encodeProgram({ ...other, outputs: other.outputs.map((o) => ({ ...o, scale: 2 })) })
    const swapped = { ...published, blob: await blobs.put(renamed, published.blob.mediaType) }
    expect(await refusal(() => run(swapped, [x(0, 0)]))).toBe('VS_ONNX_PROGRAM_MISMATCH program.id')
    const truncated = { ...published, blob: await blobs.put(bytes.slice(0, -1), published.blob.mediaType) }
    expect(await refusal(() => run(truncated, [x(0, 0)]))).toMatch(/^VS_MODEL_NOT_CANONICAL/)
    await stop()
  })
})

/** A runtime whose answers go through `alter`; counts how often it was opened and released. */
function faulty(alter: (outputs: readonly Tensor[], run: number) => readonly Tensor[]) {
  const seen = { opened: 0, released: 0, runs: 0 }
  const open: OpenSession = async (model) => {
    const session = await openSession(model)
    seen.opened += 1
    return {
      run: async (inputs, names) => {
        seen.runs += 1
        return alter(await session.run(inputs, names), seen.runs)
      },
      release: async () => {
        seen.released += 1
        await session.release()
      },
    }
  }
  return { open, seen }
}

const nudged = (outputs: readonly Tensor[]): readonly Tensor[] =>
  outputs.map((t) =>
    t.name === 'label' ? { ...t, data: Uint8Array.from(t.data, (b, i) => (i === 0 ? b ^ 1 : b)) } : t,
  )

describe('a runtime that errs', () => {
  test('is found out on the first run, whatever the sampling', async () => {
    const { integer, run, stop } = stage({ open: faulty(nudged).open, limits: { checkEvery: 1000 } })
    expect(await refusal(async () => run(await integer(classifier()), [x(1, 1)]))).toBe(
      'VS_ONNX_CANON_MISMATCH output label[0]',
    )
    await stop()
  })

  test('is found out later by sampling, and is compared every time from then on', async () => {
    const { open } = faulty((outputs, run) => (run === 4 || run === 6 ? nudged(outputs) : outputs))
    const { integer, run, stop } = stage({ open, limits: { checkEvery: 3 } })
    const published = await integer(classifier())
    const results: string[] = []
    for (let i = 1; i <= 7; i++) results.push(await refusal(() => run(published, [x(1, 1)])))
    const [fine, caught] = ['nothing was thrown', 'VS_ONNX_CANON_MISMATCH output label[0]']
    expect(results).toEqual([fine, fine, fine, caught, fine, caught, fine])
    await stop()
  })

  test.each<[string, (outputs: readonly Tensor[]) => readonly Tensor[], string]>([
    [
      'a value out of its range',
      ([a, b]) => [a, tensor('label', b?.type ?? 'int32', [1], [3])] as Tensor[],
      'output label[0]',
    ],
    ['another type', ([a]) => [a, tensor('label', 'float32', [1], [0])] as Tensor[], 'output label'],
    ['another shape', ([a, b]) => [a, { ...b, shape: [1, 1] }] as Tensor[], 'output label'],
    ['too little', ([a]) => [a] as Tensor[], 'output label'],
  ])('is refused for %s without any comparison', async (_, alter, field) => {
    const { open } = faulty((outputs, run) => (run === 1 ? outputs : alter(outputs)))
    const { integer, run, stop } = stage({ open, limits: { checkEvery: 1000 } })
    const published = await integer(classifier())
    await run(published, [x(1, 1)])
    expect(await refusal(() => run(published, [x(1, 1)]))).toBe(`VS_ONNX_INVALID_OUTPUT ${field}`)
    await stop()
  })
})

describe('sessions', () => {
  test('are opened once per program, kept for the last ones used, and released', async () => {
    const { open, seen } = faulty((outputs) => outputs)
    const { integer, run, stop } = stage({ open, limits: { maxPrograms: 1 } })
    const first = await integer(classifier())
    const base = classifier()
    const second = await integer({ ...base, outputs: base.outputs.slice(0, 1) })
    await Promise.all([run(first, [x(1, 2)]), run(first, [x(3, 4)])])
    expect(seen).toEqual({ opened: 1, released: 0, runs: 2 })
    await run(second, [x(1, 2)])
    await run(first, [x(1, 2)])
    expect(seen).toEqual({ opened: 3, released: 2, runs: 4 })
    await stop()
    expect(seen.released).toBe(3)
    expect(await refusal(() => run(first, [x(1, 2)]))).toBe('VS_ONNX_STOPPED')
  })

  test('are not opened by prepare', async () => {
    const { open, seen } = faulty((outputs) => outputs)
    const { executor, integer, stop } = stage({ open })
    await executor.prepare(await integer(classifier()), [x(1, 2)], call())
    await stop()
    expect(seen.opened).toBe(0)
  })

  test('give nothing once the caller has given up, before or during the run', async () => {
    const late = new AbortController()
    const { open, seen } = faulty((outputs) => {
      late.abort(new Error('given up'))
      return outputs
    })
    const { integer, run, stop } = stage({ open })
    const published = await integer(classifier())
    await expect(run(published, [x(1, 2)], AbortSignal.abort(new Error('early')))).rejects.toThrow('early')
    expect(seen.runs).toBe(0)
    await expect(run(published, [x(1, 2)], late.signal)).rejects.toThrow('given up')
    expect(seen.runs).toBe(1)
    await stop()
  })

  test('limits are kept to', async () => {
    const { integer, run, stop } = stage({ limits: { maxInputBytes: 7 } })
    expect(await refusal(async () => run(await integer(classifier()), [x(1, 2)]))).toBe('VS_ONNX_TOO_LARGE inputs')
    await stop()
    const small = stage({ limits: { maxProgramBytes: 10 } })
    expect(await refusal(async () => small.run(await small.integer(classifier()), [x(1, 2)]))).toBe(
      'VS_ONNX_TOO_LARGE program.blob',
    )
    await small.stop()
  })

  test('errors are told apart from results', async () => {
    const { run, integer, stop } = stage({ open: () => Promise.reject(new Error('no runtime')) })
    const attempt = run(await integer(classifier()), [x(0, 0)])
    await expect(attempt).rejects.toThrow('no runtime')
    expect(await attempt.catch(isVeristackError)).toBe(false)
    await stop()
  })
})
