import {
  type Account,
  type Chain,
  type Cursor,
  connect,
  type Followed,
  follow,
  laneOf,
  parseCursor,
  parseStoredEventLog,
  privateKeyAccount,
  serialiseCursor,
  serialiseEventLog,
} from '../index.ts'
import { type Anvil, developmentAccounts, startAnvil } from '../local/index.ts'
import {
  COUNTER,
  type FaultyRpc,
  faultyRpc,
  placeCounter,
  seeded,
  unreliable,
  word,
} from '../transactions/faults.fixture.ts'

const [first] = developmentAccounts
if (first === undefined) throw new Error('no accounts')

let anvil: Anvil
let chain: Chain
let account: Account
let nonce: number
const opened: { close(): void | Promise<void> }[] = []

beforeEach(async () => {
  anvil = await startAnvil({ args: ['--no-mining'] })
  chain = await connect({ rpcUrl: anvil.rpcUrl })
  account = await privateKeyAccount(first.privateKey)
  nonce = 0
  await placeCounter(chain)
})
afterEach(async () => {
  for (const o of opened.splice(0).reverse()) await o.close()
  chain.close()
  await anvil.stop()
})

const mine = (blocks = 1) => chain.rpc('anvil_mine', [`0x${blocks.toString(16)}`])
/** A signed call of the counter; the nonce is taken from a counter here, or given. */
const emission = (n: number, at = nonce++) =>
  account.sign({
    type: 2,
    chainId: 31337n,
    nonce: at,
    to: COUNTER,
    value: 0n,
    data: word(n),
    gasLimit: 60_000n,
    maxFeePerGas: 10n ** 11n,
    maxPriorityFeePerGas: 1n,
  })
/** Each list is a block of events. */
async function emit(...blocks: readonly (readonly number[])[]): Promise<void> {
  for (const numbers of blocks) {
    for (const n of numbers) await chain.rpc('eth_sendRawTransaction', [await emission(n)])
    await mine()
  }
}
/** Replaces the last `depth` blocks; each number is an event in the block at that offset. */
async function reorg(depth: number, events: readonly (readonly [n: number, offset: number])[]): Promise<void> {
  const from = Number(await chain.rpc('eth_blockNumber', [])) - depth
  let at = Number(await chain.rpc('eth_getTransactionCount', [account.address, `0x${from.toString(16)}`]))
  const pairs: unknown[] = []
  for (const [n, offset] of events) pairs.push([await emission(n, at++), offset])
  nonce = at
  await chain.rpc('anvil_reorg', [depth, pairs])
}

type EventLog = Extract<Followed, { readonly kind: 'event' }>['log']
const idOf = (log: EventLog): string => `${log.block}:${log.blockHash}:${log.index}:${Number(log.topics[0])}`

/** What a database fed by the follower would hold: refuses an event twice, and a removal of what is not its newest block. */
class Reader {
  readonly held: string[] = []
  cursor: Cursor | undefined
  #stop = new AbortController()
  #running: Promise<void> | undefined

  start(at: Chain, from: bigint | Cursor, options: { depth?: number; chunk?: number } = {}): void {
    this.#stop = new AbortController()
    const run = async (): Promise<void> => {
      const { signal } = this.#stop
      for await (const item of follow(at, { address: COUNTER, from, signal, ...options })) {
        if (item.kind === 'event') {
          const id = idOf(item.log)
          if (this.held.includes(id)) throw new Error(`twice: ${id}`)
          this.held.push(id)
        } else {
          const block = `${item.block}:${item.hash}:`
          if (this.held.at(-1)?.startsWith(block) !== true) throw new Error(`not the newest: ${block}`)
          while (this.held.at(-1)?.startsWith(block) === true) this.held.pop()
        }
        this.cursor = parseCursor(serialiseCursor(item.cursor))
      }
    }
    this.#running = run()
    this.#running.catch(() => undefined)
  }
  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#running
  }
  get ended(): Promise<void> | undefined {
    return this.#running
  }
  /** Until it holds exactly what the chain has. */
  async caughtUp(): Promise<void> {
    let failed: unknown
    this.#running?.catch((e: unknown) => {
      failed = e
    })
    for (;;) {
      if (failed !== undefined) throw failed
      const logs = (await chain.rpc('eth_getLogs', [{ address: COUNTER, fromBlock: '0x0', toBlock: 'latest' }])) as {
        blockNumber: string
        blockHash: string
        logIndex: string
        topics: string[]
      }[]
      const ids = logs.map(
        (l) => `${BigInt(l.blockNumber)}:${l.blockHash}:${Number(l.logIndex)}:${Number(l.topics[0])}`,
      )
      if (ids.join() === this.held.join()) return
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }
}

