import { read } from '@veristack/chain-evm'
import { type Address, type Digest, type Hex, parseAddress, parseDigest, parseRequestId } from '@veristack/core/receipt'
import { settlementAbi } from '../bindings/Settlement.ts'
import type { SettlementClient } from '../client.ts'
import { STATES } from '../refusal.ts'

export type RequestState = (typeof STATES)[number]

const CALLBACKS = ['none', 'failed', 'succeeded'] as const
export type CallbackStatus = (typeof CALLBACKS)[number]

/** What the contract knows of a request. `claimant` and `outputs` mean something from `accepted` on. */
export interface RequestResult {
  readonly state: RequestState
  /** Claims that wait for a verifier. */
  readonly pending: number
  /** Leaves that the winning claim satisfies: bit i is leaf i. */
  readonly satisfied: number
  /** Unix seconds. */
  readonly acceptedAt: bigint
  readonly claimant: Address
  /** Digest of the winning claim's output commitment list. */
  readonly outputs: Digest
  /** Unix seconds after which the answer counts as stale; 0n: never. */
  readonly validUntil: bigint
  readonly stale: boolean
  /** `failed` may be called again: `retryCallback`. */
  readonly callback: CallbackStatus
}

/** Reads what is decided of a request. An unknown one is in state `none`. */
export async function getResult(
  { chain, deployment }: SettlementClient,
  { request }: { readonly request: Hex },
): Promise<RequestResult> {
  const [result] = await read(chain, {
    address: deployment.settlement,
    abi: settlementAbi,
    name: 'getResult',
    args: [parseRequestId(request)],
  })
  const [state, pending, satisfied, acceptedAt, claimant, outputs, validUntil, stale, callback] = result as readonly [
    bigint,
    bigint,
    bigint,
    bigint,
    string,
    string,
    bigint,
    boolean,
    bigint,
  ]
  return {
    state: STATES[Number(state)] ?? 'none',
    pending: Number(pending),
    satisfied: Number(satisfied),
    acceptedAt,
    claimant: parseAddress(claimant),
    outputs: parseDigest(outputs),
    validUntil,
    stale,
    callback: CALLBACKS[Number(callback)] ?? 'none',
  }
}
