import { isVeristackError, tensor } from '@veristack/core/receipt'
import fc from 'fast-check'
import { numbersOf, refusedWith } from '../deep/expectations.ts'
import { naiveRun } from '../deep/naive.ts'
import { programs, randomInputs, randomProgram } from '../deep/programs.ts'
import {
  checkProgram,
  decodeProgram,
  dequantise,
  encodeProgram,
  exceededInputs,
  type IntegerProgram,
  interpret,
  ProgramBuilder,
  programId,
  quantiseInputs,
  trace,
} from './index.ts'

/** x [3] -> linear [2] -> clip -> argmax */
function small(): IntegerProgram {
  const builder = new ProgramBuilder()
  const x = builder.input({
    name: 'x',
    shape: [3],
    range: { lo: -8n, hi: 7n },
    quantisation: { scale: 0.25, zeroPoint: 1 },
  })
  const y = builder.node({
    op: 'linear',
    x,
    weights: { shape: [3, 2], data: Int32Array.of(1, -2, 3, 4, -5, 6) },
    bias: { shape: [2], data: Int32Array.of(10, -10) },
  })
  const z = builder.node({ op: 'clip', x: y, lo: 0n })
  const label = builder.node({ op: 'argmax', x: z, axis: 0 })
  return builder.build([
    { name: 'logits', value: y, scale: 0.5, zeroPoint: 3 },
    { name: 'label', value: label, scale: 1, zeroPoint: 0 },
  ])
}

describe('interpret', () => {
  test('a program by hand', () => {
    const out = interpret(small(), [tensor('x', 'int32', [3], [1, -2, 3])])
    expect(out.map((t) => [t.name, t.type, t.shape, numbersOf(t)])).toEqual([
      ['logits', 'int32', [2], [-10, -2]],
      // Both logits are clipped to 0, and the lowest index wins.
      ['label', 'int32', [], [0]],
    ])
    expect(small().nodes.map((n) => n.range)).toEqual([
      { lo: -104n, hi: 78n },
      { lo: 0n, hi: 78n },
      { lo: 0n, hi: 1n },
    ])
  })

  test('agrees with a naive bigint reading on random programs', () => {
    fc.assert(
      fc.property(programs, fc.nat(), ({ program }, seed) => {
        const inputs = randomInputs(program, seed)
        const values = trace(program, inputs)
        expect(values.map((v) => Array.from(v, BigInt))).toEqual(naiveRun(program, inputs))
        expect(values.every((v) => v.every((x) => !Object.is(x, -0)))).toBe(true)
        values.slice(program.inputs.length).forEach((v, i) => {
          const range = program.nodes[i]?.range
          expect(range !== undefined && v.every((x) => x >= range.lo && x <= range.hi)).toBe(true)
        })
      }),
      { numRuns: 300 },
    )
  })
})

