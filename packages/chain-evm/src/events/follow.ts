import { type Hex, isVeristackError } from '@veristack/core/receipt'
import { fail } from '../errors.ts'
import { type Block, blockByHash, blockByTag, trackBlocks } from '../rpc/blocks.ts'
import type { Chain } from '../rpc/connect.ts'
import { backoff, pause } from '../rpc/retry.ts'
import { type Asking, askChunk, askLogs, type EventFilter, firstChunk } from './ask.ts'
import type { BlockName, Cursor, EventLog } from './cursor.ts'

/**
 * An event; or `removed`: this block is not in the chain any more, and what was made of its events, each with this
 * `blockHash`, is to be taken back. The cursor is where to go on from after this item.
 */
export type Followed =
  | { readonly kind: 'event'; readonly log: EventLog; readonly cursor: Cursor }
  | { readonly kind: 'removed'; readonly block: bigint; readonly hash: Hex; readonly cursor: Cursor }

export interface FollowOptions extends EventFilter {
  /** The first block to look at, or where an earlier reader was. */
  readonly from: bigint | Cursor
  /** The deepest reorganisation that is followed, in blocks; default 64. What is deeper counts as final. */
  readonly depth?: number
  /** Ends the iteration. */
  readonly signal?: AbortSignal
  /** Told where a reader may go on when blocks without events are passed. */
  onProgress?(cursor: Cursor): void
}

const DEPTH = 64
const REACH = 128
/** Answers in a row that say no, for the same question. */
const REFUSALS = 10
const TOGETHER = 8

/**
 * Every event of the contracts in the order of the chain, each once, from a block or cursor on, for as long as it is iterated.
 * Blocks that a reorganisation takes away, of those that events were delivered from, are reported as removed, newest first,
 * before what comes instead. A node that does not answer is asked again, with growing pauses. Throws `VS_EVM_REORG_TOO_DEEP`, and
 * `VS_EVM_RPC` where the node goes on refusing.
 */
