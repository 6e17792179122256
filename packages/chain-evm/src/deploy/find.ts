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

/** What differs between a stated birth and the chain's, or undefined. */
export async function compareBirth(
  chain: Chain,
  c: Creation,
  stated: Birth,
  signal: AbortSignal = chain.closed,
): Promise<
  { readonly field: 'block' | 'blockHash' | 'transaction'; readonly expected: string; readonly got: string } | undefined
> {
  const found = await persistently(() => birthIn(chain, c, stated.block, signal), signal)
  if (found === undefined) return { field: 'block', expected: 'a block of the chain', got: String(stated.block) }
  if (found.blockHash !== stated.blockHash)
    return { field: 'blockHash', expected: found.blockHash, got: stated.blockHash }
  if (found.transaction === stated.transaction) {
    if (stated.transaction !== undefined) return undefined
    // Nothing but the state of that time can tell; where the node has forgotten it, it is not known.
    const address = create2Address(c)
    const [at, earlier] = await Promise.all([
      hadCode(chain, address, stated.block, signal),
      stated.block === 0n ? false : hadCode(chain, address, stated.block - 1n, signal),
    ])
    if (at !== false && earlier !== true) return undefined
    return { field: 'block', expected: 'the block with the creation', got: String(stated.block) }
  }
  return { field: 'transaction', expected: found.transaction ?? 'none', got: stated.transaction ?? 'none' }
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
  const asked = raw.transactions
    .map(record)
    .filter((t) => typeof t?.to === 'string' && t.to.toLowerCase() === FACTORY && t.input === data)
  for (const t of asked) {
    const hash = parseHex(t?.hash, 'transaction.hash', 32)
    const receipt = record(await chain.rpc('eth_getTransactionReceipt', [hash], signal))
    if (receipt?.status === '0x1' && receipt.blockHash === found.blockHash) return { ...found, transaction: hash }
  }
  return found
}

const record = (value: unknown): Readonly<Record<string, unknown>> | undefined =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : undefined
