import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createStack, type Stack, tensor, verifyReceipt } from '@veristack/core'
import { onnx } from '@veristack/executor-onnx'
import { encodeProgram, programId } from '@veristack/integer-model'
import { creditOf, evm, getResult } from '@veristack/settlement-evm'
import { verifierCodeHash, zkml } from '@veristack/verify-zkml'
import { readPublished } from '../../packages/verify-zkml/src/artefacts.ts'
import { smallProgram } from '../../packages/verify-zkml/src/testing/programs.ts'

/** Execution, a real proof, and settlement on a chain, through plugins that know nothing of each other. */

let directory: string
let stack: Stack
const settlement = evm({ network: 'local' })
const PRICE = 10n ** 15n

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'veristack-chain-'))
  // Five public signals: the label is raw, the scores are committed.
  const visibility = { outputs: { scores: 'committed' } } as const
  const proving = zkml({ keys: 'development', visibility, cacheDirectory: directory })
  stack = await createStack({ plugins: [onnx(), proving, settlement] })
}, 120_000)
afterAll(async () => {
  await stack?.close()
  await rm(directory, { recursive: true, force: true })
})

test('an answer is computed, proved, verified on chain, paid once and delivered', async () => {
  const program = smallProgram()
  const published = await stack.publish({
    id: programId(program),
    semantics: 'integer/v1',
    bytes: encodeProgram(program),
  })
  const inputs = [tensor('x', 'int32', [1, 4], [3, 15, 0, 7])]
  const job = await stack.infer({ program: published.program, inputs, require: 'zkml', priceWei: PRICE })
  const receipt = await job.wait('settled')

  const client = settlement.client()
  const last = receipt.settlements.at(-1)
  if (last === undefined) throw new Error('no settlement')
  expect(last).toMatchObject({ network: 'eip155:31337', state: 'delivered', mode: 'individual' })
  expect(await getResult(client, { request: job.id })).toMatchObject({
    state: 'delivered',
    satisfied: 1,
    claimant: stack.claimant,
    outputs: receipt.signed.claim.outputs,
  })
  expect(await creditOf(client, { account: stack.claimant })).toBe(PRICE)
  const { submit } = (last.detail as { gas: { submit: number } }).gas
  expect(submit).toBeLessThanOrEqual(350_000)

  // The pinned code hash is the one that anybody computes from the published key.
  const [artefacts] = published.artefacts
  if (artefacts === undefined) throw new Error('no artefacts')
  const { id, layout, verifyingKey } = await readPublished(artefacts, stack.host.use('blobs'))
  const parameters = { program: published.program.id, circuitId: id, layout, verifyingKey, development: true }
  expect(receipt.policies[0]?.codeHash).toBe(verifierCodeHash(parameters))

  const verdict = await verifyReceipt(receipt, { verifiers: [zkml.verifier()], anchors: published.anchors })
  expect(verdict.status).toBe('accepted')
}, 120_000)
