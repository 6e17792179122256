import { type Chain, evmErrors, revertName } from '@veristack/chain-evm'
import { type ErrorDetails, isVeristackError } from '@veristack/core/receipt'

/** The contract's states, in the order of its numbers. */
export const STATES = ['none', 'open', 'pending', 'accepted', 'delivered', 'refunded'] as const

/** Adds to a refusal of the settlement contract what its arguments do not say by themselves. */
export async function explainRefusal(chain: Chain, error: unknown): Promise<unknown> {
  if (!isVeristackError(error, 'VS_EVM_REVERTED')) return error
  const more = await explanation(chain, revertName(error), String(error.details.arguments))
  const { shortMessage: message, details, cause } = error
  return more === undefined ? error : evmErrors('VS_EVM_REVERTED', { message, details: { ...details, ...more }, cause })
}

async function explanation(chain: Chain, name: string | undefined, given: string): Promise<ErrorDetails | undefined> {
  if (name === 'WrongState') return { arguments: given.replace(/(?<=actual: )\d+/, (n) => nameOf(Number(n))) }
  if (name !== 'BadExpiry') return undefined
  // What was refused stays refused, also where the node does not answer now.
  const now = await chain.now().catch(() => undefined)
  if (now === undefined) return undefined
  return { expected: 'a time that has not passed, within 366 days', chainTime: now.timestamp }
}

/** As the contract has it: `Accepted`. */
const nameOf = (state: number): string => {
  const name = STATES[state] ?? String(state)
  return `${name.charAt(0).toUpperCase()}${name.slice(1)}`
}
