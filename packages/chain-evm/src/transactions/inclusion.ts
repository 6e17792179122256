import { type Address, type Hex, isVeristackError, parseHex } from '@veristack/core/receipt'
import { type Block, blockByTag } from '../rpc/blocks.ts'
import type { Chain } from '../rpc/connect.ts'
import type { Inclusion, Intent } from './ledger.ts'
import { parseLogs } from './records.ts'

/** The receipts of some of a block's transactions. One that the node leaves out is left out. */
export async function receiptsOf(
  chain: Chain,
  block: Block,
  wanted: readonly Intent[],
  signal?: AbortSignal,
): Promise<ReadonlyMap<Intent, Inclusion>> {
  const found = new Map<Intent, Inclusion>()
  for (const raw of await blockReceipts(chain, block, wanted, signal)) {
    const hash = typeof raw === 'object' && raw !== null && 'transactionHash' in raw ? raw.transactionHash : undefined
    const intent = wanted.find((i) => i.attempts.some((a) => a.hash === hash))
    const inclusion = intent && readReceipt(intent, raw)
    if (intent && inclusion?.blockHash === block.hash) found.set(intent, inclusion)
  }
  return found
}

async function blockReceipts(
  chain: Chain,
  block: Block,
  wanted: readonly Intent[],
  signal?: AbortSignal,
): Promise<readonly unknown[]> {
  if (wanted.length > 1) {
    try {
      const all = await chain.rpc('eth_getBlockReceipts', [block.hash], signal)
      if (Array.isArray(all)) return all
    } catch (error) {
      // Not every node has this method.
      if (!isVeristackError(error, 'VS_EVM_RPC')) throw error
    }
  }
  const inBlock = new Set(block.transactions)
  const hashes = wanted.flatMap((i) => i.attempts.flatMap((a) => (inBlock.has(a.hash) ? [a.hash] : [])))
  return Promise.all(hashes.map((hash) => chain.rpc('eth_getTransactionReceipt', [hash], signal)))
}

/** Where an intent stands in the canonical chain, asked for each of its attempts; undefined where in no block. */
export async function findInclusion(
  chain: Chain,
  intent: Intent,
  signal?: AbortSignal,
): Promise<Inclusion | undefined> {
  for (const { hash } of [...intent.attempts].reverse()) {
    const raw = await chain.rpc('eth_getTransactionReceipt', [hash], signal)
    const inclusion = raw === null ? undefined : readReceipt(intent, raw)
    if (inclusion === undefined) continue
    if ((await blockByTag(chain, inclusion.block, signal)).hash === inclusion.blockHash) return inclusion
  }
  return undefined
}

/** Undefined for what is no receipt of one of the intent's transactions. */
function readReceipt(intent: Intent, raw: unknown): Inclusion | undefined {
  const r = (typeof raw === 'object' && raw !== null ? raw : {}) as Readonly<Record<string, unknown>>
  const attempt = intent.attempts.find((a) => a.hash === r.transactionHash)
  if (attempt === undefined || typeof r.blockNumber !== 'string') return undefined
  const gasUsed = BigInt(String(r.gasUsed))
  const succeeded = BigInt(String(r.status)) === 1n
  return {
    result: attempt.fill ? 'void' : succeeded ? 'done' : 'reverted',
    hash: attempt.hash,
    block: BigInt(r.blockNumber),
    blockHash: parseHex(r.blockHash, 'receipt.blockHash', 32),
    gasUsed,
    feeWei: gasUsed * BigInt(String(r.effectiveGasPrice)),
    logs: parseLogs(r.logs),
  }
}

/** Who used a nonce: a transaction in a canonical block. */
export interface Taker {
  readonly hash: Hex
  readonly block: bigint
  readonly blockHash: Hex
}

/**
 * Finds the transaction that used a nonce of the account, by the number of nonces used at each height. Undefined where no
 * block up to `head` has one: the nonce is not used, or the node says what is not so.
 */
export async function findTaker(
  chain: Chain,
  p: { readonly account: Address; readonly nonce: number; readonly since: bigint; readonly head: bigint },
  signal?: AbortSignal,
): Promise<Taker | undefined> {
  const usedAt = async (block: bigint) =>
    Number(await chain.rpc('eth_getTransactionCount', [p.account, `0x${block.toString(16)}`], signal)) > p.nonce
  let high = p.head
  if (!(await usedAt(high))) return undefined
  let low = p.since < high ? p.since : high - 1n
  for (let step = 16n; low > 0n && (await usedAt(low)); step *= 8n) {
    high = low
    low = low > step ? low - step : 0n
  }
  while (high - low > 1n) {
    const middle = (low + high) / 2n
    if (await usedAt(middle)) high = middle
    else low = middle
  }
  const full = await chain.rpc('eth_getBlockByNumber', [`0x${high.toString(16)}`, true], signal)
  if (typeof full !== 'object' || full === null || !('transactions' in full) || !Array.isArray(full.transactions)) {
    return undefined
  }
  const taker = full.transactions.find(
    (t: unknown) =>
      typeof t === 'object' &&
      t !== null &&
      'from' in t &&
      String(t.from).toLowerCase() === p.account &&
      'nonce' in t &&
      Number(t.nonce) === p.nonce,
  ) as { readonly hash: unknown } | undefined
  if (taker === undefined || !('hash' in full)) return undefined
  return { hash: parseHex(taker.hash, 'hash', 32), block: high, blockHash: parseHex(full.hash, 'block.hash', 32) }
}
