import type { Block } from '../rpc/blocks.ts'
import type { Chain } from '../rpc/connect.ts'

/** Wei per gas. */
export interface Fees {
  readonly maxFeeWei: bigint
  readonly tipWei: bigint
}

const ONE_GWEI = 1_000_000_000n

/** What a transaction should offer on top of a block; asked once per block. */
export function feeSource(chain: Chain): (head: Block, signal?: AbortSignal) => Promise<Fees> {
  let known: { readonly block: string; readonly tip: Promise<bigint> } | undefined
  return async (head, signal) => {
    if (known?.block !== head.hash) {
      // Nodes before EIP-1559, and some after it, do not have this method.
      const tip = chain.rpc('eth_maxPriorityFeePerGas', [], signal).then(
        (t) => BigInt(String(t)),
        () => ONE_GWEI,
      )
      known = { block: head.hash, tip }
    }
    const tipWei = await known.tip
    // Twice the base fee holds for six full blocks in a row.
    return { tipWei, maxFeeWei: 2n * head.baseFeeWei + tipWei }
  }
}

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