describe('encoding', () => {
  test("decode and encode are each other's inverse", () => {
    fc.assert(
      fc.property(programs, ({ program }) => {
        const bytes = encodeProgram(program)
        const decoded = decodeProgram(bytes)
        expect(encodeProgram(decoded)).toEqual(bytes)
        expect(programId(decoded)).toBe(programId(program))
        expect(decodeProgram(encodeProgram(decoded))).toEqual(decoded)
      }),
    )
  })

  test('one changed, missing or extra byte is refused or is another program', () => {
    fc.assert(
      fc.property(programs, fc.nat(), fc.integer({ min: 1, max: 255 }), ({ program }, at, flip) => {
        const bytes = encodeProgram(program)
        const changed = bytes.slice()
        changed[at % bytes.length] = (changed[at % bytes.length] ?? 0) ^ flip
        for (const other of [changed, bytes.slice(0, at % bytes.length), Uint8Array.of(...bytes, flip)]) {
          try {
            expect(programId(decodeProgram(other))).not.toBe(programId(program))
          } catch (error) {
            if (!isVeristackError(error)) throw error
          }
        }
      }),
      { numRuns: 200 },
    )
  })

  test('weights wider than they need to be are not canonical', () => {
    const bytes = encodeProgram(small())
    const narrow = Uint8Array.of(1, 2, 0, 0, 0, 3, 0, 0, 0, 2, 1, 0xfe, 3, 4, 0xfb, 6)
    const at = Buffer.from(bytes).indexOf(narrow)
    expect(at).toBeGreaterThan(0)
    const wide = Buffer.concat([
      bytes.subarray(0, at),
      Uint8Array.of(2, 2, 0, 0, 0, 3, 0, 0, 0, 2, 0, 1, 0xff, 0xfe, 0, 3, 0, 4, 0xff, 0xfb, 0, 6),
      bytes.subarray(at + narrow.length),
    ])
    refusedWith('VS_MODEL_NOT_CANONICAL', () => decodeProgram(wide))
  })

  test('refuses more bytes than the limit', () => {
    refusedWith('VS_MODEL_TOO_LARGE', () => decodeProgram(encodeProgram(small()), { maxBytes: 10 }))
  })

  test('the id is frozen', () => {
    expect(programId(small())).toMatchInlineSnapshot(
      `"0xc099a2586734240d340ff34f89c996ff2708442d9bc708283fc9829d0359fec5"`,
    )
    expect(programId(randomProgram(1, 20))).toMatchInlineSnapshot(
      `"0x8c576326c59d2ac189a111fa7d9515b0e6d56e4b51021a5a02bbf2647fa234ec"`,
    )
  })
})

describe('programId', () => {
  const variants: Record<string, (p: IntegerProgram) => IntegerProgram> = {
    'an input name': (p) => ({ ...p, inputs: p.inputs.map((i) => ({ ...i, name: 'other' })) }),
    'an input scale': (p) => ({
      ...p,
      inputs: p.inputs.map((i) => ({ ...i, quantisation: { ...i.quantisation, scale: 0.5 } })),
    }),
    'an input zero point': (p) => ({
      ...p,
      inputs: p.inputs.map((i) => ({ ...i, quantisation: { ...i.quantisation, zeroPoint: 0 } })),
    }),
    'an output scale': (p) => ({ ...p, outputs: p.outputs.map((o) => ({ ...o, scale: 2 })) }),
    'an output zero point': (p) => ({ ...p, outputs: p.outputs.map((o) => ({ ...o, zeroPoint: 9 })) }),
    'an output value': (p) => ({ ...p, outputs: p.outputs.map((o) => ({ ...o, value: 0 })) }),
    'the order of outputs': (p) => ({ ...p, outputs: [...p.outputs].reverse() }),
    'a weight': (p) => ({
      ...p,
      nodes: p.nodes.map((n) =>
        n.op === 'linear' ? { ...n, weights: { ...n.weights, data: Int32Array.of(1, -2, 4, 4, -4, 6) } } : n,
      ),
    }),
    'the number of nodes': (p) => ({ ...p, nodes: p.nodes.slice(0, 2), outputs: p.outputs.slice(0, 1) }),
  }
  test.each(Object.entries(variants))('changes with %s', (_name, change) => {
    // Some of these variants are not checked for sense here, only that the id tells them apart.
    const [before, after] = [small(), change(small())]
    let id: string | undefined
    try {
      id = programId(after)
    } catch (error) {
      expect(isVeristackError(error)).toBe(true)
    }
    expect(id).not.toBe(programId(before))
  })
})

