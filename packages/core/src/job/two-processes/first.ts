// Executes and claims, prints the request id, and is gone: `first.ts DIRECTORY`.
import { createStack, type ProgramId, tensor, toHex } from '../../index.ts'
import { doubling, echoTier, KIND, storage } from './tier.ts'

async function main(directory: string): Promise<void> {
  await using stack = await createStack({ plugins: [storage(directory), doubling, echoTier] })
  const { program } = await stack.publish({
    id: toHex(new Uint8Array(32).fill(7)) as ProgramId,
    semantics: 'toy/v1',
    bytes: Uint8Array.of(7),
  })
  const inputs = [tensor('x', 'int32', [2], [20, 21])]
  const job = await stack.infer({ program, inputs, require: KIND, steps: ['execute', 'claim'] })
  await job.wait('claimed')
  process.stdout.write(job.id)
}

void main(process.argv[2] ?? '')
