import { encodeCall, type Mined, read } from '@veristack/chain-evm'
import { type Policy, parseRequestId, type RequestId, type Requirement, ZERO_ADDRESS } from '@veristack/core/receipt'
import { settlementAbi } from '../bindings/Settlement.ts'
import { type SendOptions, type SettlementClient, sendTo } from '../client.ts'
import { type Order, policyArguments, requirementArguments } from '../order.ts'

export interface PlaceRequestParameters extends SendOptions {
  readonly order: Order
  readonly requirement: Requirement
  /** One for each leaf, in order. */
  readonly policies: readonly Policy[]
}

/**
 * Escrows price and tip from the payer, who must be the client's account. Where they are in a token, the payer has given
 * the settlement contract an allowance before.
 */
export async function placeRequest(client: SettlementClient, p: PlaceRequestParameters): Promise<Mined> {
  const { request, terms } = p.order
  const args = [p.order, p.policies.map(policyArguments), requirementArguments(p.requirement).formula]
  return sendTo(
    client,
    {
      to: client.deployment.settlement,
      data: await encodeCall(settlementAbi, 'request', args),
      valueWei: terms.token === ZERO_ADDRESS ? request.priceWei + terms.tipWei : 0n,
      name: 'request',
      abi: settlementAbi,
    },
    p,
  )
}

/** The id that the contract gives an order. */
export async function requestIdOf({ chain, deployment }: SettlementClient, order: Order): Promise<RequestId> {
  const [id] = await read(chain, {
    address: deployment.settlement,
    abi: settlementAbi,
    name: 'requestId',
    args: [order],
  })
  return parseRequestId(id)
}
