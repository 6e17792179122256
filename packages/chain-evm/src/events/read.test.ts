import { type Account, type Chain, connect, evmErrors, privateKeyAccount, readEvents } from '../index.ts'
import { type Anvil, developmentAccounts, startAnvil } from '../local/index.ts'
import { COUNTER, placeCounter, word } from '../transactions/faults.fixture.ts'

const [first] = developmentAccounts
if (first === undefined) throw new Error('no accounts')

let anvil: Anvil
let chain: Chain
let account: Account
let nonce = 0

beforeAll(async () => {
  anvil = await startAnvil({ args: ['--no-mining'] })
  chain = await connect({ rpcUrl: anvil.rpcUrl })
  account = await privateKeyAccount(first.privateKey)
  await placeCounter(chain)
  await emit(1, 2)
  await mine(700)
  await emit(3)
  await mine(900)
  await emit(4, 5)
})
afterAll(async () => {
  chain.close()
  await anvil.stop()
})

const mine = (blocks = 1) => chain.rpc('anvil_mine', [`0x${blocks.toString(16)}`])
/** A block with these events. */
async function emit(...numbers: readonly number[]): Promise<void> {
  for (const n of numbers) {
    const signed = await account.sign({
      type: 2,
      chainId: 31337n,
      nonce: nonce++,
      to: COUNTER,
      value: 0n,
      data: word(n),
      gasLimit: 60_000n,
      maxFeePerGas: 10n ** 11n,
      maxPriorityFeePerGas: 1n,
    })
    await chain.rpc('eth_sendRawTransaction', [signed])
  }
  await mine()
}

interface Range {
  readonly from: number
  readonly to: number
}

/** A node that looks through so many blocks and no more, and what it was asked. */
function narrow(most: number) {
  const asked: Range[] = []
  const answered: Range[] = []
  const rpc: Chain['rpc'] = (method, params, signal) => {
    if (method !== 'eth_getLogs') return chain.rpc(method, params, signal)
    const [{ fromBlock = '', toBlock = '' } = {}] = params as { fromBlock?: string; toBlock?: string }[]
    const range = { from: Number(fromBlock), to: Number(toBlock) }
    asked.push(range)
    if (!(range.to - range.from < most)) return chain.rpc('eth_getLogs', [{ fromBlock: 'refused' }], signal)
    answered.push(range)
    return chain.rpc(method, params, signal)
  }
  return { through: { ...chain, rpc } satisfies Chain, asked, answered }
}

const numbersOf = (logs: Awaited<ReturnType<typeof readEvents>>): readonly number[] =>
  logs.map((l) => Number(l.topics[0]))

test.each([1_000_000, 500, 7])('all events in order, from a node that looks through %i blocks', async (most) => {
  const { through, asked, answered } = narrow(most)
  expect(numbersOf(await readEvents(through, { address: COUNTER, from: 0n }))).toEqual([1, 2, 3, 4, 5])
  const head = Number(await chain.rpc('eth_blockNumber', []))
  // Hardly a block is looked through twice.
  expect(answered.reduce((sum, r) => sum + r.to - r.from + 1, 0)).toBeLessThan(1.1 * head + most)
  if (most > head) expect(asked).toEqual([{ from: 0, to: head }])
})

test('no further back than it must', async () => {
  const { through, answered } = narrow(100)
  const head = Number(await chain.rpc('eth_blockNumber', []))
  const until = (log: { topics: readonly string[] }) => Number(log.topics[0]) === 3
  const found = await readEvents(through, { address: COUNTER, from: 0n, until })
  expect(numbersOf(found)).toEqual([3, 4, 5])
  // The first answer is the one by which the node showed how much it looks through.
  expect(Math.min(...answered.slice(1).map((r) => r.from))).toBeGreaterThan(head - 1000)
})

test('from a block on, by topic', async () => {
  const found = await readEvents(chain, { address: COUNTER, from: 10n, topics: [[word(1), word(4)]] })
  expect(numbersOf(found)).toEqual([4])
  expect(await readEvents(chain, { address: COUNTER, from: 1_000_000n })).toEqual([])
})

test('a node that refuses one block too, and one that does not answer, are errors', async () => {
  const { through, asked } = narrow(0)
  await expect(readEvents(through, { address: COUNTER, from: 0n })).rejects.toMatchObject({ code: 'VS_EVM_RPC' })
  expect(asked.length).toBeLessThan(30)
  let questions = 0
  const rpc: Chain['rpc'] = async (method, params, signal) => {
    if (method !== 'eth_getLogs') return chain.rpc(method, params, signal)
    questions += 1
    throw evmErrors('VS_EVM_UNREACHABLE', { details: { rpc: 'nowhere', method } })
  }
  const unanswered = readEvents({ ...chain, rpc }, { address: COUNTER, from: 0n })
  await expect(unanswered).rejects.toMatchObject({ code: 'VS_EVM_UNREACHABLE' })
  expect(questions).toBe(3)
})
