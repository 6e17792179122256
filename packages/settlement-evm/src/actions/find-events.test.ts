import type { Chain } from '@veristack/chain-evm'
import type { Settler } from '@veristack/core'
import { parseRequestId } from '@veristack/core/receipt'
import { evm } from '../evm.ts'
import { answering, call, scene, started } from '../toy-tier.fixture.ts'
import { findEvents } from './find-events.ts'

const plugin = evm({ network: 'local' })
let settler: Settler

beforeAll(async () => {
  settler = await started(plugin)
}, 120_000)
afterAll(() => plugin.stop?.())

/** The local chain behind an RPC that looks through so many blocks and no more, as public ones do. */
function narrow(most: number) {
  const client = plugin.client()
  const asked: { readonly from: number; readonly to: number }[] = []
  const rpc: Chain['rpc'] = (method, params, signal) => {
    if (method !== 'eth_getLogs') return client.chain.rpc(method, params, signal)
    const [{ fromBlock = '', toBlock = '' } = {}] = params as { fromBlock?: string; toBlock?: string }[]
    const range = { from: Number(fromBlock), to: Number(toBlock) }
    asked.push(range)
    const isTaken = range.to - range.from < most
    return client.chain.rpc(method, isTaken ? params : [{ fromBlock: 'too many blocks' }], signal)
  }
  return { through: { ...client, chain: { ...client.chain, rpc } }, asked }
}

test('a request on a long chain is found through an RPC that looks through few blocks', async () => {
  const { chain } = plugin.client()
  await chain.rpc('anvil_mine', ['0x12c'])
  const { block } = await chain.now()
  const { escrow, job } = await scene(settler, chain, answering(2), 1)
  await settler.prepare(escrow, call())
  await chain.rpc('anvil_mine', ['0x50'])
  await settler.settle(await job(), call())
  await chain.rpc('anvil_mine', ['0x50'])

  const { through, asked } = narrow(50)
  const events = await findEvents(through, { request: escrow.request.id })
  expect(events.map((e) => e.name)).toEqual(['Requested', 'Accepted', 'Delivered'])
  expect(events[0]?.block).toBeGreaterThan(block)
  // Not much further back than the request.
  const looked = asked.slice(asked.findIndex((r) => r.to - r.from < 50) + 1).map((r) => r.from)
  expect(Math.min(...looked)).toBeGreaterThan(Number(block) - 50)
}, 60_000)

test('nothing is looked through for a request that was never placed', async () => {
  const { through, asked } = narrow(1_000_000)
  expect(await findEvents(through, { request: parseRequestId(`0x${'07'.repeat(32)}`) })).toEqual([])
  expect(asked).toEqual([])
})
