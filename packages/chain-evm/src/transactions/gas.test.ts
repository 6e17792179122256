import type { Address } from '@veristack/core'
import { type Account, type Chain, connect, type Lane, laneOf, type Mined, privateKeyAccount } from '../index.ts'
import { type Anvil, developmentAccounts, startAnvil } from '../local/index.ts'
import { faultyRpc, word } from './faults.fixture.ts'

const SLOT = `0x${'5107'.repeat(10)}` as Address
/** Keeps the word that it is called with. */
const SLOT_CODE = '0x5f355f5500'

let anvil: Anvil
let chain: Chain
let account: Account
let lane: Lane
beforeEach(async () => {
  const [first] = developmentAccounts
  if (first === undefined) throw new Error('no accounts')
  anvil = await startAnvil()
  chain = await connect({ rpcUrl: anvil.rpcUrl })
  account = await privateKeyAccount(first.privateKey)
  lane = laneOf(chain, account)
  await chain.rpc('anvil_setCode', [SLOT, SLOT_CODE])
})
afterEach(async () => {
  chain.close()
  await anvil.stop()
})

const keep = (n: number, options = {}, by = lane) => by.send({ to: SLOT, data: word(n), name: 'keep', ...options })

test('what is sent side by side has gas for what the ones before it change', async () => {
  await keep(5)
  let letPass = (): void => {}
  const until = new Promise<void>((resolve) => {
    letPass = resolve
  })
  const held = new Set<unknown>()
  const rpc = await faultyRpc(anvil.rpcUrl, ({ method, params: [raw] }) => {
    if (method !== 'eth_sendRawTransaction') return { do: 'pass' }
    held.add(raw)
    return { do: 'hold', until }
  })
  const slow = await connect({ rpcUrl: rpc.rpcUrl })
  try {
    const by = laneOf(slow, account)
    const sent: Promise<Mined>[] = []
    // Each is estimated while the node has none of the others, and has the nonce behind the one before.
    for (const n of [0, 2, 3]) {
      sent.push(keep(n, {}, by))
      while (held.size < sent.length) await new Promise((resolve) => setImmediate(resolve))
    }
    letPass()
    // Alone each writes over a word that is there; behind the first one the second writes a new one, which costs more.
    const [first, second] = await Promise.all(sent)
    expect(first?.gasUsed).toBeLessThan(30_000n)
    expect(second?.gasUsed).toBeGreaterThan(43_000n)
    expect(await chain.rpc('eth_getStorageAt', [SLOT, word(0), 'latest'])).toBe(word(3))
  } finally {
    slow.close()
    await rpc.stop()
  }
})

test('out of gas is told as such, with the limit', async () => {
  await expect(keep(1, { gasLimit: 30_000n })).rejects.toMatchObject({
    code: 'VS_EVM_OUT_OF_GAS',
    shortMessage: 'keep ran out of gas',
    details: { call: 'keep', gasLimit: 30_000n },
  })
  await chain.rpc('anvil_setCode', [SLOT, '0x5f5ffd'])
  await expect(keep(1, { gasLimit: 30_000n })).rejects.toMatchObject({ code: 'VS_EVM_REVERTED' })
})

test('what is reverted is sent once more where that is asked for, and not for ever', async () => {
  await chain.rpc('anvil_setCode', [SLOT, '0x5f5ffd'])
  const options = { gasLimit: 30_000n, idempotencyKey: 'k', ifReverted: 'send' }
  await expect(keep(1, options)).rejects.toMatchObject({ code: 'VS_EVM_REVERTED' })
  expect(Number(await chain.rpc('eth_getTransactionCount', [account.address, 'latest']))).toBe(2)
})
