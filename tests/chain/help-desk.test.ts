import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type Chain, connect, type Lane, laneOf, privateKeyAccount } from '@veristack/chain-evm'
import { type Anvil, developmentAccounts, startAnvil } from '@veristack/chain-evm/local'
import { parseRequestId } from '@veristack/core'
import { creditOf, deployContracts, findEvents, getResult, type SettlementClient } from '@veristack/settlement-evm'
import { type Desk, deployDesk, refundableOf, send, stageOf } from '../../examples/help-desk/src/contract.ts'
import { loadModel } from '../../examples/help-desk/src/model.ts'
import { type Process, startProcess } from './help-desk.processes.ts'

/**
 * A contract asks, a node answers. Shop, node and customers are processes of their own that share a chain and nothing
 * else: no file, no address of one another's but the desk's.
 */

const [first, second, third] = developmentAccounts
if (first === undefined || second === undefined || third === undefined) throw new Error('no accounts')
const [shop, node, customer] = [first, second, third]
const PRICE = 10n ** 16n
const PURCHASE = 10n ** 18n

let directory: string
let anvil: Anvil
let chain: Chain
let lane: Lane
let client: SettlementClient
let desk: Desk
let answering: Process

const startNode = (): Process =>
  startProcess('node.ts', {
    RPC_URL: anvil.rpcUrl,
    PRIVATE_KEY: node.privateKey,
    DIRECTORY: join(directory, 'node'),
    MINIMUM_PRICE_WEI: String(PRICE / 2n),
  })

/** A customer's process from its beginning to its end. */
async function ask(
  words: string,
  change: Readonly<Record<string, string>> = {},
): Promise<{ readonly purchase: bigint; readonly request: string }> {
  const asking = startProcess('ask.ts', {
    RPC_URL: anvil.rpcUrl,
    PRIVATE_KEY: customer.privateKey,
    DIRECTORY: join(directory, 'customer'),
    DESK: desk.address,
    WORDS: words,
    PRICE_WEI: String(PRICE),
    ...change,
  })
  const { request, ...said } = await asking.said((line) => line.request !== undefined)
  await asking.ended
  return { request: request ?? '', purchase: BigInt((said as { purchase?: string }).purchase ?? -1) }
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'veristack-desk-'))
  anvil = await startAnvil()
  chain = await connect({ rpcUrl: anvil.rpcUrl })
  lane = laneOf(chain, await privateKeyAccount(shop.privateKey))
  client = { chain, lane, deployment: await deployContracts(lane) }

  answering = startNode()
  const model = await loadModel()
  desk = await deployDesk(lane, {
    settlement: client.deployment.settlement,
    program: model.program.id,
    labelTensor: model.labelTensor,
    refundLabel: model.refundLabel,
    maximumPriceWei: 10n ** 17n,
    owner: shop.address,
  })
  // What the shop must find out some other way is whose verifier it relies on.
  const { programs } = await answering.said((line) => line.type === 'ready')
  const [verifier] = programs?.[0]?.verifiers ?? []
  await send(lane, desk, 'allowVerifier', [verifier?.verifier, verifier?.codeHash, verifier?.params])
}, 180_000)

afterAll(async () => {
  await answering?.kill()
  await lane?.close()
  chain?.close()
  await anvil?.stop()
  await rm(directory, { recursive: true, force: true })
})

test('who asks for a refund is granted it, and the node is paid', async () => {
  const { purchase, request } = await ask('I would like a refund for my purchase, please give me my money back')
  await answering.said((line) => line.type === 'settled' && line.request === request)
  expect(await stageOf(desk, purchase)).toBe('refunded')
  expect(await refundableOf(desk, customer.address)).toBe(PURCHASE)
  const id = parseRequestId(request)
  expect(await getResult(client, { request: id })).toMatchObject({
    state: 'delivered',
    callback: 'succeeded',
    claimant: node.address,
  })
  expect(await creditOf(client, { account: node.address })).toBe(PRICE)
  expect((await findEvents(client, { request: id })).map((e) => e.name)).toEqual([
    'Requested',
    'Accepted',
    'Delivered',
    'CalledBack',
  ])
}, 120_000)

test('anything else goes to a person', async () => {
  const { purchase, request } = await ask('I still have not received my new card')
  await answering.said((line) => line.type === 'settled' && line.request === request)
  expect(await stageOf(desk, purchase)).toBe('with a person')
  await send(lane, desk, 'resolve', [purchase, false])
  expect(await stageOf(desk, purchase)).toBe('closed')
}, 120_000)

test('words that do not have the committed features find nobody, and neither does too low a price', async () => {
  const refund = 'please refund me'
  const lie = await ask('where is my card', { COMMITTED_WORDS: refund })
  expect(await answering.said((line) => line.type === 'skipped' && line.request === lie.request)).toMatchObject({
    reason: 'inputs',
  })
  const cheap = await ask(refund, { PRICE_WEI: String(PRICE / 4n) })
  expect(await answering.said((line) => line.type === 'skipped' && line.request === cheap.request)).toMatchObject({
    reason: 'price',
  })
  for (const { purchase, request } of [lie, cheap]) {
    expect(await stageOf(desk, purchase)).toBe('asked')
    expect((await getResult(client, { request: parseRequestId(request) })).state).toBe('open')
  }
}, 120_000)

/** A file of the job's that a killed process is known to have written: `<records>/<request>/record.<name>.json`. */
async function written(request: string, name: string): Promise<void> {
  const file = join(directory, 'node/records', request.slice(2), `record.${name.replaceAll('/', '%2f')}.json`)
  while (!existsSync(file)) await delay(2)
}

describe('a node that is killed', () => {
  const places = ['assignment', 'execution/0', 'claimed', 'evidence/zkml/groth16-bn254', 'verdicts/zkml/groth16-bn254']
  test.each(places)(
    'after it wrote %s answers once, when it is started again',
    async (name) => {
      const before = await creditOf(client, { account: node.address })
      const asked = ask('I want a refund')
      const heard = answering.lines.length
      const { request = '' } = await answering.said(
        (line) => line.type === 'seen' && answering.lines.indexOf(line) >= heard,
      )
      await written(request, name)
      await answering.kill()
      const { purchase } = await asked
      answering = startNode()
      await answering.said((line) => line.type === 'settled' && line.request === request)
      const names = (await findEvents(client, { request: parseRequestId(request) })).map((e) => e.name)
      expect(names).toEqual(['Requested', 'Accepted', 'Delivered', 'CalledBack'])
      expect(await creditOf(client, { account: node.address })).toBe(before + PRICE)
      expect(await stageOf(desk, purchase)).toBe('refunded')
    },
    120_000,
  )
})
