// Proves and verifies what a process that has exited began: `second.ts DIRECTORY REQUEST`.
import { createStack, parseRequestId, verifyReceipt } from '../../index.ts'
import { echoTier, echoVerifier, storage } from './tier.ts'

const [, , directory = '', id] = process.argv

async function main(): Promise<void> {
  await using stack = await createStack({ plugins: [storage(directory), echoTier] })
  const job = await stack.resume(parseRequestId(id))
  const receipt = await job.wait('verified')
  const verdict = await verifyReceipt(receipt, { verifiers: [echoVerifier] })
  const { tracks, execution } = await job.state()
  process.stdout.write(
    JSON.stringify({ status: verdict.status, execution, tracks, bytes: [...(receipt.outputs[0]?.data ?? [])] }),
  )
}

void main()
