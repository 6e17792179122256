import type { Address } from '@veristack/core/receipt'
import type { Chain } from '../rpc/connect.ts'
import { type Abi, decodeResult, encodeCall, type FunctionName } from './abi.ts'
import { explainRevert } from './revert.ts'

export interface ReadParameters<A extends Abi> {
  readonly address: Address
  readonly abi: A
  readonly name: FunctionName<A>
  readonly args: readonly unknown[]
}

/** Calls a view function at the latest block. Throws `VS_EVM_REVERTED` with the custom error's name. */
export async function read<A extends Abi>(chain: Chain, p: ReadParameters<A>): Promise<readonly unknown[]> {
  const data = await encodeCall(p.abi, p.name, p.args)
  try {
    return await decodeResult(p.abi, p.name, await chain.call(p.address, data))
  } catch (error) {
    throw await explainRevert(error, { name: p.name, abi: p.abi })
  }
}
