import { type Address, type Hex, parseAddress } from '@veristack/core/receipt'
import { fail } from '../errors.ts'
import { type Chain, isLocalChain } from '../rpc/connect.ts'
import { pause, persistently } from '../rpc/retry.ts'
import { checkCode, codeAt } from './check.ts'

/** https://github.com/Arachnid/deterministic-deployment-proxy: at the same address on nearly every chain. */
export const FACTORY: Address = parseAddress('0x4e59b44847b379578588920cA78FbF26c0B4956C')
const FACTORY_CODE: Hex =
  '0x7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe03601600081602082378035828234f58015156039578182fd5b8082525050506014600cf3'
const FACTORY_DEPLOYER = '0x3fab184622dc19b6109349b94811493bf2a45362'
/** Signed for no chain in particular, by nobody: the signature is made up and the deployer recovered from it. */
const FACTORY_TRANSACTION = `0xf8a58085174876e800830186a08080b853604580600e600039806000f350fe${FACTORY_CODE.slice(2)}1ba02222222222222222222222222222222222222222222222222222222222222222a02222222222222222222222222222222222222222222222222222222222222222`
const POLLS = 500

/** Whether the chain has the factory. Throws `VS_EVM_CODE_DIFFERS` where something else stands at its address. */
export async function hasFactory(chain: Chain, signal?: AbortSignal): Promise<boolean> {
  if ((await codeAt(chain, FACTORY, signal)) === '0x') return false
  await checkCode(chain, { name: 'factory', address: FACTORY, code: FACTORY_CODE }, signal)
  return true
}

/** On a local chain the factory is put in place as it was everywhere else: by its own transaction. */
export async function ensureFactory(chain: Chain, signal: AbortSignal = chain.closed): Promise<void> {
  if (await hasFactory(chain, signal)) return
  if (!isLocalChain(chain.chainId)) throw fail('VS_EVM_NO_FACTORY', { details: { network: chain.network } })
  await persistently(() => chain.rpc('anvil_setBalance', [FACTORY_DEPLOYER, '0x16345785d8a0000'], signal), signal)
  // It may have been sent already, by a call whose answer was lost or by another process.
  const sent = await chain.rpc('eth_sendRawTransaction', [FACTORY_TRANSACTION], signal).catch((error: unknown) => error)
  // The transaction is in a block a moment after it was taken.
  for (let i = 0; i < POLLS; i++) {
    if (await hasFactory(chain, signal)) return
    await pause(chain.pollMs, signal)
    signal.throwIfAborted()
  }
  throw fail('VS_EVM_NO_FACTORY', { details: { network: chain.network }, cause: sent })
}
