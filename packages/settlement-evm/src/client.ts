import type { Chain, Lane } from '@veristack/chain-evm'
import type { Deployment } from './deployment.ts'
import { fail } from './errors.ts'

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
