import { createStack, type JobEvent } from '@veristack/core'
import { verifyReceipt } from '@veristack/core/receipt'
import { onnx } from '@veristack/executor-onnx'
import { decodeProgram, interpret, programId, quantiseInputs } from '@veristack/integer-model'
import { circuitReport, compile, zkml } from '@veristack/verify-zkml'
import { zkmlVerifier } from '@veristack/verify-zkml/verify'
import { loadExample, presence } from '@veristack-examples/customer-service'
import { datasetPresent, load } from '../../examples/customer-service/scripts/banking77.ts'
import { atMost, median, medianMs, type Row, reported } from '../../scripts/measure.ts'
import { plain } from './accuracy.ts'

const PROOFS = 20
const TEXTS = [
  'I still have not received my new card',
  'Why was I charged twice?',
  'How do I change my PIN?',
  'My phone was stolen',
]

/** Size of the circuit, time of setup, proof and verification, and whether what was proved is what the interpreter says. */
export async function* proving(progress: (text: string) => void): AsyncIterable<Row> {
  const example = await loadExample()
  const program = decodeProgram(example.program)
  const id = programId(program)
  const report = circuitReport(compile(program, id))
  yield atMost('constraints', report.constraints, 'constraints', 14_000)

  const plugins = () => [onnx(), zkml({ keys: 'development' })]
  const publishable = { id, semantics: 'integer/v1', bytes: example.program }
  progress('keys (made once, then cached)')
  await using stack = await createStack({ plugins: plugins() })
  const began = performance.now()
  const { program: published, anchors } = await stack.publish(publishable)
  yield reported('setup or loading of cached keys', performance.now() - began, 'ms')

  const inputs = datasetPresent()
    ? load('test')
        .slice(0, PROOFS)
        .map((row) => presence(row.indices))
    : Array.from({ length: PROOFS }, (_, i) => example.featurise(`${TEXTS[i % TEXTS.length]} ${i}`))
  const proofs: number[] = []
  let differ = 0
  let verify = async (): Promise<unknown> => undefined
  for (const [i, features] of [...inputs.slice(0, 1), ...inputs].entries()) {
    progress(`proof ${i} of ${inputs.length}`)
    const onEvent = (e: JobEvent): void => {
      // The first one warms up and is not counted.
      if (i > 0 && e.type === 'step' && e.state === 'ended' && e.step.run === 'prove') proofs.push(e.durationMs)
    }
    const job = await stack.infer({ program: published, inputs: [features], require: 'zkml', onEvent })
    const receipt = await job.wait('verified')
    const expected = interpret(program, quantiseInputs(program, [features]))
    const verdict = await verifyReceipt(receipt, { verifiers: [zkmlVerifier()], anchors })
    const same = JSON.stringify(receipt.outputs.map(plain)) === JSON.stringify(expected.map(plain))
    if (!same || verdict.status !== 'accepted' || verdict.covers.length !== program.outputs.length) differ += 1
    verify = () => verifyReceipt(receipt, { verifiers: [zkmlVerifier()], anchors })
  }
  yield atMost(
    'rows on which the proved output differs from the interpreter’s',
    differ,
    `rows of ${inputs.length + 1}`,
    0,
  )
  yield atMost('proving with cached keys', median(proofs), 'ms', 1000)
  yield atMost(
    'verification on @noble/curves, the whole receipt',
    await medianMs(verify, { runs: 20, warmUp: 3 }),
    'ms',
    60,
  )
}
