import { type Address, fromHex, type Hex, isVeristackError, keccak, toHex, ZERO_DIGEST } from '@veristack/core/receipt'
import { fail } from '../errors.ts'
import type { Chain } from '../rpc/connect.ts'
import { backoff, persistently } from '../rpc/retry.ts'
import type { Lane, Mined } from '../transactions/lane.ts'
import { codeAt, codeHash } from './check.ts'
import { ensureFactory, FACTORY } from './factory.ts'
import { checkInstructions } from './instructions.ts'
import { checkSizes } from './size.ts'

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
  /** Absent where it stood there already, or somebody else was faster. */
  readonly transaction?: Mined
}

/** What runs once: the bytecode and the constructor's arguments. */
export const initCode = (c: Creation): Hex => `${c.bytecode}${(c.constructorArgs ?? '0x').slice(2)}`

/** What the factory is sent: the salt and the init code. */
export const creationData = (c: Creation): Hex => `${c.salt ?? ZERO_DIGEST}${initCode(c).slice(2)}`

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

/**
 * Puts a contract at its {@link create2Address}, unless it is there. Repeating it sends nothing twice, also after a restart
 * where the lane has a journal on disk. Whoever deploys it first: it is the same code. Throws `VS_EVM_NO_FACTORY`,
 * `VS_EVM_INSTRUCTION`, `VS_EVM_CODE_SIZE`, `VS_EVM_GAS_CAP`, `VS_EVM_REVERTED`.
 */
export async function deploy(
  lane: Lane,
  c: Creation & { readonly name: string },
  signal?: AbortSignal,
  onSent?: (transaction: Hex) => void,
): Promise<Deployed> {
  const { chain } = lane
  const address = create2Address(c)
  const before = await codeAt(chain, address, signal)
  if (before !== '0x') return { address, codeHash: codeHash(before) }
  await ensureFactory(chain, signal)
  await checkInstructions(chain, c.name, c.bytecode, signal)
  await checkSizes(chain, c.name, initCode(c), signal)
  const transaction = await send(lane, c, { address, ...(onSent === undefined ? {} : { onSent }) }, signal)
  const code = await appearing(chain, address, signal)
  if (code === '0x') {
    const details = { contract: c.name, address, network: chain.network, field: 'code', got: 'no code' }
    throw fail('VS_EVM_CODE_DIFFERS', { details: { ...details, transaction: transaction?.hash } })
  }
  return { address, codeHash: codeHash(code), ...(transaction === undefined ? {} : { transaction }) }
}

async function send(
  lane: Lane,
  c: Creation & { readonly name: string },
  { address, ...told }: { readonly address: Address; readonly onSent?: (transaction: Hex) => void },
  signal?: AbortSignal,
): Promise<Mined | undefined> {
  const name = `deploy ${c.name}`
  const call = { to: FACTORY, data: creationData(c), name, idempotencyKey: `deploy ${address}` } as const
  try {
    return await lane.send({ ...call, ...told, ifReverted: 'send' }, signal)
  } catch (error) {
    if (!isVeristackError(error, 'VS_EVM_REVERTED') && !isVeristackError(error, 'VS_EVM_OUT_OF_GAS')) throw error
    // The factory refuses what is there already, or is about to be: somebody else was faster. A creation where code is uses all gas.
    const code = (await wouldPass(lane.chain, call, signal))
      ? await appearing(lane.chain, address, signal)
      : await codeAt(lane.chain, address, signal)
    if (code === '0x') throw error
    return undefined
  }
}

/** On the newest block, without what waits to be in the next one. */
async function wouldPass(
  chain: Chain,
  { to, data }: { readonly to: Address; readonly data: Hex },
  signal: AbortSignal = chain.closed,
): Promise<boolean> {
  try {
    await persistently(() => chain.rpc('eth_call', [{ to, data }, 'latest'], signal), signal)
    return true
  } catch (error) {
    if (isVeristackError(error, 'VS_EVM_RPC')) return false
    throw error
  }
}

const LOOKS = 8

/** Behind one URL there may be nodes that lag. */
async function appearing(chain: Chain, address: Address, signal: AbortSignal = chain.closed): Promise<Hex> {
  const gap = backoff(chain.pollMs)
  for (let look = 1; ; look++) {
    signal.throwIfAborted()
    const code = await persistently(() => chain.code(address), signal)
    if (code !== '0x' || look === LOOKS) return code
    await gap.wait(signal)
  }
}
