import { encodeCall, type Mined } from '@veristack/chain-evm'
import type { Commitment } from '@veristack/core/receipt'
import { settlementAbi } from '../bindings/Settlement.ts'
import { type SendOptions, type SettlementClient, sendTo } from '../client.ts'
import type { Order } from '../order.ts'

/** Publishes the accepted answer: the claim's output list, in which raw entries are the values themselves. */
export async function deliver(
  client: SettlementClient,
  p: { readonly order: Order; readonly outputs: readonly Commitment[] } & SendOptions,
): Promise<Mined> {
  const data = await encodeCall(settlementAbi, 'deliver', [p.order, p.outputs])
  return sendTo(client, { to: client.deployment.settlement, data, name: 'deliver', abi: settlementAbi }, p)
}
