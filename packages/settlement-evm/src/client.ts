import type { Chain, Lane, Mined, SendParameters } from '@veristack/chain-evm'
import type { Deployment } from './deployment.ts'
import { fail } from './errors.ts'
import { explainRefusal } from './refusal.ts'

/** What the actions of this package act with. `lane` is absent where nothing is to be sent. */
export interface SettlementClient {
  readonly chain: Chain
  readonly deployment: Deployment
  readonly lane?: Lane
}

export function senderOf(client: SettlementClient): Lane {
  if (client.lane === undefined) throw fail('VS_SETTLE_NO_SIGNER', { details: { network: client.chain.network } })
  return client.lane
}

/** Of every action that sends. */
export interface SendOptions {
  /**
   * Names the work: what was sent with the same key is not sent again, also after a restart where the lane has a journal on
   * disk. A transaction that the contract refused did nothing, and may be followed by another.
   */
  readonly idempotencyKey?: string
  readonly signal?: AbortSignal
}

export async function sendTo(client: SettlementClient, p: SendParameters, o: SendOptions): Promise<Mined> {
  const { idempotencyKey, signal } = o
  const keyed = idempotencyKey === undefined ? p : ({ ...p, idempotencyKey, ifReverted: 'send' } as const)
  return senderOf(client)
    .send(keyed, signal)
    .catch(async (error: unknown) => {
      throw await explainRefusal(client.chain, error)
    })
}
