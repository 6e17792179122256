import { tensor } from '@veristack/core/receipt'
import fc from 'fast-check'
import { canon, openSession, runSession } from '../deep/onnxruntime.ts'
import { Dice, programs, randomInputs } from '../deep/programs.ts'
import { parseModel } from '../onnx/index.ts'
import { INTEGER_ONNX_OPERATORS, ProgramBuilder, type Range, toOnnx } from './index.ts'

describe('toOnnx', () => {
  test("onnxruntime gives the interpreter's integers on random programs", async () => {
    await fc.assert(
      fc.asyncProperty(programs, fc.nat(), async ({ program }, seed) => {
        const open = await openSession(program)
        for (const k of [0, 1, 2]) {
          const inputs = randomInputs(program, seed + k)
          expect(await runSession(open, inputs)).toEqual(canon(program, inputs))
        }
        await open.release()
      }),
      { numRuns: 150 },
    )
  })

  const edges: readonly Range[] = [
    { lo: -(2n ** 31n), hi: 2n ** 31n - 1n },
    { lo: -(2n ** 31n) - 1n, hi: 2n ** 31n },
    { lo: -(2n ** 53n) + 1n, hi: 2n ** 53n - 1n },
  ]
  test.each(edges)('the ends of %p survive shifts, clips and ties', async (range) => {
    const builder = new ProgramBuilder()
    const x = builder.input({ name: 'x', shape: [4], range, quantisation: { scale: 1, zeroPoint: 0 } })
    const shifts = [1, 7, 30, 31, 32, 52, 53, 62].map((shift) => builder.node({ op: 'floor-shift', x, shift }))
    const clips = [
      builder.node({ op: 'clip', x, lo: 0n }),
      builder.node({ op: 'clip', x, lo: range.lo + 1n, hi: range.hi - 1n }),
      builder.node({ op: 'clip', x, lo: range.lo - 1n <= -(2n ** 53n) ? range.lo : range.lo - 1n }),
      builder.node({ op: 'argmax', x, axis: 0 }),
    ]
    const program = builder.build(
      [...shifts, ...clips].map((value) => ({ name: `v${value}`, value, scale: 1, zeroPoint: 0 })),
    )
    const open = await openSession(program)
    const type = edges[0] === range ? 'int32' : 'int64'
    for (const values of [
      [range.lo, range.hi, range.hi, 0n],
      [-1n, 1n, 0n, range.lo],
      [range.hi, range.hi - 1n, 0n, 0n],
      [0n, 0n, 0n, 0n],
    ]) {
      const inputs = [tensor('x', type, [4], values)]
      expect(await runSession(open, inputs)).toEqual(canon(program, inputs))
    }
  })

  test('a batched transposition before a wide product does not crash the runtime', async () => {
    const builder = new ProgramBuilder()
    const range = { lo: 0n, hi: 2n ** 31n - 1n }
    const x = builder.input({ name: 'x', shape: [4, 4, 3], range, quantisation: { scale: 1, zeroPoint: 0 } })
    const t = builder.node({ op: 'transpose', x, permutation: [1, 0, 2] })
    const weights = new Dice(2).weights([3, 4], 12)
    const y = builder.node({ op: 'linear', x: t, weights, bias: new Dice(3).weights([4], 12) })
    const program = builder.build([{ name: 'y', value: y, scale: 1, zeroPoint: 0 }])
    const inputs = randomInputs(program, 4)
    expect(await runSession(await openSession(program), inputs)).toEqual(canon(program, inputs))
  })

  test('emits allowed operators only, and Mod and Div with constant positive divisors', () => {
    fc.assert(
      fc.property(programs, ({ program }) => {
        const model = parseModel(toOnnx(program))
        for (const node of model.nodes) {
          expect(INTEGER_ONNX_OPERATORS).toContain(node.operator)
          if (node.operator !== 'Mod' && node.operator !== 'Div') continue
          const divisor = model.initializers.get(node.inputs[1] ?? '')
          expect(divisor?.shape).toEqual([])
          expect(divisor?.values?.[0]).toBeGreaterThan(0)
        }
        for (const t of model.initializers.values()) expect(['int32', 'int64', 'float64']).toContain(t.type)
      }),
      { numRuns: 60 },
    )
  })

  test('the allow-list has no operator that is not exact', () => {
    for (const name of INTEGER_ONNX_OPERATORS)
      expect(name).not.toMatch(/QLinear|Integer|Quantize|Gemm|Conv|Softmax|Pow|Exp/)
  })

  test('names of inputs and outputs can not collide with names inside', async () => {
    const builder = new ProgramBuilder()
    const x = builder.input({
      name: '/t0',
      shape: [2],
      range: { lo: 0n, hi: 9n },
      quantisation: { scale: 1, zeroPoint: 0 },
    })
    const y = builder.node({ op: 'mul-constant', x, constant: new Dice(1).weights([2], 3) })
    const program = builder.build([
      { name: '/c0', value: y, scale: 1, zeroPoint: 0 },
      { name: '//t1', value: x, scale: 1, zeroPoint: 0 },
    ])
    const inputs = [tensor('/t0', 'int32', [2], [3, 4])]
    expect(await runSession(await openSession(program), inputs)).toEqual(canon(program, inputs))
  })
})
