import { createStack, numbers } from '@veristack/core'
import { onnx } from '@veristack/executor-onnx'
import { decodeProgram, interpret, lower, programId, quantiseInputs } from '@veristack/integer-model'
import { integerFeatures } from '../scripts/accuracy.ts'
import { datasetPresent, load } from '../scripts/banking77.ts'
import { evaluate } from '../scripts/evaluation.ts'
import { FEATURISER, LOWERING, loadExample, TRAINED_WITH } from './index.ts'

const ABSENT = 'skipped: BANKING77 is not at ../shared/data/banking77'
const present = datasetPresent()
if (!present) console.warn(ABSENT)

const call = { signal: new AbortController().signal, idempotencyKey: 'test', progress: () => {} }

describe('the committed files', () => {
  test('belong together', async () => {
    const { program, labels, application } = await loadExample()
    const { inputs, outputs } = decodeProgram(program)
    expect(inputs).toMatchObject([
      { name: 'features', shape: [1, 1024], range: { lo: 0n, hi: 1n }, quantisation: { scale: 1, zeroPoint: 0 } },
    ])
    expect(outputs.map((o) => o.name)).toEqual(['logits', 'label'])
    expect(labels).toHaveLength(77)
    expect(new Set(labels.map((l) => l.intent)).size).toBe(77)
    expect(labels[0]).toEqual({ intent: 'card_arrival', title: 'Card arrival' })
    expect(application).toMatchObject({ featuriser: { version: FEATURISER.version, digest: TRAINED_WITH } })
  })

  test('the program is what lowering makes of the model', async () => {
    const { model, program, calibration } = await loadExample()
    const lowered = await lower(model, { ...LOWERING, calibration })
    expect(Buffer.compare(lowered.bytes, program)).toBe(0)
    expect(lowered.report.agreement).toContainEqual({ output: 'label', samples: 51, kind: 'index', equal: 1 })
  })

  test('quantising the features changes none of them', async () => {
    const { program, featurise } = await loadExample()
    const features = featurise('When will my card arrive?')
    const [quantised] = quantiseInputs(decodeProgram(program), [features])
    expect(quantised && numbers(quantised)).toEqual(numbers(features))
  })

  test('answer questions that are not in the data set', async () => {
    const { program, labels, featurise } = await loadExample()
    const decoded = decodeProgram(program)
    const intentOf = (text: string) => {
      const outputs = interpret(decoded, quantiseInputs(decoded, [featurise(text)]))
      const label = outputs.find((o) => o.name === 'label')
      return label && labels[numbers(label)[0] ?? -1]?.intent
    }
    expect(intentOf('I still have not received my new card')).toBe('card_arrival')
    expect(intentOf('the cash machine ate my card')).toBe('card_swallowed')
    expect(intentOf('how do I change my PIN number?')).toBe('change_pin')
  })
})

describe('BANKING77', () => {
  const title = (text: string) => (present ? text : `${text} (${ABSENT})`)

  test(title('at least 88 % of the test rows are right, within half a point of float'), async () => {
    const { rows, float, integer, program } = await evaluate()
    expect(program).toBe(programId(decodeProgram((await loadExample()).program)))
    if (float === null || integer === null) {
      expect({ rows, float, integer, present }).toEqual({ rows: null, float: null, integer: null, present: false })
      return
    }
    expect(rows).toBe(3080)
    expect(integer).toBeGreaterThanOrEqual(0.88)
    expect(Math.abs(integer - float)).toBeLessThanOrEqual(0.005)
  })

  test(title('the executor gives the interpreter’s bits on every test row'), async () => {
    const example = await loadExample()
    const decoded = decodeProgram(example.program)
    // One comparison by the executor itself; the others are made here.
    const stack = await createStack({ plugins: [onnx({ canonCheck: { every: Number.MAX_SAFE_INTEGER } })] })
    const id = programId(decoded)
    const { program } = await stack.publish({ id, semantics: 'integer/v1', bytes: example.program })
    const executor = stack.host.use('executor')
    const node = stack.claimant
    let rows = 0
    for (const row of present ? load('test') : []) {
      const inputs = [integerFeatures(row)]
      const job = { request: {} as never, node, claimant: node, program, inputs }
      const { outputs } = await executor.execute(job, call)
      const canon = interpret(decoded, inputs)
      if (outputs.some((t, i) => Buffer.compare(t.data, canon[i]?.data ?? new Uint8Array()) !== 0)) {
        expect({ rows, outputs }).toEqual({ rows, outputs: canon })
      }
      rows += 1
    }
    await stack.close()
    expect(rows).toBe(present ? 3080 : 0)
  })
})
