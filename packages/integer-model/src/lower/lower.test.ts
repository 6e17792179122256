import { isVeristackError, numbers, type Tensor, tensor } from '@veristack/core/receipt'
import fc from 'fast-check'
import { refusedWith } from '../deep/expectations.ts'
import { type ModelSpec, type NodeSpec, onnxFile } from '../deep/models.ts'
import { Dice } from '../deep/programs.ts'
import { checkProgram, decodeProgram, dequantise, interpret, programId, quantiseInputs } from '../program/index.ts'
import { type Lowered, type LowerOptions, lower, renderReport, type Sample } from './index.ts'

const float = (name: string, shape: readonly number[], values: readonly number[]): Tensor =>
  tensor(name, 'float32', shape, values)

/** Runs the lowered program on real inputs; real outputs by name. */
function runReal({ program }: Lowered, inputs: readonly Tensor[]): Record<string, number[]> {
  const outputs = interpret(program, quantiseInputs(program, inputs))
  return Object.fromEntries(
    program.outputs.map((o, i) => [o.name, numbers(dequantise(o, outputs[i] ?? float('', [], [0])))]),
  )
}

async function onnxruntime(file: Uint8Array, inputs: readonly Tensor[]): Promise<Tensor[]> {
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

const samplesOf = (shape: readonly number[], rows: readonly (readonly number[])[], name = 'x'): Sample[] =>
  rows.map((r) => ({ [name]: float(name, shape, r) }))

const wholeRows = (dice: Dice, size: number, count: number): number[][] =>
  Array.from({ length: count }, () => Array.from({ length: size }, () => dice.integer(-8, 7)))

const weights = (dice: Dice, size: number): number[] => Array.from({ length: size }, () => dice.integer(-9, 9))

const one = (
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

const dice = new Dice(7)
const c = (shape: readonly number[]) => ({
  shape,
  values: weights(
    dice,
    shape.reduce((a, b) => a * b, 1),
  ),
})
const i64 = (values: readonly number[]) => ({ shape: [values.length], values, type: 'int64' as const })

/** Whole weights and inputs of few bits lose nothing, so every operator must be exact. */
const EXACT: Record<string, { readonly spec: ModelSpec; readonly shape: readonly number[] }> = {
  Gemm: {
    spec: one([{ op: 'Gemm', inputs: ['x', 'w', 'b'], output: 'y' }], ['batch', 5], { w: c([5, 3]), b: c([3]) }),
    shape: [1, 5],
  },
  'Gemm, transB, alpha, beta': {
    spec: one(
      [
        {
          op: 'Gemm',
          inputs: ['x', 'w', 'b'],
          output: 'y',
          attributes: { transB: 1, alpha: 2, beta: 3 },
          floats: ['alpha', 'beta'],
        },
      ],
      [2, 5],
      { w: c([3, 5]), b: c([2, 3]) },
    ),
    shape: [2, 5],
  },
  'Gemm without a bias': {
    spec: one([{ op: 'Gemm', inputs: ['x', 'w'], output: 'y' }], [2, 5], { w: c([5, 3]) }),
    shape: [2, 5],
  },
  'Gemm, scalar bias': {
    spec: one([{ op: 'Gemm', inputs: ['x', 'w', 'b'], output: 'y' }], [2, 5], { w: c([5, 3]), b: c([1]) }),
    shape: [2, 5],
  },
  'MatMul of rank 3': {
    spec: one([{ op: 'MatMul', inputs: ['x', 'w'], output: 'y' }], [2, 2, 4], { w: c([4, 3]) }),
    shape: [2, 2, 4],
  },
  'MatMul of rank 1': {
    spec: one([{ op: 'MatMul', inputs: ['x', 'w'], output: 'y' }], [4], { w: c([4, 3]) }),
    shape: [4],
  },
  'MatMul and Add': {
    spec: one(
      [
        { op: 'MatMul', inputs: ['x', 'w'], output: 'm' },
        { op: 'Add', inputs: ['b', 'm'], output: 'y' },
      ],
      [2, 4],
      { w: c([4, 3]), b: c([3]) },
    ),
    shape: [2, 4],
  },
  'Add of a constant that differs by row': {
    spec: one(
      [
        { op: 'MatMul', inputs: ['x', 'w'], output: 'm' },
        { op: 'Add', inputs: ['m', 'b'], output: 'y' },
      ],
      [2, 4],
      { w: c([4, 3]), b: c([2, 3]) },
    ),
    shape: [2, 4],
  },
  'a bias that something else must not see': {
    spec: {
      inputs: { x: [1, 4] },
      constants: { w: c([4, 3]), b: c([3]) },
      nodes: [
        { op: 'MatMul', inputs: ['x', 'w'], output: 'm' },
        { op: 'Add', inputs: ['m', 'b'], output: 'y' },
      ],
      outputs: ['m', 'y'],
    },
    shape: [1, 4],
  },
  'Add of two values': {
    spec: one(
      [
        { op: 'Relu', inputs: ['x'], output: 'r' },
        { op: 'Add', inputs: ['x', 'r'], output: 'y' },
      ],
      [3],
    ),
    shape: [3],
  },
  'Sub of two values': {
    spec: one(
      [
        { op: 'Relu', inputs: ['x'], output: 'r' },
        { op: 'Sub', inputs: ['r', 'x'], output: 'y' },
      ],
      [3],
    ),
    shape: [3],
  },
  'Sub of a constant': {
    spec: one([{ op: 'Sub', inputs: ['x', 'c'], output: 'y' }], [2, 3], { c: c([3]) }),
    shape: [2, 3],
  },
  'Sub from a constant': {
    spec: one([{ op: 'Sub', inputs: ['c', 'x'], output: 'y' }], [2, 3], { c: c([2, 1]) }),
    shape: [2, 3],
  },
  'Add that stretches a value': {
    spec: one([{ op: 'Add', inputs: ['x', 'c'], output: 'y' }], [1, 3], { c: c([2, 2, 1]) }),
    shape: [1, 3],
  },
  'Mul by a scalar': {
    spec: one([{ op: 'Mul', inputs: ['x', 'c'], output: 'y' }], [3], { c: { shape: [], values: [3] } }),
    shape: [3],
  },
  'Mul by a negative scalar': {
    spec: one([{ op: 'Mul', inputs: ['c', 'x'], output: 'y' }], [3], { c: { shape: [1], values: [-3] } }),
    shape: [3],
  },
  'Mul by zero': {
    spec: one([{ op: 'Mul', inputs: ['c', 'x'], output: 'y' }], [3], { c: { shape: [1], values: [0] } }),
    shape: [3],
  },
  'Mul by a tensor': {
    spec: one([{ op: 'Mul', inputs: ['x', 'c'], output: 'y' }], [2, 3], { c: c([3]) }),
    shape: [2, 3],
  },
  Relu: { spec: one([{ op: 'Relu', inputs: ['x'], output: 'y' }], [2, 3]), shape: [2, 3] },
  Clip: {
    spec: one([{ op: 'Clip', inputs: ['x', 'lo', 'hi'], output: 'y' }], [6], {
      lo: { shape: [], values: [-2] },
      hi: { shape: [], values: [3] },
    }),
    shape: [6],
  },
  'Clip with an upper bound only': {
    spec: one([{ op: 'Clip', inputs: ['x', '', 'hi'], output: 'y' }], [6], { hi: { shape: [], values: [3] } }),
    shape: [6],
  },
  'Clip by attributes': {
    spec: one(
      [{ op: 'Clip', inputs: ['x'], output: 'y', attributes: { min: -2, max: 3 }, floats: ['min', 'max'] }],
      [6],
      {},
      6,
    ),
    shape: [6],
  },
  'Clip after Relu after Clip': {
    spec: one(
      [
        { op: 'Clip', inputs: ['x', 'a', 'b'], output: 'p' },
        { op: 'Relu', inputs: ['p'], output: 'q' },
        { op: 'Clip', inputs: ['q', 'd', 'e'], output: 'y' },
      ],
      [16],
      {
        a: { shape: [], values: [-5] },
        b: { shape: [], values: [6] },
        d: { shape: [], values: [1] },
        e: { shape: [], values: [4] },
      },
    ),
    shape: [16],
  },
  Flatten: {
    spec: one([{ op: 'Flatten', inputs: ['x'], output: 'y', attributes: { axis: 2 } }], [2, 2, 3]),
    shape: [2, 2, 3],
  },
  'Reshape with 0 and -1': {
    spec: one([{ op: 'Reshape', inputs: ['x', 's'], output: 'y' }], [2, 2, 3], { s: i64([0, -1]) }),
    shape: [2, 2, 3],
  },
  Transpose: {
    spec: one([{ op: 'Transpose', inputs: ['x'], output: 'y', attributes: { perm: [2, 0, 1] } }], [2, 2, 3]),
    shape: [2, 2, 3],
  },
  'Transpose of a Relu': {
    spec: one(
      [
        { op: 'Relu', inputs: ['x'], output: 'r' },
        { op: 'Transpose', inputs: ['r'], output: 'y' },
      ],
      [2, 3],
    ),
    shape: [2, 3],
  },
  'Concat of values and constants': {
    spec: one([{ op: 'Concat', inputs: ['x', 'k', 'x'], output: 'y', attributes: { axis: -1 } }], [2, 3], {
      k: c([2, 2]),
    }),
    shape: [2, 3],
  },
  Identity: { spec: one([{ op: 'Identity', inputs: ['x'], output: 'y' }], [2, 3]), shape: [2, 3] },
  'ArgMax, kept': {
    spec: one([{ op: 'ArgMax', inputs: ['x'], output: 'y', attributes: { axis: 1 } }], [2, 3]),
    shape: [2, 3],
  },
  'ArgMax, removed, negative axis': {
    spec: one([{ op: 'ArgMax', inputs: ['x'], output: 'y', attributes: { axis: -2, keepdims: 0 } }], [3, 2]),
    shape: [3, 2],
  },
  'ArgMax of a Relu, with ties': {
    spec: one(
      [
        { op: 'Relu', inputs: ['x'], output: 'r' },
        { op: 'ArgMax', inputs: ['r'], output: 'y', attributes: { axis: 0 } },
      ],
      [4],
    ),
    shape: [4],
  },
  'constants folded': {
    spec: one(
      [
        { op: 'Transpose', inputs: ['w'], output: 'wt' },
        { op: 'Add', inputs: ['wt', 'k'], output: 'w2' },
        { op: 'MatMul', inputs: ['x', 'w2'], output: 'y' },
      ],
      [1, 4],
      { w: c([3, 4]), k: c([3]) },
    ),
    shape: [1, 4],
  },
  'a constant output': {
    spec: {
      inputs: { x: [2] },
      constants: { k: c([2]) },
      nodes: [
        { op: 'Identity', inputs: ['k'], output: 'y' },
        { op: 'Relu', inputs: ['x'], output: 'z' },
      ],
      outputs: ['y', 'z'],
    },
    shape: [2],
  },
}

describe('every operator, exactly, on whole numbers', () => {
  test.each(Object.entries(EXACT))('%s', async (_name, { spec, shape }) => {
    const size = shape.reduce((a, b) => a * b, 1)
    const file = onnxFile(spec)
    const rows = wholeRows(new Dice(3), size, 12)
    const lowered = await lower(file, { calibration: samplesOf(shape, [...rows, rows[0]?.map(() => -8) ?? []]) })
    for (const row of rows) {
      const inputs = [float('x', shape, row)]
      const real = runReal(lowered, inputs)
      const reference = await onnxruntime(file, inputs)
      expect(Object.keys(real).sort()).toEqual(reference.map((t) => t.name).sort())
      for (const t of reference) {
        const output = lowered.program.outputs.find((o) => o.name === t.name)
        const values = lowered.program.outputs.length > 0 && real[t.name]
        expect(values).toEqual(numbers(t).map((v) => v + 0))
        expect(output).toBeDefined()
      }
      interpret(lowered.program, quantiseInputs(lowered.program, inputs)).forEach((t) => {
        expect(t.shape).toEqual(reference.find((r) => r.name === t.name)?.shape)
      })
    }
  })
})

/** A perceptron with real weights; inputs from 0 to 1. */
function perceptron(seed: number, [inputs, hidden, classes]: readonly [number, number, number]): ModelSpec {
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

const realRows = (seed: number, size: number, count: number): number[][] => {
  const random = new Dice(seed)
  return Array.from({ length: count }, () => Array.from({ length: size }, () => random.integer(0, 1000) / 1000))
}

describe('a perceptron with real weights', () => {
  const file = onnxFile(perceptron(5, [24, 16, 7]))
  const samples = samplesOf([1, 24], realRows(1, 24, 100))

  test('stays near the float model, and nearer with more bits', async () => {
    const errors: number[] = []
    for (const bits of [4, 8, 12]) {
      const { report } = await lower(file, {
        calibration: samples,
        weightBits: bits,
        activationBits: bits,
        inputBits: bits,
      })
      const logits = report.agreement.find((a) => a.output === 'logits')
      const label = report.agreement.find((a) => a.output === 'label')
      errors.push(logits?.kind === 'real' ? logits.meanError : Number.NaN)
      if (bits === 12) expect(label?.kind === 'index' && label.equal).toBeGreaterThan(0.9)
    }
    const [four = 0, eight = 0, twelve = 0] = errors
    expect(eight).toBeLessThan(four / 4)
    expect(twelve).toBeLessThan(eight / 4)
  })

  test('a multiplier in front of the shift is at least as good within a small margin, and exact integers all the same', async () => {
    const plain = await lower(file, { calibration: samples, activationBits: 5 })
    const finer = await lower(file, { calibration: samples, activationBits: 5, multiplierBits: 8 })
    const error = (l: Lowered) =>
      l.report.agreement.flatMap((a) => (a.kind === 'real' ? [a.meanError] : []))[0] ?? Number.NaN
    expect(error(finer)).toBeLessThan(error(plain) * 1.2)
    expect(finer.program.nodes.some((n) => n.op === 'mul-constant')).toBe(true)
  })

  test('the hidden layer is rescaled once and the logits are accumulators as they are', async () => {
    const { program, bytes, id, report } = await lower(file, { calibration: samples })
    expect(program.nodes.map((n) => n.op)).toEqual(['linear', 'floor-shift', 'clip', 'linear', 'argmax'])
    expect(program.nodes[2]?.range).toEqual({ lo: 0n, hi: 255n })
    expect(programId(checkProgram(decodeProgram(bytes)))).toBe(id)
    expect(report).toMatchObject({
      macs: 24 * 16 + 16 * 7,
      samples: { calibration: 80, heldOut: 20 },
      comparedWith: 'double precision',
    })
  })

  test('the same samples and options give the same program; other ones another', async () => {
    const id = async (options: Partial<LowerOptions>) => (await lower(file, { calibration: samples, ...options })).id
    const first = await id({})
    expect(await id({})).toBe(first)
    expect(await id({ weightBits: 7 })).not.toBe(first)
    expect(
      await id({
        calibration: samplesOf(
          [1, 24],
          realRows(2, 24, 9).map((r) => r.map((x) => x / 3)),
        ),
      }),
    ).not.toBe(first)
  })

  test('a reference of the caller is what the report compares with', async () => {
    const { report } = await lower(file, {
      calibration: samples,
      reference: (inputs) => onnxruntime(file, Object.values(inputs)),
    })
    expect(report.comparedWith).toBe('reference')
    expect(report.agreement.map((a) => a.samples)).toEqual([20, 20])
    const none = async () => [float('logits', [1, 7], [0, 0, 0, 0, 0, 0, 0])]
    await expect(lower(file, { calibration: samples, reference: none })).rejects.toThrow('reference output label')
  })

  test('counts what leaves the calibrated ranges', async () => {
    const narrow = Array.from(
      { length: 10 },
      (_, i) => realRows(i, 24, 1)[0]?.map((x) => (i % 5 === 4 ? 4 * x : x)) ?? [],
    )
    const { report } = await lower(file, { calibration: samplesOf([1, 24], narrow) })
    expect(report.exceeded.map((e) => e.tensor)).toEqual(['x', 'h'])
    expect(report.exceeded[0]?.exceeded).toBeGreaterThan(0)
    expect(renderReport(report)).toContain('beyond calibration')
  })

  test('counts activations that saturate, and saturates them', async () => {
    const sum: NodeSpec[] = [
      { op: 'MatMul', inputs: ['x', 'w'], output: 'h' },
      { op: 'MatMul', inputs: ['h', 'v'], output: 'y' },
    ]
    const model = onnxFile(
      one(sum, [1, 2], { w: { shape: [2, 1], values: [1, 1] }, v: { shape: [1, 1], values: [1] } }),
    )
    // The sum is 0 in every sample that sets a range, and twice the greatest input in the one held out.
    const rows = [
      [0.5, -0.5],
      [-0.5, 0.5],
      [0.5, -0.5],
      [1, -1],
      [1, 1],
    ]
    const lowered = await lower(model, { calibration: samplesOf([1, 2], rows) })
    expect(lowered.report.exceeded).toEqual([
      { tensor: 'x', elements: 2, exceeded: 0 },
      { tensor: 'h', elements: 1, exceeded: 1 },
    ])
    expect(runReal(lowered, [float('x', [1, 2], [1, 1])]).y?.[0]).toBeCloseTo(1, 5)
  })

  test('takes samples from an async source and stops when told', async () => {
    async function* source() {
      for (const s of samples) yield s
    }
    const events: string[] = []
    const lowered = await lower(file, { calibration: source(), onProgress: (e) => events.push(e.stage) })
    expect(lowered.id).toBe((await lower(file, { calibration: samples })).id)
    expect(new Set(events)).toEqual(new Set(['calibrate', 'compare']))
    await expect(
      lower(file, { calibration: source(), signal: AbortSignal.abort(new Error('enough')) }),
    ).rejects.toThrow('enough')
  })
})

test('random perceptrons: the integers stay within the error that their bits allow', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: 1e6 }), fc.constantFrom(0, 8), async (seed, multiplierBits) => {
      const sizes = [
        new Dice(seed).integer(1, 12),
        new Dice(seed + 1).integer(1, 9),
        new Dice(seed + 2).integer(1, 6),
      ] as const
      const samples = samplesOf([1, sizes[0]], realRows(seed, sizes[0], 20))
      const { report } = await lower(onnxFile(perceptron(seed, sizes)), {
        calibration: samples,
        weightBits: 12,
        activationBits: 12,
        inputBits: 12,
        multiplierBits,
      })
      for (const a of report.agreement) if (a.kind === 'real') expect(a.meanError).toBeLessThan(0.05)
    }),
    { numRuns: 25 },
  )
})

