import { setTimeout as delay } from 'node:timers/promises'
import { type Address, type Hex, isVeristackError, parseHex } from '@veristack/core/receipt'
import type { Abi } from '../contract/abi.ts'
import { explainRevert } from '../contract/revert.ts'
import { fail } from '../errors.ts'
import type { Chain } from '../rpc/connect.ts'
import type { Account, UnsignedTransaction } from './account.ts'

/** The most that one transaction may use. https://eips.ethereum.org/EIPS/eip-7825 */
export const TRANSACTION_GAS_CAP = 16_777_216n

export interface Log {
  readonly address: Address
  readonly topics: readonly Hex[]
  readonly data: Hex
}

/** A transaction in a block. `gasUsed` is all of it, intrinsic gas included. */
export interface Mined {
  readonly hash: Hex
  readonly block: bigint
  readonly blockHash: Hex
  readonly gasUsed: bigint
  readonly feeWei: bigint
  readonly logs: readonly Log[]
}

export interface SendParameters {
  readonly to: Address
  readonly data: Hex
  readonly valueWei?: bigint
  /** For errors: what is called, and the ABI that its custom errors are in. */
  readonly name: string
  readonly abi?: Abi
}

/** The transactions of one account on one chain, in order. */
export interface Lane {
  readonly chain: Chain
  readonly account: Address
  /**
   * Sends a transaction and waits until it is in a block. Transactions may be sent side by side: each gets the next
   * nonce. Throws `VS_EVM_REVERTED` with the contract's error, before anything is sent where the node can see it.
   */
  send(parameters: SendParameters, signal?: AbortSignal): Promise<Mined>
}

const lanes = new WeakMap<Chain, Map<Address, Lane>>()

/** The one lane of this account on this chain in this process. */
export function laneOf(chain: Chain, account: Account): Lane {
  const known = lanes.get(chain) ?? new Map<Address, Lane>()
  lanes.set(chain, known)
  const lane = known.get(account.address) ?? makeLane(chain, account)
  known.set(account.address, lane)
  return lane
}

function makeLane(chain: Chain, account: Account): Lane {
  let next: number | undefined
  let tail: Promise<unknown> = Promise.resolve()

  /** One after the other, so that no nonce is given twice and none is left out. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = tail.then(work, work)
    tail = turn.catch(() => undefined)
    return turn
  }

  const broadcast = async (p: SendParameters, signal?: AbortSignal): Promise<UnsignedTransaction & { hash: Hex }> => {
    signal?.throwIfAborted()
    const gasLimit = await estimateGas(chain, account.address, p)
    const fees = await currentFees(chain)
    next ??= await minedNonce(chain, account.address, 'pending')
    const transaction = {
      type: 2,
      chainId: chain.chainId,
      nonce: next,
      to: p.to,
      value: p.valueWei ?? 0n,
      data: p.data,
      gasLimit,
      ...fees,
    } as const
    const signed = await account.sign(transaction)
    try {
      const hash = parseHex(await chain.rpc('eth_sendRawTransaction', [signed]), 'transaction hash', 32)
      next += 1
      return { ...transaction, hash }
    } catch (error) {
      // The node may or may not have it: what it counts is asked again.
      next = undefined
      throw await explainRevert(error, p)
    }
  }

  return {
    chain,
    account: account.address,
    send: async (p, signal) => {
      const sent = await inTurn(() => broadcast(p, signal))
      return awaitReceipt(chain, account.address, sent, p, signal)
    },
  }
}

async function estimateGas(chain: Chain, from: Address, p: SendParameters): Promise<bigint> {
  const call = { from, to: p.to, data: p.data, value: `0x${(p.valueWei ?? 0n).toString(16)}` }
  try {
    const estimate = BigInt(String(await chain.rpc('eth_estimateGas', [call, 'pending'])))
    if (estimate > TRANSACTION_GAS_CAP) {
      throw fail('VS_EVM_GAS_CAP', { details: { call: p.name, needed: estimate, allowed: TRANSACTION_GAS_CAP } })
    }
    // State may change between estimate and block; what is not used is not paid.
    const limit = estimate + estimate / 4n
    return limit > TRANSACTION_GAS_CAP ? TRANSACTION_GAS_CAP : limit
  } catch (error) {
    throw await explainRevert(error, p)
  }
}

async function currentFees(chain: Chain) {
  const [block, tip] = await Promise.all([
    chain.rpc('eth_getBlockByNumber', ['latest', false]) as Promise<{ baseFeePerGas?: string }>,
    chain.rpc('eth_maxPriorityFeePerGas', []).catch(() => '0x3b9aca00'),
  ])
  const maxPriorityFeePerGas = BigInt(String(tip))
  // Twice the base fee holds for six full blocks in a row.
  return { maxPriorityFeePerGas, maxFeePerGas: 2n * BigInt(block.baseFeePerGas ?? '0x0') + maxPriorityFeePerGas }
}

const minedNonce = async (chain: Chain, account: Address, block: 'latest' | 'pending'): Promise<number> =>
  Number(await chain.rpc('eth_getTransactionCount', [account, block]))

interface RawReceipt {
  readonly status: string
  readonly blockNumber: string
  readonly blockHash: Hex
  readonly gasUsed: string
  readonly effectiveGasPrice: string
  readonly logs: readonly Log[]
}

async function awaitReceipt(
  chain: Chain,
  account: Address,
  sent: UnsignedTransaction & { readonly hash: Hex },
  p: SendParameters,
  signal?: AbortSignal,
): Promise<Mined> {
  const { hash } = sent
  for (;;) {
    const mined = await minedNonce(chain, account, 'latest')
    const receipt = (await chain.rpc('eth_getTransactionReceipt', [hash])) as RawReceipt | null
    if (receipt !== null) {
      if (BigInt(receipt.status) !== 1n) throw await whyReverted(chain, account, sent, receipt, p)
      const gasUsed = BigInt(receipt.gasUsed)
      return {
        hash,
        block: BigInt(receipt.blockNumber),
        blockHash: receipt.blockHash,
        gasUsed,
        feeWei: gasUsed * BigInt(receipt.effectiveGasPrice),
        logs: receipt.logs,
      }
    }
    if (mined > sent.nonce) {
      throw fail('VS_EVM_TRANSACTION_LOST', { details: { transaction: hash, account, nonce: sent.nonce } })
    }
    await delay(chain.pollMs, undefined, signal === undefined ? {} : { signal }).catch((cause: unknown) => {
      signal?.throwIfAborted()
      throw cause
    })
  }
}

/** A receipt says only that it failed; the same call on the block before says why. */
async function whyReverted(
  chain: Chain,
  from: Address,
  sent: UnsignedTransaction,
  receipt: RawReceipt,
  p: SendParameters,
) {
  const before = `0x${(BigInt(receipt.blockNumber) - 1n).toString(16)}`
  const hex = (n: bigint) => `0x${n.toString(16)}`
  const call = { from, to: sent.to, data: sent.data, value: hex(sent.value), gas: hex(sent.gasLimit) }
  try {
    await chain.rpc('eth_call', [call, before])
  } catch (error) {
    const explained = await explainRevert(error, p)
    if (isVeristackError(explained, 'VS_EVM_REVERTED')) return explained
  }
  return fail('VS_EVM_REVERTED', {
    message: `The contract refused ${p.name}`,
    details: { call: p.name, error: 'unknown' },
  })
}
