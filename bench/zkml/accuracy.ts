import { createStack, makeRequest, type Tensor, toHex, ZERO_ADDRESS, ZERO_DIGEST } from '@veristack/core'
import { onnx } from '@veristack/executor-onnx'
import { decodeProgram, interpret, programId } from '@veristack/integer-model'
import { loadExample, presence } from '@veristack-examples/customer-service'
import { integerFeatures } from '../../examples/customer-service/scripts/accuracy.ts'
import { datasetPresent, load } from '../../examples/customer-service/scripts/banking77.ts'
import { evaluate } from '../../examples/customer-service/scripts/evaluation.ts'
import { atLeast, atMost, type Row, unmeasured } from '../../scripts/measure.ts'

const FLOOR_PERCENT = 88
const GAP_POINTS = 0.5

/** How right the program is on the test set, and whether the executor gives the interpreter's integers on all of it. */
export async function* accuracy(progress: (text: string) => void): AsyncIterable<Row> {
  if (!datasetPresent()) {
    progress('BANKING77 is not beside the project: accuracy and agreement were not measured')
    yield unmeasured('integer test accuracy', '%', FLOOR_PERCENT)
    yield unmeasured('distance from float', 'points', GAP_POINTS)
    yield unmeasured('test rows on which executor and interpreter differ', 'rows of 3080', 0)
    return
  }
  progress('accuracy on the test set')
  const { float, integer } = await evaluate()
  yield atLeast('integer test accuracy', 100 * (integer ?? 0), '%', FLOOR_PERCENT)
  yield atMost('distance from float', 100 * Math.abs((float ?? 0) - (integer ?? 0)), 'points', GAP_POINTS)

  progress('executor against interpreter')
  const example = await loadExample()
  const program = decodeProgram(example.program)
  await using stack = await createStack({ plugins: [onnx({ canonCheck: { every: 1_000_000 } })] })
  const published = await stack.publish({ id: programId(program), semantics: 'integer/v1', bytes: example.program })
  const [executor] = stack.host.all('executor')
  const request = makeRequest({
    program: published.program.id,
    inputs: ZERO_DIGEST,
    requirement: ZERO_DIGEST,
    terms: ZERO_DIGEST,
    payer: ZERO_ADDRESS,
    priceWei: 0n,
    nonce: ZERO_DIGEST,
    chainId: 0n,
    contract: ZERO_ADDRESS,
    expiresAt: 0n,
  })
  let differ = 0
  const data = load('test')
  for (const row of data) {
    const expected = interpret(program, [integerFeatures(row)])
    const call = { signal: new AbortController().signal, idempotencyKey: 'bench', progress: () => undefined }
    const inputs = await executor?.prepare(published.program, [presence(row.indices)], call)
    const got = await executor?.execute(
      { request, node: stack.claimant, claimant: stack.claimant, program: published.program, inputs: inputs ?? [] },
      call,
    )
    if (JSON.stringify(expected.map(plain)) !== JSON.stringify(got?.outputs.map(plain))) differ += 1
  }
  yield atMost(`test rows on which executor and interpreter differ`, differ, `rows of ${data.length}`, 0)
}

/** The tensor as text, whatever array its bytes lie in. */
export const plain = (t: Tensor) => ({ ...t, data: toHex(t.data) })
