import { encodeCall, type Mined } from '@veristack/chain-evm'
import type { Commitment } from '@veristack/core/receipt'
import { settlementAbi } from '../bindings/Settlement.ts'
import { type SendOptions, type SettlementClient, sendTo } from '../client.ts'
import type { Order } from '../order.ts'

/** Makes a callback again that failed. `outputs` as for `deliver` where the callback is at Delivered, otherwise empty. */
export async function retryCallback(
  client: SettlementClient,
  p: {
    readonly order: Order
    readonly outputs: readonly Commitment[]
    /** Default, and least: what the terms say. */
    readonly callbackGas?: bigint
  } & SendOptions,
): Promise<Mined> {
  const data = await encodeCall(settlementAbi, 'retryCallback', [p.order, p.outputs, p.callbackGas ?? 0n])
  return sendTo(client, { to: client.deployment.settlement, data, name: 'retryCallback', abi: settlementAbi }, p)
}