describe('checkProgram', () => {
  const refused: Record<string, (p: IntegerProgram) => IntegerProgram> = {
    'an edge upwards': (p) => ({ ...p, nodes: p.nodes.map((n) => (n.op === 'clip' ? { ...n, x: 2 } : n)) }),
    'an edge to nowhere': (p) => ({ ...p, nodes: p.nodes.map((n) => (n.op === 'clip' ? { ...n, x: -1 } : n)) }),
    'a wrong shape': (p) => ({ ...p, nodes: p.nodes.map((n) => (n.op === 'clip' ? { ...n, shape: [1, 2] } : n)) }),
    'a narrower range': (p) => ({
      ...p,
      nodes: p.nodes.map((n) => (n.op === 'clip' ? { ...n, range: { lo: 0n, hi: 1n } } : n)),
    }),
    'a wider range': (p) => ({
      ...p,
      nodes: p.nodes.map((n) => (n.op === 'clip' ? { ...n, range: { lo: 0n, hi: 1000n } } : n)),
    }),
    'no outputs': (p) => ({ ...p, outputs: [] }),
    'two outputs of one name': (p) => ({ ...p, outputs: p.outputs.map((o) => ({ ...o, name: 'same' })) }),
    'an output with the name of an input': (p) => ({
      ...p,
      outputs: p.outputs.map((o, i) => (i === 0 ? { ...o, name: 'x' } : o)),
    }),
    'a comma in a name': (p) => ({ ...p, inputs: p.inputs.map((i) => ({ ...i, name: 'a,b' })) }),
    'a fractional weight': (p) => ({
      ...p,
      nodes: p.nodes.map((n) =>
        n.op === 'linear' ? { ...n, bias: { shape: [2], data: Float64Array.of(0.5, 1) } } : n,
      ),
    }),
    'too few weights': (p) => ({
      ...p,
      nodes: p.nodes.map((n) => (n.op === 'linear' ? { ...n, bias: { shape: [2], data: Int32Array.of(1) } } : n)),
    }),
    'a scale of zero': (p) => ({ ...p, outputs: p.outputs.map((o) => ({ ...o, scale: 0 })) }),
    'an empty range': (p) => ({ ...p, inputs: p.inputs.map((i) => ({ ...i, range: { lo: 1n, hi: 0n } })) }),
    'a dimension of zero': (p) => ({ ...p, inputs: p.inputs.map((i) => ({ ...i, shape: [0] })) }),
    'a step rule version that does not exist': (p) => ({ ...p, stepRuleVersion: 7 as unknown as 0 }),
    'an unknown primitive': (p) => ({
      ...p,
      nodes: p.nodes.map((n) => ({ ...n, op: 'toString' as 'clip' }) as (typeof p.nodes)[number]),
    }),
  }
  test.each(Object.entries(refused))('refuses %s', (_name, change) => {
    refusedWith('VS_MODEL_INVALID_PROGRAM', () => checkProgram(change(small())))
  })

  test('refuses accumulators that could leave 2^53 even where the sum could not', () => {
    const builder = new ProgramBuilder()
    const x = builder.input({
      name: 'x',
      shape: [2],
      range: { lo: 0n, hi: 2n ** 32n },
      quantisation: { scale: 1, zeroPoint: 0 },
    })
    const weights = { shape: [2, 1], data: Float64Array.of(2 ** 20, -(2 ** 20)) }
    refusedWith('VS_MODEL_RANGE_OVERFLOW', () =>
      builder.node({ op: 'linear', x, weights, bias: { shape: [1], data: Int32Array.of(0) } }),
    )
  })

  test('refuses more elements than anyone should hold', () => {
    const builder = new ProgramBuilder()
    builder.input({
      name: 'x',
      shape: [2 ** 20, 2 ** 20],
      range: { lo: 0n, hi: 1n },
      quantisation: { scale: 1, zeroPoint: 0 },
    })
    refusedWith('VS_MODEL_TOO_LARGE', () => builder.build([{ name: 'y', value: 0, scale: 1, zeroPoint: 0 }]))
  })
})

