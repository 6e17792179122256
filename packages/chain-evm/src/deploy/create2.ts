import { setTimeout as delay } from 'node:timers/promises'
import { type Address, fromHex, type Hex, keccak, parseAddress, toHex, ZERO_DIGEST } from '@veristack/core/receipt'
import { fail } from '../errors.ts'
import { type Chain, isLocalChain } from '../rpc/connect.ts'
import type { Lane, Mined } from '../transactions/lane.ts'

/** https://github.com/Arachnid/deterministic-deployment-proxy: at the same address on nearly every chain. */
export const FACTORY = parseAddress('0x4e59b44847b379578588920cA78FbF26c0B4956C')
const FACTORY_DEPLOYER = '0x3fab184622dc19b6109349b94811493bf2a45362'
/** Signed for no chain in particular, by nobody: the signature is made up and the deployer recovered from it. */
const FACTORY_TRANSACTION =
  '0xf8a58085174876e800830186a08080b853604580600e600039806000f350fe7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe03601600081602082378035828234f58015156039578182fd5b8082525050506014600cf31ba02222222222222222222222222222222222222222222222222222222222222222a02222222222222222222222222222222222222222222222222222222222222222'
const FACTORY_POLLS = 500

export interface Creation {
  readonly bytecode: Hex
  /** ABI-encoded. */
  readonly constructorArgs?: Hex
  /** 32 bytes; zero unless given. */
  readonly salt?: Hex
}

export interface Deployed {
  readonly address: Address
  /** keccak256 of the code. */
  readonly codeHash: Hex
  /** Absent where it stood there already. */
  readonly transaction?: Mined
}

const initCode = (c: Creation): Hex => `${c.bytecode}${(c.constructorArgs ?? '0x').slice(2)}`

/** Where the factory puts it: the address commits to bytecode, arguments and salt. https://eips.ethereum.org/EIPS/eip-1014 */
export function create2Address(c: Creation): Address {
  const hash = keccak(
    Uint8Array.of(0xff),
    fromHex(FACTORY),
    fromHex(c.salt ?? ZERO_DIGEST),
    keccak(fromHex(initCode(c))),
  )
  return toHex(hash.subarray(12)) as Address
}

/** Puts a contract at its {@link create2Address}, unless it is there. Throws `VS_EVM_NO_FACTORY`, `VS_EVM_REVERTED`. */
export async function deploy(
  lane: Lane,
  c: Creation & { readonly name: string },
  signal?: AbortSignal,
): Promise<Deployed> {
  const { chain } = lane
  const address = create2Address(c)
  const before = await chain.code(address)
  if (before !== '0x') return { address, codeHash: codeHash(before) }
  await ensureFactory(chain)
  const data: Hex = `${c.salt ?? ZERO_DIGEST}${initCode(c).slice(2)}`
  const transaction = await lane.send({ to: FACTORY, data, name: `deploy ${c.name}` }, signal)
  return { address, codeHash: codeHash(await chain.code(address)), transaction }
}

export const codeHash = (code: Hex): Hex => toHex(keccak(fromHex(code)))

/** On a local chain the factory is put in place as it was everywhere else: by its own transaction. */
async function ensureFactory(chain: Chain): Promise<void> {
  if ((await chain.code(FACTORY)) !== '0x') return
  if (!isLocalChain(chain.chainId)) throw fail('VS_EVM_NO_FACTORY', { details: { network: chain.network } })
  await chain.rpc('anvil_setBalance', [FACTORY_DEPLOYER, '0x16345785d8a0000'])
  await chain.rpc('eth_sendRawTransaction', [FACTORY_TRANSACTION])
  // The transaction is in a block a moment after it was taken.
  for (let i = 0; i < FACTORY_POLLS; i++) {
    if ((await chain.code(FACTORY)) !== '0x') return
    await delay(chain.pollMs)
  }
  throw fail('VS_EVM_NO_FACTORY', { details: { network: chain.network } })
}
