import { encodeCall, type Mined } from '@veristack/chain-evm'
import type { Commitment } from '@veristack/core/receipt'
import { settlementAbi } from '../bindings/Settlement.ts'
import { type SettlementClient, senderOf } from '../client.ts'
import type { Order } from '../order.ts'

/** Publishes the accepted answer: the claim's output list, in which raw entries are the values themselves. */
export async function deliver(
  client: SettlementClient,
  p: { readonly order: Order; readonly outputs: readonly Commitment[]; readonly signal?: AbortSignal },
): Promise<Mined> {
  const data = await encodeCall(settlementAbi, 'deliver', [p.order, p.outputs])
  return senderOf(client).send(
    { to: client.deployment.settlement, data, name: 'deliver', abi: settlementAbi },
    p.signal,
  )
}
