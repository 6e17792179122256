import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Hex, jsonDigest, keccak, keccakText, type Policy, policyDigest, toHex } from '@veristack/core'
import { settlementAbi } from '../../packages/settlement-evm/src/bindings/Settlement.ts'
import { openScene, PRICE, type Scene, stranger } from './intake.scene.ts'

/** Requests that the contract takes, and that nobody in his right mind would place. */

let scene: Scene
let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'veristack-odd-'))
  scene = await openScene()
}, 120_000)
afterAll(async () => {
  await scene?.stop()
  await rm(directory, { recursive: true, force: true })
})

/** A call of `request` with a tier whose name is not UTF-8: the contract hashes bytes, whatever they mean. */
async function unreadable(): Promise<Hex> {
  const { AbiCoder, Interface } = await import('ethers')
  const coder = AbiCoder.defaultAbiCoder()
  const { order, policies } = await scene.makeOrder(3)
  const [policy] = policies
  if (policy === undefined) throw new Error('no policy')
  const { verifier, codeHash, params } = policy
  const offchain = jsonDigest(policy.offchain)
  const hash = (type: string, words: readonly string[], kinds = words.map(() => 'bytes32')) =>
    toHex(keccak(Buffer.from(coder.encode(['bytes32', ...kinds], [toHex(keccakText(type)), ...words]).slice(2), 'hex')))
  const digestOf = (bytes: Hex) => toHex(keccak(Buffer.from(bytes.slice(2), 'hex')))
  const tier: Hex = '0xff'
  const pinned = hash(
    'Policy(string tier,address verifier,bytes32 codeHash,bytes params,bytes32 offchain)',
    [digestOf(tier), verifier, codeHash, digestOf(params), offchain],
    ['bytes32', 'address', 'bytes32', 'bytes32', 'bytes32'],
  )
  const leaf = hash('Leaf(string tier,bytes32 policy)', [digestOf(tier), pinned])
  const requirement = hash('Requirement(Leaf[] leaves,bytes formula)Leaf(string tier,bytes32 policy)', [
    digestOf(leaf),
    digestOf('0x00'),
  ])
  const request = new Interface(settlementAbi).getFunction('request')
  const [orderType] = request?.inputs ?? []
  if (request === null || orderType === undefined) throw new Error('no such function')
  const types = [
    orderType,
    'tuple(bytes tier, address verifier, bytes32 codeHash, bytes params, bytes32 offchain)[]',
    'bytes',
  ]
  const placed = { ...order, request: { ...order.request, requirement } }
  const args = coder.encode(types, [placed, [{ tier, verifier, codeHash, params, offchain }], '0x00'])
  return `${request.selector}${args.slice(2)}` as Hex
}

test('one that can not be read, and falls out of the chain, does not end the service', async () => {
  const { block } = await scene.chain.now()
  const answers = await scene.startNode({ from: block + 1n })
  await answers.until('ready')
  const to = scene.client.deployment.settlement
  await scene.lane.send({ to, data: await unreadable(), valueWei: PRICE, name: 'request' })
  expect(await answers.until('skipped')).toMatchObject({ reason: 'malformed' })
  await scene.chain.rpc('anvil_reorg', [1, []])
  await answers.until('settled', await scene.place(5))
  expect(answers.events.filter((e) => e.type === 'removed')).toEqual([])
  await answers.close()
})

test('one of another verifier that would have to be kept for long is declined at once', async () => {
  const { block, timestamp } = await scene.chain.now()
  const answers = await scene.startNode({ from: block + 1n, directory })
  await answers.until('ready')
  const own = (await scene.makeOrder(4)).policies[0]
  if (own === undefined) throw new Error('no policy')
  const large: Policy = { ...own, params: `0x${'00'.repeat(50_000)}` }
  const terms = { exclusiveClaimant: stranger.address, exclusiveUntil: String(timestamp + 3000n) }
  const requirement = { tier: large.tier, policy: policyDigest(large) }
  const id = await scene.place(4, { policies: [large], requirement, terms })
  expect(await answers.until('skipped', id)).toMatchObject({
    reason: 'refused',
    message: expect.stringMatching(/verifier/),
  })
  await answers.close()
  // Forgotten as soon as its block can not fall out of the chain any more.
  expect(JSON.parse(await readFile(join(directory, 'intake/intake.json'), 'utf8'))).toMatchObject({ open: [] })
})
