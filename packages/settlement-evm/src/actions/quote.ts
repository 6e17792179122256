import { read } from '@veristack/chain-evm'
import { settlementAbi } from '../bindings/Settlement.ts'
import type { SettlementClient } from '../client.ts'
import type { Order } from '../order.ts'

/** What a request costs whom. */
export interface RequestQuote {
  /** Price and tip, in the smallest unit of the token: what the payer escrows. */
  readonly escrow: bigint
  /** Coin that goes with the request. */
  readonly valueWei: bigint
  /** Gas that the transaction which makes the callback needs on top of its own, and what it costs its sender. */
  readonly callbackGas: bigint
  readonly callbackWei: bigint
}

/** Asks the contract what an order takes. */
export async function quoteRequest(
  { chain, deployment }: SettlementClient,
  p: { readonly order: Order; readonly gasPriceWei: bigint },
): Promise<RequestQuote> {
  const [quote] = await read(chain, {
    address: deployment.settlement,
    abi: settlementAbi,
    name: 'quote',
    args: [p.order, p.gasPriceWei],
  })
  const [escrow, valueWei, callbackGas, callbackWei] = quote as readonly [bigint, bigint, bigint, bigint]
  return { escrow, valueWei, callbackGas, callbackWei }
}
