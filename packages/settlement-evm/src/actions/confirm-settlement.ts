import {
  type Confirmation,
  claimDigest,
  type Digest,
  type Json,
  type Receipt,
  type Settlement,
  type SettlementState,
} from '@veristack/core/receipt'
import type { SettlementClient } from '../client.ts'
import { findEvents, type RequestEvent } from './find-events.ts'

/** The events of which a settlement's transaction must have emitted one, by the state that it claims. */
const EVENTS_OF: { readonly [S in SettlementState]?: readonly string[] } = {
  submitted: ['Requested', 'LeafSatisfied', 'ClaimDropped'],
  pending: ['ClaimPending'],
  accepted: ['Accepted'],
  delivered: ['Accepted'],
  refunded: ['Refunded'],
}
/** Which transaction a gas figure is of. */
const GAS_OF: ReadonlyMap<string, readonly string[]> = new Map([
  ['request', ['Requested']],
  ['submit', ['Accepted', 'ClaimPending', 'LeafSatisfied', 'ClaimDropped']],
  ['deliver', ['Delivered']],
])

/**
 * For `verifyReceipt({ confirm: confirmSettlement(client) })`: whether the chain says what a receipt's settlement says.
 * Chain and contract are the client's own, never the receipt's; a settlement of another network or contract is `unknown`
 * here. Confirmed are the transaction, the state that it brought, that it was this receipt's claim that it was brought for,
 * and the block, claimant and gas in the detail. Throws where the chain can not be asked, which `verifyReceipt` takes for
 * `unknown`.
 */
export const confirmSettlement =
  (client: SettlementClient) =>
  async (settlement: Settlement, receipt: Receipt): Promise<Confirmation> => {
    const { chain, deployment } = client
    const { request, signed } = receipt
    if (settlement.network !== chain.network || request.contract !== deployment.settlement) return 'unknown'
    if (request.chainId !== chain.chainId || settlement.mode !== 'individual') return 'refuted'

    const events = await findEvents(client, { request: request.id })
    // The request itself is missing: a node that has forgotten its logs knows as little as one that never had them.
    if (!events.some((e) => e.name === 'Requested')) return 'unknown'
    const claim = claimDigest(signed.claim)
    const event = events.find(
      (e) =>
        e.transaction === settlement.ref &&
        EVENTS_OF[settlement.state]?.includes(e.name) === true &&
        (e.claim === undefined || e.claim === claim),
    )
    if (event === undefined) return 'refuted'
    if (settlement.state === 'delivered' && !events.some((e) => e.name === 'Delivered')) return 'refuted'
    return (await detailHolds(client, settlement, receipt, claim, event, events)) ? 'confirmed' : 'refuted'
  }

async function detailHolds(
  { chain, deployment }: SettlementClient,
  { state, detail }: Settlement,
  { request, signed }: Receipt,
  claim: Digest,
  event: RequestEvent,
  events: readonly RequestEvent[],
): Promise<boolean> {
  if (!isObject(detail)) return false
  const { gas, ...facts } = detail
  const decided = state === 'accepted' || state === 'delivered'
  const known: ReadonlyMap<string, Json | undefined> = new Map<string, Json | undefined>([
    ['request', request.id],
    ['contract', deployment.settlement],
    ['block', Number(event.block)],
    ...(decided
      ? ([
          ['claimant', signed.claim.claimant],
          ['delivery', events.find((e) => e.name === 'Delivered')?.transaction],
        ] as const)
      : []),
  ])
  if (Object.entries(facts).some(([name, value]) => known.get(name) !== value)) return false
  if (gas === undefined) return true
  if (!isObject(gas)) return false
  for (const [name, used] of Object.entries(gas)) {
    const transactions = events
      .filter((e) => GAS_OF.get(name)?.includes(e.name) === true && (e.claim === undefined || e.claim === claim))
      .map((e) => e.transaction)
    const receipts = await Promise.all(transactions.map((t) => chain.rpc('eth_getTransactionReceipt', [t])))
    if (!receipts.some((r) => Number((r as { gasUsed: string } | null)?.gasUsed) === used)) return false
  }
  return true
}

const isObject = (v: Json): v is { readonly [k: string]: Json } =>
  typeof v === 'object' && v !== null && !Array.isArray(v)
