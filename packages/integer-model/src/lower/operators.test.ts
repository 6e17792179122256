import { numbers } from '@veristack/core/receipt'
import { float, one, onnxruntime, runReal, samplesOf } from '../deep/lowering.ts'
import { type ModelSpec, onnxFile } from '../deep/models.ts'
import { Dice } from '../deep/programs.ts'
import { interpret, quantiseInputs } from '../program/index.ts'
import { lower } from './index.ts'

const wholeRows = (dice: Dice, size: number, count: number): number[][] =>
  Array.from({ length: count }, () => Array.from({ length: size }, () => dice.integer(-8, 7)))

const weights = (dice: Dice, size: number): number[] => Array.from({ length: size }, () => dice.integer(-9, 9))

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
