import type { Mined } from '@veristack/chain-evm'
import type { Settlement, SettlementState } from '@veristack/core'
import type { Address, Hex, Json, RequestId } from '@veristack/core/receipt'
import { findEvents } from '../actions/find-events.ts'
import type { RequestResult } from '../actions/get-result.ts'
import type { SettlementClient } from '../client.ts'
import { fail } from '../errors.ts'

const EVENT_OF: { readonly [S in RequestResult['state']]: string } = {
  none: '',
  open: 'Requested',
  pending: 'ClaimPending',
  accepted: 'Accepted',
  delivered: 'Accepted',
  refunded: 'Refunded',
}
export const STATE_OF: { readonly [S in RequestResult['state']]: SettlementState } = {
  none: 'submitted',
  open: 'submitted',
  pending: 'pending',
  accepted: 'accepted',
  delivered: 'delivered',
  refunded: 'refunded',
}

/** What stands on chain already, with the transaction that brought it there. */
export async function found(client: SettlementClient, id: RequestId, result: RequestResult): Promise<Settlement> {
  const decided = result.state === 'accepted' || result.state === 'delivered'
  const ref = await transactionOf(client, id, EVENT_OF[result.state])
  return settlement(client, id, STATE_OF[result.state], ref, decided ? { claimant: result.claimant } : {})
}

export async function transactionOf(client: SettlementClient, id: RequestId, event: string): Promise<Hex> {
  const events = await findEvents(client, { request: id })
  const last = events.filter((e) => e.name === event).at(-1) ?? events.at(-1)
  if (last === undefined) throw fail('VS_SETTLE_NOT_REQUESTED', { details: { request: id, event } })
  return last.transaction
}

export const gas = (m: Mined): number => Number(m.gasUsed)

export function settlement(
  { chain, deployment }: SettlementClient,
  id: RequestId,
  state: SettlementState,
  ref: Hex,
  detail: { readonly [k: string]: Json },
): Settlement {
  const contract: Address = deployment.settlement
  return { network: chain.network, ref, state, mode: 'individual', detail: { request: id, contract, ...detail } }
}
