import { type Address, fromHex, type Hex, isVeristackError } from '@veristack/core/receipt'
import { explainRevert } from '../contract/revert.ts'
import { fail } from '../errors.ts'
import type { Chain } from '../rpc/connect.ts'
import type { SendParameters } from './lane.ts'
import type { OutcomeRecord } from './records.ts'

/** The most that one transaction may use. https://eips.ethereum.org/EIPS/eip-7825 */
export const TRANSACTION_GAS_CAP = 16_777_216n

const quantity = (n: bigint): string => `0x${n.toString(16)}`

const PLAIN_GAS = 21_000n
/** A byte that is not zero is four tokens. https://eips.ethereum.org/EIPS/eip-7623 */
const GAS_PER_TOKEN = 10n

/** The least that a transaction with this calldata must offer: with less it is never in a block. */
function leastGas(data: Hex): bigint {
  const tokens = fromHex(data).reduce((sum, byte) => sum + (byte === 0 ? 1 : 4), 0)
  return PLAIN_GAS + GAS_PER_TOKEN * BigInt(tokens)
}

/**
 * Throws `VS_EVM_REVERTED` where the call would be refused, `VS_EVM_GAS_CAP` where it needs too much, `VS_EVM_RPC` where the
 * estimate can not be true.
 */
export async function estimateGas(
  chain: Chain,
  from: Address,
  p: SendParameters,
  signal?: AbortSignal,
): Promise<bigint> {
  const call = { from, to: p.to, data: p.data, value: quantity(p.valueWei ?? 0n) }
  let estimate: bigint
  try {
    estimate = BigInt(String(await chain.rpc('eth_estimateGas', [call, 'pending'], signal)))
  } catch (error) {
    throw await explainRevert(error, p)
  }
  const least = leastGas(p.data)
  if (estimate < least) {
    const reason = `an estimate of ${estimate} gas where the calldata alone takes ${least}`
    throw fail('VS_EVM_RPC', { details: { method: 'eth_estimateGas', reason } })
  }
  return withMargin(checkGasCap(p.name, estimate))
}

/**
 * For a limit that the caller gives. Not every node refuses one that no block can have, and what is behind it waits for
 * ever. Throws `VS_EVM_GAS_CAP`, or `VS_EVM_INVALID_OPTION` for less than the calldata takes.
 */
export function checkGasLimit(p: Pick<SendParameters, 'name' | 'data'>, gasLimit: bigint): bigint {
  const least = leastGas(p.data)
  if (gasLimit < least) {
    throw fail('VS_EVM_INVALID_OPTION', {
      details: { field: 'gasLimit', expected: `at least ${least}`, got: gasLimit, call: p.name },
    })
  }
  return checkGasCap(p.name, gasLimit)
}

/** Throws `VS_EVM_GAS_CAP`: not every node refuses it. */
export function checkGasCap(call: string, gas: bigint): bigint {
  if (gas <= TRANSACTION_GAS_CAP) return gas
  throw fail('VS_EVM_GAS_CAP', { details: { call, needed: gas, allowed: TRANSACTION_GAS_CAP } })
}

/** Of a word that is written where zero was. https://eips.ethereum.org/EIPS/eip-2929 */
const NEW_WORD_GAS = 22_100n

/**
 * State may change between estimate and block, also by what this account sends beside it: a quarter more, and enough for a word
 * of storage that was there when it was estimated and is not any more. What is not used is not paid.
 */
export function withMargin(estimate: bigint): bigint {
  const limit = estimate + estimate / 4n + NEW_WORD_GAS
  return limit > TRANSACTION_GAS_CAP ? TRANSACTION_GAS_CAP : limit
}

/**
 * A receipt says only that it failed; the same call on the block before says why. `VS_EVM_OUT_OF_GAS` where it used all that it
 * was given: a refusal leaves some.
 */
export async function whyReverted(
  chain: Chain,
  from: Address,
  p: SendParameters,
  outcome: OutcomeRecord,
  gasLimit: bigint,
): Promise<unknown> {
  if (outcome.gasUsed >= gasLimit) {
    const details = { call: p.name, gasLimit, transaction: outcome.hash }
    return fail('VS_EVM_OUT_OF_GAS', { message: `${p.name} ran out of gas`, details })
  }
  const before = quantity(outcome.block - 1n)
  const call = { from, to: p.to, data: p.data, value: quantity(p.valueWei ?? 0n), gas: quantity(gasLimit) }
  try {
    await chain.rpc('eth_call', [call, before])
  } catch (error) {
    const explained = await explainRevert(error, p)
    if (isVeristackError(explained, 'VS_EVM_REVERTED')) return explained
  }
  return fail('VS_EVM_REVERTED', {
    message: `The contract refused ${p.name}`,
    details: { call: p.name, error: 'unknown', transaction: outcome.hash },
  })
}
