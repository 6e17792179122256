import type { Chain } from '@veristack/chain-evm'
import { isVeristackError } from '@veristack/core/receipt'
import type { IntakeEvent } from './options.ts'

/** The same chain, which tells once when it does not answer any more, and once when it does again. */
export function tellReach(chain: Chain, emit: (event: IntakeEvent) => void): Chain {
  let isReachable = true
  const { network } = chain
  return {
    ...chain,
    rpc: async (method, params, signal) => {
      try {
        const answer = await chain.rpc(method, params, signal)
        if (!isReachable) emit({ type: 'reachable', network })
        isReachable = true
        return answer
      } catch (error) {
        if (isReachable && isVeristackError(error, 'VS_EVM_UNREACHABLE') && !chain.closed.aborted) {
          isReachable = false
          emit({ type: 'unreachable', network })
        }
        throw error
      }
    },
  }
}