test('changed model files end in a program or a typed error', async () => {
  const file = onnxFile(perceptron(2, [4, 3, 2]))
  const calibration = samplesOf([1, 4], realRows(1, 4, 6))
  const edits = fc.array(fc.tuple(fc.nat(file.length - 1), fc.integer({ min: 0, max: 255 })), {
    minLength: 1,
    maxLength: 3,
  })
  await fc.assert(
    fc.asyncProperty(edits, async (list) => {
      const bytes = file.slice()
      for (const [at, value] of list) bytes[at] = value
      try {
        const { program } = await lower(bytes, { calibration })
        checkProgram(program)
      } catch (error) {
        if (!isVeristackError(error)) throw error
      }
    }),
    { numRuns: 400 },
  )
})

describe('refusals', () => {
  const refused = async (
    spec: ModelSpec,
    samples: readonly Sample[] = samplesOf([3], [[1, 2, 3]]),
  ): Promise<string> => {
    try {
      await lower(onnxFile(spec), { calibration: samples })
    } catch (error) {
      if (isVeristackError(error, 'VS_MODEL_UNSUPPORTED')) return error.message
      throw error
    }
    throw new Error('not refused')
  }

  test('one error names every operator in the way and the tier that is left', async () => {
    const message = await refused(
      one(
        [
          { op: 'Softmax', inputs: ['x'], output: 'a' },
          { op: 'Relu', inputs: ['a'], output: 'b' },
          { op: 'Mul', inputs: ['x', 'x'], output: 'c' },
          { op: 'Erf', inputs: ['c'], output: 'y' },
        ],
        [3],
      ),
    )
    expect(message).toContain('Softmax (Softmax:a): the operator is not supported')
    expect(message).toContain('Mul (Mul:c): no operand is a constant')
    expect(message).toContain('Erf (Erf:y)')
    expect(message).not.toContain('Relu')
    expect(message).toContain('tee')
  })

  test.each<[string, ModelSpec]>([
    ['MatMul of two values', one([{ op: 'MatMul', inputs: ['x', 'x'], output: 'y' }], [3, 3])],
    [
      'MatMul with a constant on the left',
      one([{ op: 'MatMul', inputs: ['w', 'x'], output: 'y' }], [3, 3], { w: c([3, 3]) }),
    ],
    [
      'Gemm with transA',
      one([{ op: 'Gemm', inputs: ['x', 'w'], output: 'y', attributes: { transA: 1 } }], [3, 3], { w: c([3, 3]) }),
    ],
    [
      'Reshape to a shape that does not fit',
      one([{ op: 'Reshape', inputs: ['x', 's'], output: 'y' }], [3], { s: i64([2, -1]) }),
    ],
    ['Reshape to a shape that is computed', one([{ op: 'Reshape', inputs: ['x', 'x'], output: 'y' }], [3])],
    [
      'ArgMax with the last index',
      one([{ op: 'ArgMax', inputs: ['x'], output: 'y', attributes: { select_last_index: 1 } }], [3]),
    ],
    [
      'Add to an index',
      one(
        [
          { op: 'ArgMax', inputs: ['x'], output: 'i' },
          { op: 'Add', inputs: ['i', 'i'], output: 'y' },
        ],
        [3],
      ),
    ],
    [
      'Clip with bounds the wrong way round',
      one([{ op: 'Clip', inputs: ['x', 'a', 'b'], output: 'y' }], [3], {
        a: { shape: [], values: [3] },
        b: { shape: [], values: [1] },
      }),
    ],
    ['shapes that do not broadcast', one([{ op: 'Add', inputs: ['x', 'k'], output: 'y' }], [3], { k: c([2]) })],
    ['a dynamic axis other than the first', one([{ op: 'Relu', inputs: ['x'], output: 'y' }], [3, 'n'])],
    [
      'an axis outside the rank',
      one([{ op: 'Concat', inputs: ['x', 'x'], output: 'y', attributes: { axis: 1 } }], [3]),
    ],
    [
      'weights that are not finite',
      one([{ op: 'MatMul', inputs: ['x', 'w'], output: 'y' }], [1, 1], { w: { shape: [1, 1], values: [Number.NaN] } }),
    ],
    ['an operator of another domain', one([{ op: 'Relu', inputs: ['x'], output: 'y', domain: 'com.example' }], [3])],
  ])('%s', async (_name, spec) => {
    expect(await refused(spec)).toContain('can not be lowered')
  })

  test.each<[string, readonly Sample[]]>([
    ['no samples', []],
    ['another shape', samplesOf([1, 3], [[1, 2, 3]])],
    ['another name', samplesOf([3], [[1, 2, 3]], 'z')],
    ['NaN', samplesOf([3], [[1, Number.NaN, 3]])],
    ['integers', [{ x: tensor('x', 'int32', [3], [1, 2, 3]) }]],
  ])('calibration with %s', async (_name, samples) => {
    const file = onnxFile(one([{ op: 'Relu', inputs: ['x'], output: 'y' }], [3]))
    const error = await lower(file, { calibration: samples }).then(
      () => undefined,
      (e: unknown) => e,
    )
    refusedWith('VS_MODEL_INVALID_CALIBRATION', () => {
      throw error
    })
  })

  test('options out of range', async () => {
    const file = onnxFile(one([{ op: 'Relu', inputs: ['x'], output: 'y' }], [3]))
    for (const options of [
      { weightBits: 1 },
      { weightBits: 17 },
      { inputBits: 0 },
      { activationBits: 8.5 },
      { multiplierBits: -1 },
      { inputShare: 0.5 },
      { activationShare: 1.1 },
    ]) {
      await expect(lower(file, { calibration: samplesOf([3], [[1, 2, 3]]), ...options })).rejects.toMatchObject({
        code: 'VS_MODEL_INVALID_OPTION',
      })
    }
  })
})
