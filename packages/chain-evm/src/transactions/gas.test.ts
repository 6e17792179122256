import type { Address } from '@veristack/core'
import { type Chain, connect, type Lane, laneOf, privateKeyAccount } from '../index.ts'
import { type Anvil, developmentAccounts, startAnvil } from '../local/index.ts'
import { word } from './faults.fixture.ts'

const SLOT = `0x${'5107'.repeat(10)}` as Address
/** Keeps the word that it is called with. */
const SLOT_CODE = '0x5f355f5500'

let anvil: Anvil
let chain: Chain
let lane: Lane
beforeEach(async () => {
  const [first] = developmentAccounts
  if (first === undefined) throw new Error('no accounts')
  anvil = await startAnvil()
  chain = await connect({ rpcUrl: anvil.rpcUrl })
  lane = laneOf(chain, await privateKeyAccount(first.privateKey))
  await chain.rpc('anvil_setCode', [SLOT, SLOT_CODE])
})
afterEach(async () => {
  chain.close()
  await anvil.stop()
})

const keep = (n: number, options = {}) => lane.send({ to: SLOT, data: word(n), name: 'keep', ...options })

test('what is sent side by side has gas for what the ones before it change', async () => {
  await keep(5)
  // Alone each writes over a word that is there; behind the first one the second writes a new one, which costs more.
  const [, second] = await Promise.all([keep(0), keep(2), keep(3)])
  expect(second?.gasUsed).toBeGreaterThan(43_000n)
  expect(await chain.rpc('eth_getStorageAt', [SLOT, word(0), 'latest'])).toBe(word(3))
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
