import { setTimeout as delay } from 'node:timers/promises'
import type { Settlement, SettlementState, Settler } from '@veristack/core'
import type { RequestId } from '@veristack/core/receipt'
import { getResult } from '../actions/get-result.ts'
import { type SettlementClient, senderOf } from '../client.ts'
import { agreeTerms } from '../terms.ts'
import type { SettlerOptions } from './options.ts'
import { found } from './outcome.ts'
import { pin } from './pin.ts'
import { prepare } from './prepare.ts'
import { settle } from './settle.ts'

/** Core's settler over Settlement.sol. Every method looks at the contract's state first, so that repeating it is safe. */
export function makeSettler(options: SettlerOptions): Settler {
  const { client } = options
  const status = async (id: RequestId): Promise<Settlement | undefined> => {
    const result = await getResult(client(), { request: id })
    return result.state === 'none' ? undefined : found(client(), id, result)
  }
  return {
    get network() {
      return client().chain.network
    },
    get chainId() {
      return client().chain.chainId
    },
    get contract() {
      return client().deployment.settlement
    },
    get payer() {
      return senderOf(client()).account
    },
    pin: (artefacts, onchain, call) => pin(options, artefacts, onchain, call),
    terms: agreeTerms,
    prepare: (job, call) => prepare(client(), job, call),
    settle: (job, call) => settle(options, job, call),
    status,
    watch: (id, signal) => watch(client(), () => status(id), signal),
  }
}

const WATCH_FACTOR = 5

async function* watch(
  { chain }: SettlementClient,
  status: () => Promise<Settlement | undefined>,
  signal: AbortSignal,
): AsyncGenerator<Settlement> {
  let last: SettlementState | undefined
  while (!signal.aborted) {
    const now = await status()
    if (now !== undefined && now.state !== last) {
      last = now.state
      yield now
      if (now.state === 'delivered' || now.state === 'refunded') return
    }
    await delay(WATCH_FACTOR * chain.pollMs, undefined, { signal }).catch(() => undefined)
  }
}
