import { mkdtemp, open, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Address, isVeristackError } from '@veristack/core'
import { type Account, type Chain, connect, type Lane, type LaneOptions, laneOf, privateKeyAccount } from '../index.ts'
import { type Anvil, developmentAccounts, startAnvil } from '../local/index.ts'
import {
  COUNTER,
  countOf,
  type FaultyRpc,
  faultyRpc,
  placeCounter,
  seeded,
  unreliable,
  word,
} from './faults.fixture.ts'

const [first] = developmentAccounts
if (first === undefined) throw new Error('no accounts')
const to = `0x${'77'.repeat(20)}` as Address

let anvil: Anvil
let direct: Chain
let account: Account
let directory: string
const opened: { close(): void | Promise<void> }[] = []

beforeEach(async () => {
  anvil = await startAnvil()
  direct = await connect({ rpcUrl: anvil.rpcUrl })
  account = await privateKeyAccount(first.privateKey)
  directory = await mkdtemp(join(tmpdir(), 'veristack-lane-'))
  await placeCounter(direct)
})
afterEach(async () => {
  for (const o of opened.splice(0).reverse()) await o.close()
  direct.close()
  await anvil.stop()
  await rm(directory, { recursive: true, force: true })
})

const mine = (blocks = 1) => direct.rpc('anvil_mine', [`0x${blocks.toString(16)}`])
const automine = (on: boolean) => direct.rpc('evm_setAutomine', [on])
const nonceOf = async () => Number(await direct.rpc('eth_getTransactionCount', [account.address, 'latest']))

async function laneAt(rpcUrl = anvil.rpcUrl, options: LaneOptions = {}): Promise<Lane> {
  const chain = await connect({ rpcUrl, timeoutMs: 2000 })
  const lane = laneOf(chain, account, options)
  opened.push(chain, lane)
  return lane
}
const faulty = async (fault: Parameters<typeof faultyRpc>[1]): Promise<FaultyRpc> => {
  const rpc = await faultyRpc(anvil.rpcUrl, fault)
  opened.push({ close: rpc.stop })
  return rpc
}
/** `gasLimit` is given so that one that waits in the pool does not disturb the estimate of the next. */
const count = (lane: Lane, n: number, options = {}) =>
  lane.send({ to: COUNTER, data: word(n), name: 'count', idempotencyKey: `k${n}`, gasLimit: 60_000n, ...options })

/** Until something is so on chain. */
async function until(is: () => Promise<boolean>): Promise<void> {
  while (!(await is())) await new Promise((resolve) => setImmediate(resolve))
}
const pooled = (n: number) =>
  until(async () => Number(((await direct.rpc('txpool_status', [])) as { pending: string }).pending) === n)