describe('inputs and outputs', () => {
  const x = (values: readonly number[], type: 'int32' | 'float32' | 'float64' = 'float32') =>
    tensor('x', type, [values.length], values)

  test('quantise by floor(x / scale + 1/2) + zero point, clamped', () => {
    const [q] = quantiseInputs(small(), [x([0.125, -0.125, 100])])
    expect(q && numbersOf(q)).toEqual([2, 1, 7])
    const [r] = quantiseInputs(small(), [x([-0.126, -1e300, 0], 'float64')])
    expect(r && numbersOf(r)).toEqual([0, -8, 1])
  })

  test('integer tensors pass through unchanged', () => {
    const given = x([1, 2, 7], 'int32')
    expect(quantiseInputs(small(), [given])).toEqual([given])
  })

  test.each([
    ['missing', []],
    ['unknown', [x([1, 2, 3], 'int32'), tensor('y', 'int32', [1], [1])]],
    ['there twice', [x([1, 2, 3], 'int32'), x([1, 2, 3], 'int32')]],
    ['misshapen', [x([1, 2], 'int32')]],
    ['of another type', [tensor('x', 'int64', [3], [1, 2, 3])]],
    ['above the range', [x([1, 2, 8], 'int32')]],
    ['below the range', [x([-9, 2, 1], 'int32')]],
    ['NaN', [x([1, Number.NaN, 1])]],
    ['infinite', [x([1, Number.POSITIVE_INFINITY, 1])]],
    ['short of bytes', [{ ...x([1, 2, 3]), data: new Uint8Array(8) }]],
  ] as const)('refuses a tensor that is %s', (_name, tensors) => {
    refusedWith('VS_MODEL_INVALID_INPUT', () => quantiseInputs(small(), tensors))
    refusedWith('VS_MODEL_INVALID_INPUT', () => interpret(small(), tensors))
  })

  test('tells which inputs are cut, by how many values, and to which range', () => {
    const program = small()
    const [input] = program.inputs
    const { scale, zeroPoint } = input?.quantisation ?? { scale: 0, zeroPoint: 0 }
    const end = (q: bigint | undefined): number => (Number(q) - zeroPoint) * scale
    const range = { lo: end(input?.range.lo), hi: end(input?.range.hi) }
    // What rounds to the end of the range is not cut; what rounds beyond it is.
    expect(exceededInputs(program, [x([range.lo, range.hi, range.hi + 0.49 * scale])])).toEqual([])
    expect(exceededInputs(program, [x([range.lo - 0.6 * scale, 0, range.hi + 1000])])).toEqual([
      {
        name: 'x',
        elements: 3,
        exceeded: 2,
        range,
        seen: { lo: expect.closeTo(range.lo - 0.6 * scale, 5), hi: expect.closeTo(range.hi + 1000, 2) },
      },
    ])
    expect(exceededInputs(program, quantiseInputs(program, [x([0, 1e9, -1e9])]))).toEqual([])
    refusedWith('VS_MODEL_INVALID_INPUT', () => exceededInputs(program, [x([Number.NaN, 0, 0])]))
  })

  test('dequantise by (q - zero point) * scale', () => {
    const program = small()
    const [logits] = interpret(program, [x([1, -2, 3], 'int32')])
    const [output] = program.outputs
    expect(logits && output && numbersOf(dequantise(output, logits))).toEqual([-6.5, -2.5])
  })

  test('wide outputs are int64', () => {
    const builder = new ProgramBuilder()
    const v = builder.input({
      name: 'x',
      shape: [1],
      range: { lo: 0n, hi: 2n ** 32n },
      quantisation: { scale: 1, zeroPoint: 0 },
    })
    const program = builder.build([{ name: 'y', value: v, scale: 1, zeroPoint: 0 }])
    const given = tensor('x', 'int64', [1], [2n ** 32n])
    expect(interpret(program, [given])).toEqual([{ ...given, name: 'y' }])
    refusedWith('VS_MODEL_INVALID_INPUT', () => interpret(program, [tensor('x', 'int64', [1], [2n ** 63n - 1n])]))
  })
})