export async function* follow(chain: Chain, options: FollowOptions): AsyncGenerator<Followed, void, undefined> {
  const signal = options.signal === undefined ? chain.closed : AbortSignal.any([chain.closed, options.signal])
  const depth = options.depth ?? DEPTH
  if (!Number.isSafeInteger(depth) || depth < 1 || depth > 10_000) {
    throw fail('VS_EVM_INVALID_OPTION', { details: { field: 'depth', expected: '1 to 10000', got: depth } })
  }
  try {
    const reader = await startReader(chain, options, depth, signal)
    for (;;) {
      yield* rewind(reader)
      yield* backfill(reader)
      yield* tail(reader)
    }
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

interface Delivered extends BlockName {
  /** Whether an event of it was delivered. */
  readonly told: boolean
}

interface Reader extends Asking {
  readonly options: FollowOptions
  readonly depth: bigint
  /** The first block whose events are wanted. */
  readonly first: bigint
  /** Delivered, oldest first: one that stays, then those that may fall out. The last is where the reader is. */
  delivered: Delivered[]
  /** The last of them is delivered up to this event. */
  index: number | undefined
}

async function startReader(chain: Chain, options: FollowOptions, depth: number, signal: AbortSignal): Promise<Reader> {
  const { from } = options
  const patience = { refusals: REFUSALS, silences: Number.POSITIVE_INFINITY }
  const rest = { chain, options, signal, patience, depth: BigInt(depth), chunk: firstChunk(options), calm: 0 }
  if (typeof from !== 'bigint') {
    const recent = from.recent.map((b, i) => ({ ...b, told: i > 0 }))
    const last = { block: from.block, hash: from.hash, told: false }
    const delivered = recent.at(-1)?.hash === from.hash ? recent : [...recent, last]
    return { ...rest, first: 0n, delivered, index: from.index }
  }
  const head = await asked(signal, () => blockByTag(chain, 'latest', signal))
  // Far enough back that a reorganisation of the first blocks is nothing special. The first block of all has no events.
  const wanted = from - 1n < head.number - rest.depth ? from - 1n : head.number - rest.depth
  const anchor = await asked(signal, () => blockByTag(chain, wanted > 0n ? wanted : 0n, signal))
  return {
    ...rest,
    first: from,
    delivered: [{ block: anchor.number, hash: anchor.hash, told: false }],
    index: undefined,
  }
}

/** Takes back what is not in the chain any more. */
async function* rewind(reader: Reader): AsyncGenerator<Followed, void, undefined> {
  const { chain, signal } = reader
  for (let last = reader.delivered.at(-1); last !== undefined; last = reader.delivered.at(-1)) {
    const head = await asked(signal, () => blockByTag(chain, 'latest', signal))
    const known = reader.delivered.findLast((b) => b.block <= head.number)
    const there = known && (await asked(signal, () => blockByTag(chain, known.block, signal)))
    const stands = known !== undefined && there?.hash === known.hash
    if (stands && known === last) return
    if (stands) {
      // The head is behind what was delivered, on the same branch: the node lags, or the chain will grow and tell.
      await pause(chain.pollMs, signal)
      signal.throwIfAborted()
    } else {
      if (reader.delivered.length === 1) throw tooDeep(reader, last.block)
      yield* takeBack(reader)
    }
  }
}

/** Takes the last block back. */
function* takeBack(reader: Reader): Generator<Followed, void, undefined> {
  const last = reader.delivered.pop()
  reader.index = undefined
  if (last?.told !== true) return
  yield { kind: 'removed', block: last.block, hash: last.hash, cursor: cursorOf(reader.delivered) }
}

const tooDeep = (reader: Reader, block: bigint) =>
  fail('VS_EVM_REORG_TOO_DEEP', { details: { network: reader.chain.network, block, depth: reader.depth } })

/** What can not fall out any more, in large pieces. */
async function* backfill(reader: Reader): AsyncGenerator<Followed, void, undefined> {
  const { chain, signal, options } = reader
  yield* finishBlock(reader)
  for (;;) {
    const last = reader.delivered.at(-1)
    if (last === undefined) return
    const head = await asked(signal, () => blockByTag(chain, 'latest', signal))
    const safe = head.number - reader.depth
    if (last.block >= safe) return
    const from = last.block + 1n > reader.first ? last.block + 1n : reader.first
    if (from > safe) return
    const { to, logs } = await askChunk(reader, from, safe)
    const end = await asked(signal, () => blockByTag(chain, to, signal))
    for (const log of logs) {
      const cursor = cursorOf([{ block: log.block, hash: log.blockHash, told: true }], log.index)
      yield { kind: 'event', log, cursor }
    }
    reader.delivered = [{ block: end.number, hash: end.hash, told: false }]
    options.onProgress?.(cursorOf(reader.delivered))
  }
}

/** The rest of a block of which a part was delivered. */
async function* finishBlock(reader: Reader): AsyncGenerator<Followed, void, undefined> {
  const last = reader.delivered.at(-1)
  const { index } = reader
  if (last === undefined || index === undefined) return
  const logs = await asked(reader.signal, () => logsOf(reader, last.hash))
  reader.index = undefined
  reader.delivered.pop()
  yield* deliver(reader, last, logs, index)
}

/** Delivers a block's events after `after`, and counts the block as delivered. */
function* deliver(
  reader: Reader,
  { block, hash }: { readonly block: bigint; readonly hash: Hex },
  logs: readonly EventLog[],
  after = -1,
): Generator<Followed, void, undefined> {
  const before = reader.delivered
  for (const [i, log] of logs.entries()) {
    if (log.index <= after) continue
    const here = [...before, { block, hash, told: true }]
    // After the last event of a block nothing of it is left.
    const cursor = i === logs.length - 1 ? cursorOf(here) : cursorOf(here, log.index)
    yield { kind: 'event', log, cursor }
  }
  reader.delivered = [...before, { block, hash, told: logs.length > 0 }]
}

/** Block by block along the head, until the chain has run away or turned back too far. */
async function* tail(reader: Reader): AsyncGenerator<Followed, void, undefined> {
  const { chain, signal, options } = reader
  const start = reader.delivered.at(-1)
  if (start === undefined) return
  const block = await asked(signal, () => blockByHash(chain, start.hash, signal))
  if (block === undefined) return
  const reach = Number(reader.depth) + REACH
  const tracker = trackBlocks(chain, { depth: reach, reach })
  await tracker.restart(block)
  while (!signal.aborted) {
    const change = await asked(signal, () => tracker.advance(signal))
    if (change === 'lost') {
      await pause(chain.pollMs, signal)
      return
    }
    for (const gone of [...change.removed].reverse()) {
      if (reader.delivered.at(-1)?.hash !== gone.hash) continue
      if (reader.delivered.length === 1) throw tooDeep(reader, gone.number)
      yield* takeBack(reader)
    }
    for (let i = 0; i < change.added.length; i += TOGETHER) {
      const some = change.added.slice(i, i + TOGETHER)
      const read = await readBlocks(reader, some)
      // What can not be read is not in the chain any more.
      if (read === undefined) return
      for (const [n, added] of some.entries()) {
        yield* deliver(reader, { block: added.number, hash: added.hash }, read[n] ?? [])
      }
    }
    if (change.added.length > 0) {
      prune(reader)
      options.onProgress?.(cursorOf(reader.delivered))
    }
    await pause(chain.pollMs, signal)
  }
  signal.throwIfAborted()
}

/** The events of some blocks; undefined where one of them is gone. */
async function readBlocks(
  reader: Reader,
  blocks: readonly Block[],
): Promise<readonly (readonly EventLog[])[] | undefined> {
  const { chain, signal } = reader
  const last = blocks.at(-1)
  return asked(signal, async () => {
    try {
      return await Promise.all(blocks.map((b) => (b.number < reader.first ? [] : logsOf(reader, b.hash))))
    } catch (error) {
      if (last === undefined || !isVeristackError(error, 'VS_EVM_RPC')) throw error
      const there = await blockByTag(chain, last.number, signal)
      if (there.hash === last.hash) throw error
      return undefined
    }
  })
}

/** One block stays that is deeper than what is followed. */
function prune(reader: Reader): void {
  const head = reader.delivered.at(-1)?.block ?? 0n
  let keep = 0
  while ((reader.delivered[keep + 1]?.block ?? head) <= head - reader.depth) keep += 1
  reader.delivered = reader.delivered.slice(keep)
}

/** Blocks without events are left out, but for the first and the last. */
function cursorOf(delivered: readonly Delivered[], index?: number): Cursor {
  const last = delivered.at(-1)
  if (last === undefined) throw new TypeError('a cursor of nothing')
  const recent = delivered.filter((b, i) => i === 0 || b.told).map(({ block, hash }) => ({ block, hash }))
  return { block: last.block, hash: last.hash, ...(index === undefined ? {} : { index }), recent }
}

/** By hash: a node that does not have the block says so, where a range would be answered with nothing. */
async function logsOf(reader: Reader, blockHash: Hex): Promise<readonly EventLog[]> {
  return askLogs(reader, { blockHash })
}

/** Asks until there is an answer. Throws what the node says when it goes on saying it. */
async function asked<T>(signal: AbortSignal, question: () => Promise<T>): Promise<T> {
  const gap = backoff()
  for (let refused = 0; ; ) {
    signal.throwIfAborted()
    try {
      return await question()
    } catch (error) {
      signal.throwIfAborted()
      if (!isVeristackError(error)) throw error
      if (error.code !== 'VS_EVM_UNREACHABLE') refused += 1
      if (refused >= REFUSALS) throw error
      await gap.wait(signal)
    }
  }
}