/** Mines until everything is through; with a base fee that does not fall where one is given. */
async function mineUntil(work: Promise<unknown>, baseFeeWei?: bigint): Promise<void> {
  let ended = false
  const end = (): void => {
    ended = true
  }
  work.then(end, end)
  while (!ended) {
    if (baseFeeWei !== undefined) {
      await direct.rpc('anvil_setNextBlockBaseFeePerGas', [`0x${baseFeeWei.toString(16)}`])
    }
    await mine()
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  await work
}

describe('one key, one effect', () => {
  test('the second send gives the answer of the first, side by side and after', async () => {
    const lane = await laneAt()
    const [a, b] = await Promise.all([count(lane, 1), count(lane, 1)])
    expect(b).toEqual(a)
    expect(await count(lane, 1)).toEqual(a)
    expect(a.logs.map((l) => l.topics)).toEqual([[word(1)]])
    expect(await countOf(direct, 1)).toBe(1)
  })

  test('also after a restart', async () => {
    const before = await laneAt(anvil.rpcUrl, { journalDirectory: directory })
    const mined = await count(before, 1)
    await before.close()
    const after = await laneAt(anvil.rpcUrl, { journalDirectory: directory })
    expect(await count(after, 1)).toEqual(mined)
    expect(await countOf(direct, 1)).toBe(1)
    await expect(count(after, 1, { data: word(2) })).rejects.toMatchObject({ code: 'VS_EVM_IDEMPOTENCY_CONFLICT' })
  })

  test('what was refused before it was sent may be sent again; what was reverted only where that is asked for', async () => {
    await direct.rpc('anvil_setCode', [COUNTER, '0x5f5ffd'])
    const lane = await laneAt()
    const estimated = { gasLimit: undefined }
    await expect(lane.send({ to: COUNTER, data: word(1), name: 'count', idempotencyKey: 'k1' })).rejects.toMatchObject({
      code: 'VS_EVM_REVERTED',
    })
    expect(estimated.gasLimit).toBeUndefined()
    await expect(count(lane, 1)).rejects.toMatchObject({ code: 'VS_EVM_REVERTED' })
    await placeCounter(direct)
    await expect(count(lane, 1)).rejects.toMatchObject({ code: 'VS_EVM_REVERTED' })
    expect(await countOf(direct, 1)).toBe(0)
    await count(lane, 1, { ifReverted: 'send' })
    expect(await countOf(direct, 1)).toBe(1)
  })
})

describe('the journal', () => {
  test('is locked against a second process, and free when closed', async () => {
    const lane = await laneAt(anvil.rpcUrl, { journalDirectory: directory })
    await lane.open()
    const second = await laneAt(anvil.rpcUrl, { journalDirectory: directory })
    await expect(second.open()).rejects.toMatchObject({ code: 'VS_EVM_LANE_LOCKED', details: { process: process.pid } })
    await lane.close()
    await second.open()
    await expect(count(lane, 1)).rejects.toMatchObject({ code: 'VS_EVM_LANE_CLOSED' })
  })

  test('is that of one chain, not of another with the same id', async () => {
    const lane = await laneAt(anvil.rpcUrl, { journalDirectory: directory })
    await count(lane, 1)
    await lane.close()
    const other = await startAnvil({ args: ['--timestamp', '1900000000'] })
    opened.push({ close: other.stop })
    const elsewhere = await laneAt(other.rpcUrl, { journalDirectory: directory })
    await expect(elsewhere.open()).rejects.toMatchObject({
      code: 'VS_EVM_JOURNAL_MISMATCH',
      details: { field: 'genesis' },
    })
  })

  test('may end in the middle of a line, but not be damaged before', async () => {
    const lane = await laneAt(anvil.rpcUrl, { journalDirectory: directory })
    await count(lane, 1)
    await lane.close()
    const [name] = (await readdir(directory)).filter((f) => f.endsWith('.journal'))
    const path = join(directory, String(name))
    const text = await readFile(path, 'utf8')
    await writeFile(path, `${text}{"kind":"intent","inte`)
    const again = await laneAt(anvil.rpcUrl, { journalDirectory: directory })
    await count(again, 1)
    await count(again, 2)
    await again.close()
    expect((await readFile(path, 'utf8')).startsWith(text)).toBe(true)
    await writeFile(path, text.replace('"intent":0', '"intent":'))
    const damaged = await laneAt(anvil.rpcUrl, { journalDirectory: directory })
    await expect(damaged.open()).rejects.toMatchObject({ code: 'VS_EVM_JOURNAL_CORRUPT', details: { line: 2 } })
    expect([await countOf(direct, 1), await countOf(direct, 2)]).toEqual([1, 1])
  })

  test('nothing is handed to the node that is not on disk', async () => {
    let onDisk: string | undefined
    const early: unknown[] = []
    const rpc = await faulty(({ method, params: [raw] }) => {
      if (method === 'eth_sendRawTransaction' && onDisk?.includes(String(raw)) === false) early.push(raw)
      return { do: 'pass' }
    })
    const lane = await laneAt(rpc.rpcUrl, { journalDirectory: directory })
    await automine(false)
    // One that is looked after already.
    const sent = [count(lane, 0)]
    await pooled(1)
    const [name] = (await readdir(directory)).filter((f) => f.endsWith('.journal'))
    const file = await open(join(directory, String(name)), 'r')
    onDisk = await file.readFile('utf8')
    let goOn = (): void => {}
    const disk = jest.spyOn(Object.getPrototypeOf(file) as typeof file, 'datasync').mockImplementation(
      () =>
        new Promise((resolve) => {
          goOn = resolve
        }),
    )
    await file.close()
    sent.push(...[1, 2, 3].map((n) => count(lane, n)))
    await until(async () => disk.mock.calls.length > 0)
    // At each block the lane looks after what is in none.
    for (let i = 0; i < 10; i++) {
      await mine()
      await new Promise((resolve) => setTimeout(resolve, 25))
    }
    const handedEarly = [...early]
    onDisk = undefined
    disk.mockRestore()
    goOn()
    expect(handedEarly).toEqual([])
    await mineUntil(Promise.all(sent))
    expect(await Promise.all([0, 1, 2, 3].map((n) => countOf(direct, n)))).toEqual([1, 1, 1, 1])
  })

  test('what was written and not sent is sent after the restart', async () => {
    const rpc = await faulty(({ method }) =>
      method === 'eth_sendRawTransaction' ? { do: 'drop', when: 'before' } : { do: 'pass' },
    )
    const lane = await laneAt(rpc.rpcUrl, { journalDirectory: directory })
    const sends = [1, 2, 3].map((n) => count(lane, n).catch((e: unknown) => e))
    await until(async () => (rpc.done.get('drop') ?? 0) >= 3)
    await lane.close()
    for (const why of await Promise.all(sends)) expect(isVeristackError(why, 'VS_EVM_LANE_CLOSED')).toBe(true)
    expect(await nonceOf()).toBe(0)
    const again = await laneAt(anvil.rpcUrl, { journalDirectory: directory })
    await again.idle()
    expect(await Promise.all([1, 2, 3].map((n) => countOf(direct, n)))).toEqual([1, 1, 1])
    expect(await nonceOf()).toBe(3)
  })
})

describe('transactions that do not go through by themselves', () => {
  test('dropped by the node: sent again', async () => {
    const lane = await laneAt()
    await automine(false)
    const sent = [1, 2, 3].map((n) => count(lane, n))
    await pooled(3)
    await direct.rpc('anvil_dropAllTransactions', [])
    // No block comes that could bring a replacement: each is handed in again as it was.
    await automine(true)
    await Promise.all(sent)
    expect(await Promise.all([1, 2, 3].map((n) => countOf(direct, n)))).toEqual([1, 1, 1])
  })

  test('the base fee rises above what was offered: replaced by higher ones, each once', async () => {
    const lane = await laneAt()
    await automine(false)
    const sent = Promise.all([1, 2, 3, 4, 5].map((n) => count(lane, n)))
    await pooled(5)
    await mineUntil(sent, 8n * 10n ** 9n)
    expect(await Promise.all([1, 2, 3, 4, 5].map((n) => countOf(direct, n)))).toEqual([1, 1, 1, 1, 1])
    expect(await nonceOf()).toBe(5)
  })

  describe('on a chain that makes a block only for a transaction, the base fee rises', () => {
    const rise = () => direct.rpc('anvil_setNextBlockBaseFeePerGas', [`0x${(5n * 10n ** 9n).toString(16)}`])
    const three = [1, 2, 3]
    const onceEach = async (): Promise<void> => {
      expect(await Promise.all(three.map((n) => countOf(direct, n)))).toEqual([1, 1, 1])
      expect(await nonceOf()).toBe(3)
    }

    test('before anything is sent: what is offered is enough at once', async () => {
      let handed = 0
      const rpc = await faulty(({ method }) => {
        if (method === 'eth_sendRawTransaction') handed += 1
        return { do: 'pass' }
      })
      const lane = await laneAt(rpc.rpcUrl)
      await count(lane, 1)
      await rise()
      await count(lane, 2)
      await count(lane, 3)
      await onceEach()
      expect(handed).toBe(3)
    })

    test('on the way to the node, which refuses it: replaced', async () => {
      let risen: Promise<unknown> | undefined
      const rpc = await faulty(({ method }) => {
        if (method !== 'eth_sendRawTransaction') return { do: 'pass' }
        risen ??= rise()
        return { do: 'hold', until: risen }
      })
      const lane = await laneAt(rpc.rpcUrl)
      await Promise.all(three.map((n) => count(lane, n)))
      await onceEach()
    })
  })

  test('never above the cap', async () => {
    const cap = 3n * 10n ** 9n
    const lane = await laneAt(anvil.rpcUrl, { maxFeePerGasWei: cap, journalDirectory: directory })
    await automine(false)
    const sent = count(lane, 1)
    await pooled(1)
    await direct.rpc('anvil_setNextBlockBaseFeePerGas', [`0x${(4n * 10n ** 9n).toString(16)}`])
    await mine()
    // Empty blocks bring the base fee down by an eighth each.
    await mineUntil(sent)
    const [name] = (await readdir(directory)).filter((f) => f.endsWith('.journal'))
    const text = await readFile(join(directory, String(name)), 'utf8')
    const offered = [...text.matchAll(/"maxFeeWei":"(\d+)"/g)].map(([, wei]) => BigInt(wei ?? 0))
    expect(offered.length).toBeGreaterThan(0)
    expect(offered.every((wei) => wei <= cap)).toBe(true)
    expect(await countOf(direct, 1)).toBe(1)
  })

  test('refused by the node for good: told, the nonce is filled, the others go on, and the key is free', async () => {
    const lane = await laneAt()
    const transfer = { to, data: '0x', name: 'transfer', gasLimit: 21_000n, idempotencyKey: 'poor' } as const
    const poor = lane.send({ ...transfer, valueWei: 10n ** 30n })
    const others = [1, 2, 3].map((n) => count(lane, n))
    await expect(poor).rejects.toMatchObject({ code: 'VS_EVM_RPC' })
    await Promise.all(others)
    expect(await nonceOf()).toBe(4)
    await lane.send(transfer)
    expect(await nonceOf()).toBe(5)
  })

  test('less gas than its calldata takes is never in a block, and not every node says so: nothing is sent', async () => {
    const data = `0x00${'ab'.repeat(600)}` as const
    const floor = 21_000n + 10n * (1n + 4n * 600n)
    let estimate = floor - 1n
    const rpc = await faulty(({ method }) =>
      method === 'eth_estimateGas' ? { do: 'answer', result: `0x${estimate.toString(16)}` } : { do: 'pass' },
    )
    const lane = await laneAt(rpc.rpcUrl)
    const transfer = { to, data, name: 'transfer' }
    await expect(lane.send(transfer)).rejects.toMatchObject({ code: 'VS_EVM_RPC' })
    await expect(lane.send({ ...transfer, gasLimit: floor - 1n })).rejects.toMatchObject({
      code: 'VS_EVM_INVALID_OPTION',
      details: { field: 'gasLimit' },
    })
    expect(await nonceOf()).toBe(0)
    expect((await lane.send({ ...transfer, gasLimit: floor })).gasUsed).toBe(floor)
    estimate = floor
    expect((await lane.send(transfer)).gasUsed).toBe(floor)
    expect(await nonceOf()).toBe(2)
  })

  test('a nonce that the node only pretended was next: the gap is filled', async () => {
    let lies = true
    const rpc = await faulty(({ method, params }) => {
      if (method === 'eth_sendRawTransaction') lies = false
      return lies && method === 'eth_getTransactionCount' && params[1] === 'pending'
        ? { do: 'answer', result: '0x3' }
        : { do: 'pass' }
    })
    const lane = await laneAt(rpc.rpcUrl)
    await count(lane, 1)
    expect(await countOf(direct, 1)).toBe(1)
    expect(await nonceOf()).toBe(4)
  })

  test.each([1, 2, 3])('a count that is far too high, %i times: nothing is signed with it', async (times) => {
    let left = times
    const rpc = await faulty(({ method }) =>
      method === 'eth_getTransactionCount' && left-- > 0 ? { do: 'answer', result: '0xffff' } : { do: 'pass' },
    )
    const lane = await laneAt(rpc.rpcUrl)
    await count(lane, 1)
    expect(await countOf(direct, 1)).toBe(1)
    expect(await nonceOf()).toBe(1)
  })

  test('a nonce that others used already: the next one is used', async () => {
    const other = await laneAt()
    await Promise.all([1, 2, 3].map((n) => count(other, n)))
    await other.close()
    let lies = true
    const rpc = await faulty(({ method, params }) => {
      if (method === 'eth_sendRawTransaction') lies = false
      return lies && method === 'eth_getTransactionCount' && params[1] === 'pending'
        ? { do: 'answer', result: '0x1' }
        : { do: 'pass' }
    })
    const lane = await laneAt(rpc.rpcUrl)
    await Promise.all([4, 5, 6].map((n) => count(lane, n)))
    expect(await Promise.all([1, 2, 3, 4, 5, 6].map((n) => countOf(direct, n)))).toEqual([1, 1, 1, 1, 1, 1])
    expect(await nonceOf()).toBe(6)
  })

  test('a node that says a pending nonce was used does not make it be sent twice', async () => {
    await automine(false)
    const rpc = await faulty(({ method, params }) =>
      method === 'eth_getTransactionCount' && params[1] !== 'pending'
        ? { do: 'answer', result: '0x9' }
        : { do: 'pass' },
    )
    const lane = await laneAt(rpc.rpcUrl)
    const sent = count(lane, 1).catch((e: unknown) => e)
    expect(isVeristackError(await sent, 'VS_EVM_TRANSACTION_LOST')).toBe(true)
    const again = count(lane, 1)
    await mine()
    await again
    expect(await countOf(direct, 1)).toBe(1)
    expect(await nonceOf()).toBe(1)
  })
})

describe('confirmations', () => {
  test('by depth', async () => {
    const lane = await laneAt(anvil.rpcUrl, { confirmations: 4 })
    let counts = false
    const sent = count(lane, 1).then(() => {
      counts = true
    })
    await until(async () => (await countOf(direct, 1)) === 1)
    const reorged = Number(await direct.rpc('eth_blockNumber', []))
    for (let i = 1; i < 4; i++) {
      expect(counts).toBe(false)
      await mine()
    }
    await sent
    expect(Number(await direct.rpc('eth_blockNumber', []))).toBe(reorged + 3)
  })

  test.each(['safe', 'finalized'] as const)('%s', async (confirmations) => {
    const lane = await laneAt(anvil.rpcUrl, { confirmations })
    const sent = count(lane, 1)
    await until(async () => (await countOf(direct, 1)) === 1)
    await mineUntil(sent)
    const tagged = (await direct.rpc('eth_getBlockByNumber', [confirmations, false])) as { number: string }
    expect(BigInt(tagged.number)).toBeGreaterThanOrEqual((await sent).block)
  })
})

describe('reorganisations', () => {
  const depths = Array.from({ length: 12 }, (_, i) => i + 1)
  const reorg = (depth: number) => direct.rpc('anvil_reorg', [depth, []])

  test.each(depths)('of depth %i, before, between and after', async (depth) => {
    const lane = await laneAt(anvil.rpcUrl, { confirmations: 2 })
    await mine(20)
    await automine(false)
    let next = 0
    const sends: Promise<unknown>[] = []
    const sendSome = async () => {
      for (let i = 0; i < 3; i++) sends.push(count(lane, next++))
      await pooled(3)
    }
    // In the pool.
    await sendSome()
    await reorg(depth)
    await mineUntil(Promise.all(sends))
    // In a block, not yet counting.
    await sendSome()
    await mine()
    await reorg(depth)
    await mineUntil(Promise.all(sends))
    // Counting.
    await reorg(depth)
    const all = () => Promise.all(Array.from({ length: next }, (_, n) => countOf(direct, n)))
    await mineUntil(until(async () => (await all()).every((c) => c === 1)))
    // With the next ones on the way.
    await sendSome()
    await mine(depth)
    await reorg(depth)
    await mineUntil(Promise.all(sends))
    await mineUntil(until(async () => (await all()).every((c) => c === 1)))
    expect(await nonceOf()).toBe(next)
  })
})

describe('an RPC that drops, delays, repeats and lies', () => {
  test.each([1, 2, 3])('each once (seed %i)', async (seed) => {
    const random = seeded(seed)
    let calm = false
    const unsteady = unreliable(random, 0.25)
    const rpc = await faulty((call) => (calm || call.method === 'eth_chainId' ? { do: 'pass' } : unsteady(call)))
    const lane = await laneAt(rpc.rpcUrl, { journalDirectory: directory })
    const numbers = Array.from({ length: 40 }, (_, n) => n)
    const stubborn = async (n: number): Promise<void> => {
      for (;;) {
        const why = await count(lane, n).then(
          () => undefined,
          (e: unknown) => e,
        )
        if (why === undefined) return
        if (!isVeristackError(why)) throw why
      }
    }
    await Promise.all(numbers.map(stubborn))
    expect(await Promise.all(numbers.map((n) => countOf(direct, n)))).toEqual(numbers.map(() => 1))
    for (const kind of ['drop', 'delay', 'repeat', 'answer', 'alter']) expect(rpc.done.get(kind)).toBeGreaterThan(0)
    calm = true
  })
})
