import type { Block } from '../rpc/blocks.ts'
import type { Chain } from '../rpc/connect.ts'

/** Wei per gas. */
export interface Fees {
  readonly maxFeeWei: bigint
  readonly tipWei: bigint
}

/** What to offer, and the base fee below which nothing gets into the next block. */
export interface Market extends Fees {
  readonly baseFeeWei: bigint
}

const ONE_GWEI = 1_000_000_000n
/** A chain that makes a block only for a transaction changes what it asks for without a block. */
const FRESH_POLLS = 10

/** What a transaction should offer on top of a block. Asked once per block, and anew when that is some time ago. */
export function feeSource(chain: Chain): (head: Block, signal?: AbortSignal) => Promise<Market> {
  let known: { readonly block: string; readonly at: number; readonly asked: Promise<[bigint, bigint]> } | undefined
  return async (head, signal) => {
    const now = performance.now()
    if (known?.block !== head.hash || now - known.at > FRESH_POLLS * chain.pollMs) {
      known = { block: head.hash, at: now, asked: Promise.all([tip(chain, signal), nextBaseFee(chain, signal)]) }
    }
    const [tipWei, next] = await known.asked
    const baseFeeWei = larger(head.baseFeeWei, next)
    // Twice the base fee holds for six full blocks in a row.
    return { tipWei, maxFeeWei: 2n * baseFeeWei + tipWei, baseFeeWei }
  }
}

/** Nodes before EIP-1559, and some after it, do not have this method. */
const tip = (chain: Chain, signal?: AbortSignal): Promise<bigint> =>
  chain
    .rpc('eth_maxPriorityFeePerGas', [], signal)
    .then((t) => BigInt(String(t)))
    .catch(() => ONE_GWEI)

/** The last entry is that of the block after the newest. 0 where the node does not say. */
const nextBaseFee = (chain: Chain, signal?: AbortSignal): Promise<bigint> =>
  chain
    .rpc('eth_feeHistory', ['0x1', 'latest', []], signal)
    .then((history) => BigInt(String((history as { readonly baseFeePerGas: readonly unknown[] }).baseFeePerGas.at(-1))))
    .catch(() => 0n)

/** Never more than the cap. Below the base fee the transaction waits until that falls. */
export const capped = (fees: Fees, capWei: bigint): Fees => {
  const maxFeeWei = smaller(fees.maxFeeWei, capWei)
  return { maxFeeWei, tipWei: smaller(fees.tipWei, maxFeeWei) }
}

/**
 * What replaces a transaction with the same nonce: nodes want both fields raised, by 10 to 12.5 %. Not less than the market
 * asks for. Undefined where that is more than the cap.
 */
export function raised(before: Fees, market: Fees, capWei: bigint): Fees | undefined {
  const least = { maxFeeWei: eighthMore(before.maxFeeWei), tipWei: eighthMore(before.tipWei) }
  if (least.maxFeeWei > capWei) return undefined
  const wanted = {
    maxFeeWei: larger(least.maxFeeWei, market.maxFeeWei),
    tipWei: larger(least.tipWei, market.tipWei),
  }
  const fees = capped(wanted, capWei)
  return fees.tipWei < least.tipWei ? undefined : fees
}

/** 12.5 % more, rounded up, and never the same. */
const eighthMore = (wei: bigint): bigint => (wei === 0n ? 1n : wei + (wei + 7n) / 8n)

const larger = (a: bigint, b: bigint): bigint => (b > a ? b : a)
const smaller = (a: bigint, b: bigint): bigint => (b < a ? b : a)
