// A stranger's tier on a chain beside zkml, as somebody would run it who has both packages: prints what became of it.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  createStack,
  type Executor,
  ephemeralSigner,
  isVeristackError,
  type Plugin,
  tensor,
  verifyReceipt,
} from '@veristack/core'
import { onnx } from '@veristack/executor-onnx'
import { encodeProgram, programId } from '@veristack/integer-model'
import { confirmSettlement, creditOf, evm, findEvents, getResult } from '@veristack/settlement-evm'
import { zkml } from '@veristack/verify-zkml'
import { quorum, quorumVerifier } from '../../examples/plugin-quorum/src/index.ts'
import { smallProgram } from '../../packages/verify-zkml/src/testing/programs.ts'

const PRICE = 10n ** 15n
const members = [ephemeralSigner(), ephemeralSigner(), ephemeralSigner()]
const nodes = members.map((signer, i) => ({ id: `node-${i}`, signer }))
const program = smallProgram()
const published = { id: programId(program), semantics: 'integer/v1', bytes: encodeProgram(program) } as const

/** onnx(), but two of the three members compute another label. */
function outvoted(): Plugin {
  const honest = onnx()
  const lie = (executor: Executor): Executor => ({
    ...executor,
    execute: async (job, call) => {
      const execution = await executor.execute(job, call)
      if (job.node === members[0]?.address) return execution
      return { ...execution, outputs: execution.outputs.map((t) => ({ ...t, data: t.data.map((b) => b ^ 1) })) }
    },
  })
  return {
    ...honest,
    register: (host) =>
      honest.register({
        ...host,
        provide: (role, make) =>
          role === 'executor'
            ? host.provide('executor', (inner) => lie(make(inner) as Executor))
            : host.provide(role, make),
      }),
  }
}

async function ask(directory: string, executor: Plugin, require: Parameters<typeof settle>[1]) {
  const settlement = evm({ network: 'local' })
  const stack = await createStack({
    plugins: [
      executor,
      zkml({ keys: 'development', cacheDirectory: directory, cacheSecretFile: `${directory}.secret` }),
      quorum({ threshold: 2, members }),
      settlement,
    ],
    nodes,
  })
  try {
    return await settle(stack, require, settlement)
  } finally {
    await stack.close()
  }
}

async function settle(
  stack: Awaited<ReturnType<typeof createStack>>,
  require: Parameters<typeof stack.infer>[0]['require'],
  settlement: ReturnType<typeof evm>,
) {
  const { program: ours, anchors } = await stack.publish(published)
  const inputs = [tensor('x', 'int32', [1, 4], [3, 15, 0, 7])]
  const job = await stack.infer({ program: ours, inputs, require, priceWei: PRICE })
  const client = settlement.client()
  try {
    const receipt = await job.wait('settled')
    const verdict = await verifyReceipt(receipt, {
      verifiers: [zkml.verifier(), quorumVerifier],
      anchors,
      confirm: confirmSettlement(client),
    })
    const { state, satisfied } = await getResult(client, { request: job.id })
    return {
      state,
      satisfied,
      credit: String(await creditOf(client, { account: stack.claimant })),
      events: (await findEvents(client, { request: job.id })).map((e) => e.name),
      verdict: verdict.status,
      tiers: receipt.policies.map((p) => p.tier),
      contracts: new Set(receipt.policies.map((p) => p.verifier)).size,
    }
  } catch (error) {
    if (!isVeristackError(error)) throw error
    const { state } = await getResult(client, { request: job.id })
    return {
      state,
      credit: String(await creditOf(client, { account: stack.claimant })),
      failed: String(error.details.code),
    }
  }
}

async function main(): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'veristack-quorum-'))
  try {
    const both = await ask(directory, onnx(), { all: ['zkml', 'acme/quorum'] })
    const either = await ask(directory, onnx(), { any: ['acme/quorum', 'zkml'] })
    const lies = await ask(directory, outvoted(), { all: ['zkml', 'acme/quorum'] })
    process.stdout.write(`${JSON.stringify({ both, either, lies })}\n`)
  } finally {
    for (const path of [directory, `${directory}.secret`]) await rm(path, { recursive: true, force: true })
  }
}

main().catch((error: unknown) => {
  console.error(error)
  process.exitCode = 1
})
