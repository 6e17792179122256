import { encodeCall, type Mined } from '@veristack/chain-evm'
import { settlementAbi } from '../bindings/Settlement.ts'
import { type SendOptions, type SettlementClient, sendTo } from '../client.ts'
import type { Order } from '../order.ts'

/** Credits the price back to the payer: after deadline and grace, with nothing pending. Anyone may send it. */
export async function refund(client: SettlementClient, p: { readonly order: Order } & SendOptions): Promise<Mined> {
  const data = await encodeCall(settlementAbi, 'refund', [p.order])
  return sendTo(client, { to: client.deployment.settlement, data, name: 'refund', abi: settlementAbi }, p)
}
