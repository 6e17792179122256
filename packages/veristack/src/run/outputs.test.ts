import type { IntegerProgram, LoweringReport } from '@veristack/integer-model'
import { describeAgreement, describeOutputs } from './outputs.ts'

const program = (scale: number, zeroPoint: number): IntegerProgram => ({
  semantics: 'integer/v1',
  stepRuleVersion: 0,
  inputs: [],
  nodes: [],
  outputs: [
    { name: 'y', value: 0, scale, zeroPoint },
    { name: 'label', value: 1, scale: 1, zeroPoint: 0 },
  ],
})

test('integers stand beside the real numbers that they mean, and are what is proved', () => {
  const [y, label] = describeOutputs(program(0.25, 0), { y: [-3476, 0, 3], label: [2] })
  expect(y?.value).toBe('-869 0 0.75  from the integers -3476 0 3')
  expect(y?.remark).toMatch(/the integers are to be proved; real numbers are the integers times 0\.25/)
  expect(label).toEqual({ label: 'label', value: '2', remark: 'to be proved' })
  const [offset] = describeOutputs(program(0.5, 10), { y: [12] })
  expect(offset).toMatchObject({
    value: '1  from the integers 12',
    remark: expect.stringContaining('less 10 times 0.5'),
  })
})

test('many values are cut short', () => {
  const [y] = describeOutputs(program(1, 0), { y: Array.from({ length: 77 }, (_, i) => i) })
  expect(y?.value).toBe('0 1 2 3 4 5 6 7 … (77)')
})

describe('agreement', () => {
  const report = (change: Partial<LoweringReport>): LoweringReport =>
    ({ agreement: [], samples: { calibration: 4, heldOut: 0 }, ...change }) as LoweringReport

  test('is told for every output', () => {
    const line = describeAgreement(
      report({
        agreement: [
          { output: 'y', samples: 20, kind: 'real', meanError: 0.0123456, maxError: 0.05, sameGreatest: 1 },
          { output: 'label', samples: 20, kind: 'index', equal: 0.9512 },
        ],
        samples: { calibration: 80, heldOut: 20 },
      }),
    )
    expect(line.value).toBe('y off by 0.0123 on average, 0.05 at most; label 95.1 % equal')
    expect(line.remark).toBe('with the float model on 20 held-out samples; not proved')
  })

  test('on no sample is none', () => {
    const { value } = describeAgreement(report({}))
    expect(value).toMatch(/^not measured/)
    expect(value).not.toContain('100')
  })
})
