import type { Address } from '@veristack/core/receipt'
import { fail } from '../errors.ts'
import type { Chain } from '../rpc/connect.ts'
import { type Abi, decodeResult, encodeCall, type FunctionName } from './abi.ts'
import { explainRevert } from './revert.ts'

export interface ReadParameters<A extends Abi> {
  readonly address: Address
  readonly abi: A
  readonly name: FunctionName<A>
  readonly args: readonly unknown[]
}

/**
 * Calls a view function at the latest block. Throws `VS_EVM_REVERTED` with the custom error's name, and `VS_EVM_RPC` where
 * the answer is not what the function returns: no contract is there, or not yet for this node.
 */
export async function read<A extends Abi>(chain: Chain, p: ReadParameters<A>): Promise<readonly unknown[]> {
  const data = await encodeCall(p.abi, p.name, p.args)
  const answer = await chain.call(p.address, data).catch(async (error: unknown) => {
    throw await explainRevert(error, { name: p.name, abi: p.abi })
  })
  try {
    return await decodeResult(p.abi, p.name, answer)
  } catch (cause) {
    const reason = answer === '0x' ? `no contract answers ${p.name}` : `no answer to ${p.name}`
    throw fail('VS_EVM_RPC', { details: { method: 'eth_call', address: p.address, reason }, cause })
  }
}
