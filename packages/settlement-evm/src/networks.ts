import { fail } from './errors.ts'

/** Names for people, of networks that are open. A chain is identified by its id, which the RPC must confirm. */
export const CHAIN_IDS = {
  mainnet: 1n,
  sepolia: 11155111n,
  hoodi: 560048n,
  optimism: 10n,
  'optimism-sepolia': 11155420n,
  base: 8453n,
  'base-sepolia': 84532n,
  arbitrum: 42161n,
  'arbitrum-sepolia': 421614n,
} as const

export type NetworkName = keyof typeof CHAIN_IDS

/** The chain id of a name or of a CAIP-2 id (`eip155:1`). */
export function chainIdOf(network: string): bigint {
  const known = Object.entries(CHAIN_IDS).find(([name]) => name === network)
  if (known !== undefined) return known[1]
  const caip2 = /^eip155:([1-9]\d{0,18})$/.exec(network)
  if (caip2?.[1] !== undefined) return BigInt(caip2[1])
  throw fail('VS_SETTLE_INVALID_OPTION', {
    details: {
      field: 'network',
      expected: `local, eip155:<chain id>, ${Object.keys(CHAIN_IDS).join(', ')}`,
      got: network,
    },
  })
}
