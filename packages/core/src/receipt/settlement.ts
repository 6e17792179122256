import type { Hex, Json } from '../claim/index.ts'

export type SettlementState = 'submitted' | 'pending' | 'accepted' | 'delivered' | 'final' | 'refunded' | 'reorged'

/** What a settler did about a request. `network` is a CAIP-2 id (`eip155:31337`), `ref` the transaction hash. */
export interface Settlement {
  readonly network: string
  readonly ref: Hex
  readonly state: SettlementState
  readonly mode: 'individual' | 'batch'
  readonly detail: Json
}
