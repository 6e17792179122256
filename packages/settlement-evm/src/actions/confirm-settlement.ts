import type { Json, Receipt, Settlement } from '@veristack/core/receipt'
import type { SettlementClient } from '../client.ts'
import { findEvents, type RequestEvent } from './find-events.ts'
import { getResult } from './get-result.ts'

/** The event that a settlement's transaction must have emitted, by the state that it claims. */
const EVENT_OF: Readonly<Record<string, string>> = {
  submitted: 'Requested',
  pending: 'ClaimPending',
  accepted: 'Accepted',
  delivered: 'Accepted',
  refunded: 'Refunded',
}
/** Which transaction a gas figure is of. */
const GAS_OF: Readonly<Record<string, readonly string[]>> = {
  request: ['Requested'],
  submit: ['Accepted', 'ClaimPending'],
  deliver: ['Delivered'],
}

/**
 * For `verifyReceipt({ confirm: confirmSettlement(client) })`: whether the chain says what a receipt's settlement says.
 * Chain and contract are the client's own, never the receipt's. Confirmed are the transaction, the state, that it was this
 * receipt's claim that was accepted, and the block, claimant and gas in the detail.
 */
export const confirmSettlement =
  (client: SettlementClient) =>
  async (settlement: Settlement, receipt: Receipt): Promise<boolean> => {
    const { chain, deployment } = client
    const { request, signed } = receipt
    const here = [settlement.network, request.chainId, request.contract, settlement.mode]
    const expected = [chain.network, chain.chainId, deployment.settlement, 'individual']
    if (here.some((value, i) => value !== expected[i])) return false

    const events = await findEvents(client, request.id)
    const event = events.find((e) => e.transaction === settlement.ref && e.name === EVENT_OF[settlement.state])
    if (event === undefined) return false
    if (settlement.state === 'accepted' || settlement.state === 'delivered') {
      const result = await getResult(client, request.id)
      if (result.claimant !== signed.claim.claimant || result.outputs !== signed.claim.outputs) return false
      if (settlement.state === 'delivered' && result.state !== 'delivered') return false
    }
    return confirmDetail(client, settlement.detail, receipt, event, events)
  }

async function confirmDetail(
  { chain, deployment }: SettlementClient,
  detail: Json,
  { request, signed }: Receipt,
  event: RequestEvent,
  events: readonly RequestEvent[],
): Promise<boolean> {
  if (typeof detail !== 'object' || detail === null || Array.isArray(detail)) return false
  const { gas, ...facts } = detail as Readonly<Record<string, Json>>
  const known: Readonly<Record<string, Json | undefined>> = {
    request: request.id,
    contract: deployment.settlement,
    claimant: signed.claim.claimant,
    block: Number(event.block),
    delivery: events.find((e) => e.name === 'Delivered')?.transaction,
  }
  if (Object.entries(facts).some(([name, value]) => known[name] !== value)) return false
  for (const [name, used] of Object.entries(gas ?? {})) {
    const transactions = events.filter((e) => GAS_OF[name]?.includes(e.name)).map((e) => e.transaction)
    const receipts = await Promise.all(transactions.map((t) => chain.rpc('eth_getTransactionReceipt', [t])))
    if (!receipts.some((r) => Number((r as { gasUsed: string } | null)?.gasUsed) === used)) return false
  }
  return true
}
