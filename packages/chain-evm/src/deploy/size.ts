import { type Hex, isVeristackError, parseHex } from '@veristack/core/receipt'
import { fail } from '../errors.ts'
import type { Chain } from '../rpc/connect.ts'
import { persistently } from '../rpc/retry.ts'
import { FACTORY } from './factory.ts'

/** Bytes of a contract's code, at most. https://eips.ethereum.org/EIPS/eip-170 */
export const CODE_SIZE_CAP = 24_576
/** Bytes of init code, arguments included, at most. https://eips.ethereum.org/EIPS/eip-3860 */
export const INIT_CODE_SIZE_CAP = 49_152

/**
 * Throws `VS_EVM_CODE_SIZE` where init code or code are larger than a chain may take; a local chain may be more generous. The
 * code is what the constructor gives when it is only called.
 */
export async function checkSizes(
  chain: Chain,
  contract: string,
  init: Hex,
  signal: AbortSignal = chain.closed,
): Promise<void> {
  atMost(contract, 'init code', init, INIT_CODE_SIZE_CAP)
  const create = () => chain.rpc('eth_call', [{ from: FACTORY, data: init }, 'latest'], signal)
  const code = await persistently(create, signal).catch((error: unknown) => {
    // A constructor that refuses is told where gas is estimated, with its reason.
    if (isVeristackError(error, 'VS_EVM_RPC')) return '0x'
    throw error
  })
  atMost(contract, 'code', parseHex(code, 'eth_call'), CODE_SIZE_CAP)
}

function atMost(contract: string, field: string, code: Hex, cap: number): void {
  const bytes = (code.length - 2) / 2
  if (bytes <= cap) return
  throw fail('VS_EVM_CODE_SIZE', { details: { contract, field, expected: `at most ${cap} bytes`, got: bytes } })
}
