import { type Address, type Hex, isVeristackError, parseHex } from '@veristack/core/receipt'
import { blockByTag, blockTag } from '../rpc/blocks.ts'
import type { Chain } from '../rpc/connect.ts'
import { backoff, persistently } from '../rpc/retry.ts'
import type { LaneOptions } from '../transactions/lane.ts'
import { type Creation, create2Address, creationData } from './create2.ts'
import { FACTORY } from './factory.ts'

/** How a contract came to be. */
export interface Birth {
  readonly block: bigint
  readonly blockHash: Hex
  /** Absent where another contract asked the factory. */
  readonly transaction?: Hex
}

/**
 * Looks for the block and the transaction that put a contract at its {@link create2Address}, whoever sent it. Undefined
 * where the node no longer has the state of that time.
 */
export async function findBirth(
  chain: Chain,
  c: Creation,
  signal: AbortSignal = chain.closed,
): Promise<Birth | undefined> {
  const address = create2Address(c)
  const { number: latest } = await persistently(() => blockByTag(chain, 'latest', signal), signal)
  // Absent, or not known to be there, at `before`; there at `block`.
  let before = -1n
  let block = latest
  let isSeenAbsent = false
  while (block - before > 1n) {
    const middle = (before + block) / 2n
    const has = await hadCode(chain, address, middle, signal)
    if (has === true) block = middle
    else {
      before = middle
      isSeenAbsent = has === false
    }
  }
  if (before >= 0n && !isSeenAbsent) return undefined
  return persistently(() => birthIn(chain, c, block, signal), signal)
}

export interface BirthDifference {
  readonly field: 'block' | 'blockHash' | 'transaction'
  readonly expected: string
  readonly got: string
}

/** What differs between a stated birth and the chain's, or undefined. */
export async function compareBirth(
  chain: Chain,
  c: Creation,
  stated: Birth,
  signal: AbortSignal = chain.closed,
): Promise<BirthDifference | undefined> {
  const { transaction } = stated
  return transaction === undefined
    ? compareBlock(chain, create2Address(c), stated, signal)
    : compareTransaction(chain, creationData(c), { ...stated, transaction }, signal)
}

async function compareTransaction(
  chain: Chain,
  data: Hex,
  stated: Required<Birth>,
  signal: AbortSignal,
): Promise<BirthDifference | undefined> {
  const ask = (method: string) =>
    persistently(async () => record(await chain.rpc(method, [stated.transaction], signal)), signal)
  const [transaction, receipt] = await Promise.all([ask('eth_getTransactionByHash'), ask('eth_getTransactionReceipt')])
  const differs = (field: BirthDifference['field'], expected: string) => ({
    field,
    expected,
    got: String(stated[field]),
  })
  if (transaction === undefined || receipt === undefined) return differs('transaction', 'one that the node knows')
  if (!asksFor(transaction, data) || receipt.status !== '0x1') return differs('transaction', 'the one that deployed it')
  const block = BigInt(String(receipt.blockNumber))
  if (block !== stated.block) return differs('block', String(block))
  const hash = String(receipt.blockHash).toLowerCase()
  return hash === stated.blockHash ? undefined : differs('blockHash', hash)
}

async function compareBlock(
  chain: Chain,
  address: Address,
  { block, blockHash }: Birth,
  signal: AbortSignal,
): Promise<BirthDifference | undefined> {
  const latest = await persistently(() => blockByTag(chain, 'latest', signal), signal)
  if (block > latest.number) return { field: 'block', expected: `at most ${latest.number}`, got: String(block) }
  const { hash } = await persistently(() => blockByTag(chain, block, signal), signal)
  if (hash !== blockHash) return { field: 'blockHash', expected: hash, got: blockHash }
  // Only the state of that time can tell; where the node has forgotten it, nothing is known against it.
  const isThere = await hadCode(chain, address, block, signal)
  const wasThere = block === 0n ? false : await hadCode(chain, address, block - 1n, signal)
  if (isThere !== false && wasThere !== true) return undefined
  return { field: 'block', expected: 'the block in which it was deployed', got: String(block) }
}

/** Waits until a block counts. False where another one took its place meanwhile. */
export async function waitForDepth(
  chain: Chain,
  { block, blockHash }: Pick<Birth, 'block' | 'blockHash'>,
  confirmations: NonNullable<LaneOptions['confirmations']>,
  signal: AbortSignal = chain.closed,
): Promise<boolean> {
  const gap = backoff(chain.pollMs, 8 * chain.pollMs)
  for (;;) {
    signal.throwIfAborted()
    const tag = typeof confirmations === 'number' ? 'latest' : confirmations
    const { number } = await persistently(() => blockByTag(chain, tag, signal), signal)
    const deep = typeof confirmations === 'number' ? number + 1n - BigInt(confirmations) : number
    if (deep >= block) break
    await gap.wait(signal)
  }
  const now = await persistently(() => blockByTag(chain, block, signal), signal)
  return now.hash === blockHash
}

/** Undefined where the node does not have the state of that block. */
async function hadCode(
  chain: Chain,
  address: Address,
  block: bigint,
  signal: AbortSignal,
): Promise<boolean | undefined> {
  try {
    const code = await persistently(() => chain.rpc('eth_getCode', [address, blockTag(block)], signal), signal)
    return parseHex(code, 'eth_getCode') !== '0x'
  } catch (error) {
    if (isVeristackError(error, 'VS_EVM_RPC')) return undefined
    throw error
  }
}

/** The block, with the transaction in it that asked the factory for the contract and was not refused. */
async function birthIn(chain: Chain, c: Creation, block: bigint, signal: AbortSignal): Promise<Birth | undefined> {
  const raw = record(await chain.rpc('eth_getBlockByNumber', [blockTag(block), true], signal))
  if (raw === undefined || !Array.isArray(raw.transactions)) return undefined
  const found = { block, blockHash: parseHex(raw.hash, 'block.hash', 32) }
  const data = creationData(c)
  for (const t of raw.transactions.map(record)) {
    if (t === undefined || !asksFor(t, data)) continue
    const hash = parseHex(t.hash, 'transaction.hash', 32)
    const receipt = record(await chain.rpc('eth_getTransactionReceipt', [hash], signal))
    if (receipt?.status === '0x1' && receipt.blockHash === found.blockHash) return { ...found, transaction: hash }
  }
  return found
}

const asksFor = (transaction: Readonly<Record<string, unknown>>, data: Hex): boolean =>
  String(transaction.to).toLowerCase() === FACTORY && String(transaction.input).toLowerCase() === data

const record = (value: unknown): Readonly<Record<string, unknown>> | undefined =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : undefined
