import { isVeristackError, tensor } from '@veristack/core/receipt'
import { refusedWith } from '../deep/expectations.ts'
import { one, samplesOf } from '../deep/lowering.ts'
import { type ModelSpec, onnxFile } from '../deep/models.ts'
import { lower, type Sample } from './index.ts'

const c = (shape: readonly number[]) => ({
  shape,
  values: Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => i - 3),
})
const i64 = (values: readonly number[]) => ({ shape: [values.length], values, type: 'int64' as const })

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

  test('says how to go on without a Softmax or Sigmoid at the end, and nothing of one in the middle', async () => {
    const w = { w: c([3, 3]) }
    for (const op of ['Softmax', 'Sigmoid']) {
      const end = await refused(
        one(
          [
            { op: 'MatMul', inputs: ['x', 'w'], output: 'logits' },
            { op, inputs: ['logits'], output: 'y' },
          ],
          [1, 3],
          w,
        ),
      )
      expect(end).toMatch(/ends with it: export the model with logits as its output .*ArgMax/)
      const label = await refused(
        one(
          [
            { op, inputs: ['x'], output: 'p' },
            { op: 'ArgMax', inputs: ['p'], output: 'y' },
          ],
          [3],
        ),
      )
      expect(label).toContain('ArgMax gives the same without it')
      const middle = await refused(
        one(
          [
            { op, inputs: ['x'], output: 'p' },
            { op: 'MatMul', inputs: ['p', 'w'], output: 'y' },
          ],
          [1, 3],
          w,
        ),
      )
      expect(middle).toMatch(/the operator is not supported(;|\n|$)/)
      expect(middle).not.toContain('ArgMax')
    }
  })

  test('does not say that a tier is there which has to be installed', async () => {
    const message = await refused(one([{ op: 'Erf', inputs: ['x'], output: 'y' }], [3]))
    expect(message).not.toContain('can still serve')
    expect(message).toMatch(/tee.*has to be installed/)
  })

  test('names the axes that are dynamic beside the first', async () => {
    const message = await refused(one([{ op: 'Relu', inputs: ['x'], output: 'y' }], ['n', 'time', 3, 'width']))
    expect(message).toContain('input x: axis 1 (time), axis 3 (width) is dynamic')
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