test('reads what was and what comes, each once, in order', async () => {
  await emit([1], [2, 3], [])
  await mine(100)
  await emit([4, 5], [6])
  const reader = new Reader()
  reader.start(chain, 0n, { chunk: 7 })
  await reader.caughtUp()
  await emit([7], [8, 9])
  await reader.caughtUp()
  expect(reader.held.map((id) => Number(id.split(':').at(-1)))).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9])
  await reader.stop()
})

test('begins where it is told to', async () => {
  await emit([1], [2])
  const from = BigInt(String(await chain.rpc('eth_blockNumber', [])))
  const seen: number[] = []
  for await (const item of follow(chain, { address: COUNTER, from })) {
    if (item.kind !== 'event') throw new Error('removed')
    seen.push(Number(item.log.topics[0]))
    if (seen.length === 1) await emit([3])
    else break
  }
  expect(seen).toEqual([2, 3])
})

test('filters by topic', async () => {
  await emit([1], [2], [1])
  const seen: bigint[] = []
  for await (const item of follow(chain, { address: [COUNTER], topics: [word(1)], from: 0n })) {
    if (item.kind === 'event') seen.push(item.log.block)
    if (seen.length === 2) break
  }
  expect(seen).toEqual([1n, 3n])
})

test.each(Array.from({ length: 12 }, (_, i) => i + 1))('a reorganisation of depth %i', async (depth) => {
  await mine(5)
  await emit([1], [2, 3], [], [4], [5], [6, 7], [8], [], [9], [10], [11, 12], [13], [14])
  const reader = new Reader()
  reader.start(chain, 0n)
  await reader.caughtUp()
  const before = reader.held.at(-1)
  await reorg(
    depth,
    depth === 1
      ? [[101, 0]]
      : [
          [101, 0],
          [102, 1],
          [103, 1],
        ],
  )
  await reader.caughtUp()
  expect(reader.held).not.toContain(before)
  await emit([104])
  await reader.caughtUp()
  // And while it is not there, from the place that it had kept.
  await emit([105, 106], [107])
  await reader.caughtUp()
  await reader.stop()
  await reorg(depth, [[108, 0]])
  await emit([109])
  const { cursor } = reader
  if (cursor === undefined) throw new Error('no cursor')
  reader.start(chain, cursor)
  await reader.caughtUp()
  await reader.stop()
})

test('goes on after any event, also in the middle of a block', async () => {
  await emit([1, 2, 3], [4])
  await mine(80)
  await emit([5, 6, 7], [8, 9], [10])
  const reader = new Reader()
  let from: bigint | Cursor = 0n
  for (let i = 0; i < 10; i++) {
    for await (const item of follow(chain, { address: COUNTER, from })) {
      if (item.kind !== 'event') throw new Error('removed')
      reader.held.push(idOf(item.log))
      from = parseCursor(serialiseCursor(item.cursor))
      break
    }
  }
  reader.start(chain, from)
  await reader.caughtUp()
  await reader.stop()
  expect(reader.held).toHaveLength(10)
})

test('a cursor names blocks, and holds none of their events', async () => {
  await mine(5)
  await emit([1, 2, 3, 4, 5, 6, 7, 8], [], [9], [])
  const reader = new Reader()
  reader.start(chain, 0n)
  await reader.caughtUp()
  await reader.stop()
  const at = async (n: number) => {
    const { hash } = (await chain.rpc('eth_getBlockByNumber', [`0x${n.toString(16)}`, false])) as { hash: string }
    return { block: BigInt(n), hash }
  }
  expect(reader.cursor).toEqual({ ...(await at(8)), recent: [await at(0), await at(6), await at(8)] })
})

test('a block of which only a part was delivered is taken back too', async () => {
  await mine(3)
  await emit([1], [2, 3, 4])
  const reader = new Reader()
  for await (const item of follow(chain, { address: COUNTER, from: 0n })) {
    if (item.kind !== 'event') throw new Error('removed')
    reader.held.push(idOf(item.log))
    reader.cursor = parseCursor(serialiseCursor(item.cursor))
    if (reader.held.length === 3) break
  }
  expect(reader.cursor?.index).toBeDefined()
  await reorg(1, [[5, 0]])
  await emit([6])
  reader.start(chain, reader.cursor ?? 0n)
  await reader.caughtUp()
  await reader.stop()
  expect(reader.held.map((id) => Number(id.split(':').at(-1)))).toEqual([1, 5, 6])
})

