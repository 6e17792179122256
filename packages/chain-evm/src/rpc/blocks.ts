import { type Hex, parseHex } from '@veristack/core/receipt'
import { fail } from '../errors.ts'
import type { Chain } from './connect.ts'
import { persistently } from './retry.ts'

/** A block as far as it is looked at: its header's links and its transactions' hashes. */
export interface Block {
  readonly number: bigint
  readonly hash: Hex
  readonly parent: Hex
  /** Wei per gas; 0 on chains without EIP-1559. */
  readonly baseFeeWei: bigint
  readonly transactions: readonly Hex[]
}

/** How the canonical chain changed. Both oldest first. */
export interface Advance {
  readonly removed: readonly Block[]
  readonly added: readonly Block[]
}

/** The canonical chain's last blocks, as one node tells them from look to look. */
export interface BlockTracker {
  /** The newest block seen. */
  readonly head: Block | undefined
  /** The block that is canonical at this height, where it is among those kept. */
  at(number: bigint): Block | undefined
  /**
   * Looks again. A head that is behind on the same branch is a node that lags, and no news. `lost`: no kept block is an
   * ancestor of the head, because the reorganisation is deeper than what is kept; or the head is more than `reach` away.
   * Nothing is changed then: see {@link BlockTracker.restart}.
   */
  advance(signal?: AbortSignal): Promise<Advance | 'lost'>
  /** Forgets what is kept and begins at a block; by default the present head. */
  restart(at?: Block, signal?: AbortSignal): Promise<Block>
}

export interface TrackerOptions {
  /** Blocks kept: the deepest reorganisation that is followed. */
  readonly depth: number
  /** Blocks that are caught up with one by one. */
  readonly reach: number
}

const TOGETHER = 16

export function trackBlocks(chain: Chain, { depth, reach }: TrackerOptions): BlockTracker {
  /** Consecutive and linked. */
  let kept: Block[] = []
  const at = (number: bigint): Block | undefined => {
    const [first] = kept
    return first === undefined ? undefined : kept[Number(number - first.number)]
  }

  /** The blocks from the one after a kept block up to `head`, linked; undefined where no kept block is an ancestor. */
  const branchTo = async (head: Block, signal?: AbortSignal): Promise<readonly Block[] | undefined> => {
    const last = kept.at(-1)
    const first = kept[0]
    if (last === undefined || first === undefined) return undefined
    const between = await numbered(chain, last.number + 1n, head.number - 1n, signal)
    const straight = [...between, head]
    if (straight[0]?.parent === last.hash && isLinked(straight)) return straight
    const branch = [head]
    for (let oldest = head; ; ) {
      if (at(oldest.number - 1n)?.hash === oldest.parent) return branch
      if (oldest.number <= first.number) return undefined
      const parent = await blockByHash(chain, oldest.parent, signal)
      if (parent === undefined)
        throw fail('VS_EVM_RPC', { details: { method: 'eth_getBlockByHash', reason: 'no block' } })
      branch.unshift(parent)
      oldest = parent
    }
  }

  return {
    get head() {
      return kept.at(-1)
    },
    at,
    advance: async (signal) => {
      const head = await blockByTag(chain, 'latest', signal)
      const last = kept.at(-1)
      const first = kept[0]
      if (last === undefined || first === undefined) return 'lost'
      if (at(head.number)?.hash === head.hash || head.number < first.number) return { removed: [], added: [] }
      if (head.number > last.number + BigInt(reach)) return 'lost'
      const added = await branchTo(head, signal)
      const [lowest] = added ?? []
      if (added === undefined || lowest === undefined) return 'lost'
      const stay = Number(lowest.number - first.number)
      const removed = kept.slice(stay)
      kept = [...kept.slice(0, stay), ...added].slice(-depth)
      return { removed, added }
    },
    restart: async (block, signal) => {
      const start = block ?? (await blockByTag(chain, 'latest', signal))
      kept = [start]
      return start
    },
  }
}

async function numbered(chain: Chain, from: bigint, to: bigint, signal?: AbortSignal): Promise<readonly Block[]> {
  const blocks: Block[] = []
  for (let next = from; next <= to; next += BigInt(TOGETHER)) {
    const count = Math.min(TOGETHER, Number(to - next) + 1)
    const some = await Promise.all(
      Array.from({ length: count }, (_, i) => blockByTag(chain, next + BigInt(i), signal).catch(missing)),
    )
    blocks.push(...some.flatMap((b) => (b === undefined ? [] : [b])))
  }
  return blocks
}

/** A block that vanishes between two questions is found missing by the links. */
const missing = (error: unknown): undefined => {
  if (typeof error === 'object' && error !== null && 'code' in error && error.code === 'VS_EVM_RPC') return undefined
  throw error
}

const isLinked = (blocks: readonly Block[]): boolean =>
  blocks.every((b, i) => {
    const before = blocks[i - 1]
    return before === undefined || (b.parent === before.hash && b.number === before.number + 1n)
  })

export type BlockTag = bigint | 'latest' | 'safe' | 'finalized'
export const blockTag = (tag: BlockTag): string => (typeof tag === 'bigint' ? `0x${tag.toString(16)}` : tag)

/** Throws `VS_EVM_RPC` where there is no such block. */
export async function blockByTag(chain: Chain, tag: BlockTag, signal?: AbortSignal): Promise<Block> {
  const raw = await chain.rpc('eth_getBlockByNumber', [blockTag(tag), false], signal)
  if (raw === null) {
    throw fail('VS_EVM_RPC', { details: { method: 'eth_getBlockByNumber', reason: `no block ${blockTag(tag)}` } })
  }
  return parseBlock(raw)
}

/** Hash of the chain's first block: tells apart local chains that have the same id. */
export async function genesisOf(chain: Chain, signal: AbortSignal = chain.closed): Promise<Hex> {
  return (await persistently(() => blockByTag(chain, 0n, signal), signal)).hash
}

export async function blockByHash(chain: Chain, hash: Hex, signal?: AbortSignal): Promise<Block | undefined> {
  const raw = await chain.rpc('eth_getBlockByHash', [hash, false], signal)
  return raw === null ? undefined : parseBlock(raw)
}

function parseBlock(raw: unknown): Block {
  const r = (typeof raw === 'object' && raw !== null ? raw : {}) as Readonly<Record<string, unknown>>
  if (typeof r.number !== 'string' || !Array.isArray(r.transactions)) {
    throw fail('VS_EVM_RPC', { details: { method: 'eth_getBlockByNumber', reason: 'the answer is not a block' } })
  }
  return {
    number: BigInt(r.number),
    hash: parseHex(r.hash, 'block.hash', 32),
    parent: parseHex(r.parentHash, 'block.parentHash', 32),
    baseFeeWei: BigInt(typeof r.baseFeePerGas === 'string' ? r.baseFeePerGas : 0),
    transactions: r.transactions.map((t: unknown) => (typeof t === 'string' ? (t as Hex) : '0x')),
  }
}
