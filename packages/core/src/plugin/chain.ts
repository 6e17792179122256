import type { Address, Hex } from '../claim/index.ts'

/** The little that a verifier may ask of a chain. */
export interface ChainReader {
  readonly chainId: bigint
  call(to: Address, data: Hex, block?: bigint): Promise<Hex>
  now(): Promise<{ readonly block: bigint; readonly timestamp: bigint }>
}
