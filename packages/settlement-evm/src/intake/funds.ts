import { type SettlementClient, senderOf } from '../client.ts'
import type { Cost } from './choose.ts'
import type { IntakeEvent } from './options.ts'

/** What the account that submits has, and what the requests that are under way may take of it. */
export interface Funds {
  /**
   * Sets the gas of an answer aside; what is returned gives it back. Where the account has too little for it, says how much is
   * missing instead.
   */
  reserve(cost: Cost): Promise<(() => void) | Lack>
}

export type Lack = Pick<Extract<IntakeEvent, { readonly type: 'unfunded' }>, 'account' | 'needWei' | 'haveWei'>

export function openFunds(client: SettlementClient): Funds {
  const { chain } = client
  const { account } = senderOf(client)
  const reserved = new Map<object, bigint>()
  return {
    reserve: async ({ gas, gasPriceWei }) => {
      const haveWei = await chain.balance(account)
      // A transaction is taken only by who could pay twice the present price.
      const own = 2n * gasPriceWei * gas
      const needWei = [...reserved.values()].reduce((sum, wei) => sum + wei, own)
      if (haveWei < needWei) return { account, needWei, haveWei }
      const key = {}
      reserved.set(key, own)
      return () => void reserved.delete(key)
    },
  }
}
