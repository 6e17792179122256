import { fromHex, isVeristackError, keccak, toHex } from '@veristack/core/receipt'
import type { Chain } from '../rpc/connect.ts'
import type { Account } from './account.ts'
import type { Intent } from './ledger.ts'
import type { AttemptRecord } from './records.ts'
import { judgeRefusal } from './refusal.ts'
import type { Fees } from './replace.ts'

/** Signs an intent, or for `fill` a transaction that does nothing but use the nonce up. */
export async function signAttempt(
  chain: Chain,
  account: Account,
  p: {
    readonly intent: {
      readonly id: number
      readonly call: Pick<Intent['call'], 'to' | 'data' | 'valueWei' | 'gasLimit'>
    }
    readonly nonce: number
    readonly fill: boolean
    readonly fees: Fees
  },
): Promise<AttemptRecord> {
  const { intent, nonce, fill, fees } = p
  const { to, data, valueWei, gasLimit } = intent.call
  const content = fill
    ? // The intent's own limit is never less than the plain gas, and has room where a rollup counts more.
      { to: account.address, data: '0x' as const, value: 0n, gasLimit }
    : { to, data, value: valueWei, gasLimit }
  const raw = await account.sign({
    type: 2,
    chainId: chain.chainId,
    nonce,
    ...content,
    maxFeePerGas: fees.maxFeeWei,
    maxPriorityFeePerGas: fees.tipWei,
  })
  return { kind: 'attempt', intent: intent.id, nonce, fill, hash: toHex(keccak(fromHex(raw))), ...fees, raw }
}

/**
 * What a node says of a transaction: it has it; no answer, or one that says nothing about the future; or it will never have
 * it, with the reason.
 */
export type Reception = { readonly said: 'has it' | 'unclear' } | { readonly said: 'refused'; readonly error: unknown }

export async function broadcast(chain: Chain, attempt: AttemptRecord, signal?: AbortSignal): Promise<Reception> {
  try {
    await chain.rpc('eth_sendRawTransaction', [attempt.raw], signal)
    return { said: 'has it' }
  } catch (error) {
    if (!isVeristackError(error, 'VS_EVM_RPC')) return { said: 'unclear' }
    const { code, reason } = error.details
    const said = judgeRefusal({ code: typeof code === 'number' ? code : 0, message: String(reason) })
    return said === 'refused' ? { said, error } : { said }
  }
}