test('an event is stored and read back as it was, and nothing else is', async () => {
  await emit([1])
  for await (const item of follow(chain, { address: COUNTER, from: 0n })) {
    if (item.kind !== 'event') throw new Error('removed')
    const text = serialiseEventLog(item.log)
    expect(parseStoredEventLog(text)).toEqual(item.log)
    for (const bad of ['', '{}', '[]', text.slice(1), text.replace('"index"', '"place"'), text.replace('0x', '0y')]) {
      expect(() => parseStoredEventLog(bad)).toThrow('VS_EVM_INVALID_OPTION')
    }
    break
  }
})

test('deeper than it follows is an error', async () => {
  await mine(10)
  await emit([1], [2], [3], [4], [5], [6])
  const reader = new Reader()
  reader.start(chain, 0n, { depth: 4 })
  await reader.caughtUp()
  await reorg(6, [[7, 0]])
  await expect(reader.ended).rejects.toMatchObject({ code: 'VS_EVM_REORG_TOO_DEEP' })
  const again = new Reader()
  again.start(chain, reader.cursor ?? 0n, { depth: 4 })
  await expect(again.ended).rejects.toMatchObject({ code: 'VS_EVM_REORG_TOO_DEEP' })
})

const faulty = async (fault: Parameters<typeof faultyRpc>[1]): Promise<{ rpc: FaultyRpc; through: Chain }> => {
  const rpc = await faultyRpc(anvil.rpcUrl, fault)
  const through = await connect({ rpcUrl: rpc.rpcUrl, timeoutMs: 1000 })
  opened.push({ close: rpc.stop }, through)
  return { rpc, through }
}

test('asks for fewer blocks where the node wants that', async () => {
  await emit([1])
  await mine(300)
  await emit([2])
  const ranges: number[] = []
  const { through } = await faulty(({ method, params }) => {
    if (method !== 'eth_getLogs') return { do: 'pass' }
    const [filter] = params as [{ fromBlock?: string; toBlock?: string }]
    if (filter.fromBlock === undefined) return { do: 'pass' }
    const range = Number(filter.toBlock) - Number(filter.fromBlock) + 1
    if (range > 20) return { do: 'refuse', message: 'query exceeds max block range 20' }
    ranges.push(range)
    return { do: 'pass' }
  })
  const reader = new Reader()
  reader.start(through, 0n)
  await reader.caughtUp()
  await reader.stop()
  expect(Math.max(...ranges)).toBeLessThanOrEqual(20)
  expect(ranges.length).toBeGreaterThan(10)
})

test.each([1, 2, 3])('an RPC that drops, delays, repeats and lags (seed %i)', async (seed) => {
  const random = seeded(seed)
  const unsteady = unreliable(random, 0.2)
  let calm = false
  const { through } = await faulty((call) => (calm ? { do: 'pass' } : unsteady(call)))
  const reader = new Reader()
  reader.start(through, 0n)
  for (let round = 0; round < 6; round++) {
    await emit([10 * round], [10 * round + 1, 10 * round + 2], [])
    await reader.caughtUp()
    await reorg(1 + Math.floor(3 * random()), [[1000 + round, 0]])
    await reader.caughtUp()
  }
  calm = true
  await reader.stop()
})

test('a node that is away for a while', async () => {
  let away = false
  const { rpc, through } = await faulty(() => (away ? { do: 'drop', when: 'before' } : { do: 'pass' }))
  const reader = new Reader()
  reader.start(through, 0n)
  await emit([1])
  await reader.caughtUp()
  away = true
  const dropped = rpc.done.get('drop') ?? 0
  await emit([2])
  await mine(200)
  await emit([3])
  while ((rpc.done.get('drop') ?? 0) < dropped + 4) await new Promise((resolve) => setTimeout(resolve, 5))
  away = false
  await reader.caughtUp()
  await reader.stop()
})

test('a cursor that is none is refused', () => {
  const bad = ['', '{}', '{"block":"1"}', '[]', '{"block":"1","hash":"0x","recent":[]}', '{"block":"1","x":1}']
  for (const text of bad) expect(() => parseCursor(text)).toThrow('VS_EVM_INVALID_OPTION')
})

test('closing the chain ends it', async () => {
  const other = await connect({ rpcUrl: anvil.rpcUrl })
  const reader = new Reader()
  reader.start(other, 0n)
  other.close()
  await reader.ended
  expect(laneOf(other, account).account).toBe(account.address)
})
