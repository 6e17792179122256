import { startAnvil } from '@veristack/chain-evm/local'
import { type Address, createStack, type Publishable, type Tensor, tensor } from '@veristack/core'
import { onnx } from '@veristack/executor-onnx'
import { decodeProgram, encodeProgram, ProgramBuilder, programId } from '@veristack/integer-model'
import { evm } from '@veristack/settlement-evm'
import { zkml } from '@veristack/verify-zkml'
import { loadExample } from '@veristack-examples/customer-service'
import { atMost, type Row, reported } from '../../scripts/measure.ts'

interface Frame {
  readonly to?: string
  readonly gasUsed: string
  readonly calls?: readonly Frame[]
}

/** Gas of one request's life on a chain of its own, and of the verifier's call inside the submission. */
export async function* gas(progress: (text: string) => void): AsyncIterable<Row> {
  await using chain = await startAnvil()
  await using stack = await createStack({
    plugins: [onnx(), zkml({ keys: 'development' }), evm({ network: 'eip155:31337', rpcUrl: chain.rpcUrl })],
  })
  const trace = async (hash: string): Promise<Frame> => {
    const body = { jsonrpc: '2.0', id: 1, method: 'debug_traceTransaction', params: [hash, { tracer: 'callTracer' }] }
    const response = await fetch(chain.rpcUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    return ((await response.json()) as { readonly result: Frame }).result
  }
  const settle = async (publishable: Publishable, inputs: readonly Tensor[]) => {
    const { program } = await stack.publish(publishable)
    const receipt = await (await stack.infer({ program, inputs, require: 'zkml', priceWei: 10n ** 15n })).wait(
      'settled',
    )
    const [placed, settled] = receipt.settlements
    const verifier = receipt.policies[0]?.verifier
    if (placed === undefined || settled === undefined || verifier === undefined)
      throw new Error('the receipt names no settlement')
    const submit = await trace(settled.ref)
    return {
      request: Number((await trace(placed.ref)).gasUsed),
      submit: Number(submit.gasUsed),
      verifier: Number(callTo(submit, verifier)?.gasUsed),
      gas: settled.detail,
    }
  }

  progress('gas with five public signals')
  const example = await loadExample()
  const five = await settle(
    { id: programId(decodeProgram(example.program)), semantics: 'integer/v1', bytes: example.program },
    [example.featurise('I still have not received my new card')],
  )
  yield atMost('gas inside the verifier’s call, five public signals', five.verifier, 'gas', 250_000)
  yield atMost('gas of a request', five.request, 'gas', 130_000)
  yield atMost('gas of the whole submit transaction', five.submit, 'gas', 350_000)
  progress('gas with nine public signals')
  const nine = await settle(fiveOutputs(), [tensor('x', 'int32', [3], [1, 2, 3])])
  yield reported('gas inside the verifier’s call, nine public signals', nine.verifier, 'gas')
}

const callTo = (frame: Frame, to: Address): Frame | undefined =>
  frame.to === to ? frame : frame.calls?.map((c) => callTo(c, to)).find((f) => f !== undefined)

/** A program with as many public outputs as a circuit may have. */
function fiveOutputs(): Publishable {
  const builder = new ProgramBuilder()
  const x = builder.input({
    name: 'x',
    shape: [3],
    range: { lo: 0n, hi: 15n },
    quantisation: { scale: 1, zeroPoint: 0 },
  })
  const y = builder.node({
    op: 'linear',
    x,
    weights: { shape: [3, 5], data: Int32Array.from({ length: 15 }, (_, i) => (i % 7) - 3) },
    bias: { shape: [5], data: Int32Array.of(1, 2, 3, 4, 5) },
  })
  const program = builder.build([{ name: 'y', value: y, scale: 1, zeroPoint: 0 }])
  return { id: programId(program), semantics: 'integer/v1', bytes: encodeProgram(program) }
}
