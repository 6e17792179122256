import type { JobHandle } from '@veristack/core'
import { claimDigest, type Receipt, type RequestId } from '@veristack/core/receipt'
import { findEvents } from '../actions/find-events.ts'
import type { SettlementClient } from '../client.ts'

/** The receipt of a settled job, or `pending` where its claim was submitted and its verifier decides later. */
export async function settledOrPending(handle: JobHandle, stop: AbortSignal): Promise<Receipt | 'pending'> {
  const over = new AbortController()
  const settled = handle.wait('settled', { signal: AbortSignal.any([stop, over.signal]) })
  const pending = new Promise<'pending'>((found, refuse) => {
    const unsubscribe = handle.subscribe((event) => {
      if (event.type !== 'step' || event.step.run !== 'settle' || event.state !== 'ended') return
      handle.state().then(({ settlement }) => {
        if (settlement === 'pending') found('pending')
      }, refuse)
    })
    over.signal.addEventListener('abort', unsubscribe, { once: true })
  })
  try {
    return await Promise.race([settled, pending])
  } finally {
    over.abort()
    // Ended by what was found first.
    settled.catch(() => undefined)
    pending.catch(() => undefined)
  }
}

/** Unix seconds from which the first of a claim's verifiers can be asked again; 0n where nothing of it waits. */
export async function firstFinal(
  client: SettlementClient,
  id: RequestId,
  { signed }: Pick<Receipt, 'signed'>,
): Promise<bigint> {
  const claim = claimDigest(signed.claim)
  const waiting = new Map<string, bigint>()
  for (const event of await findEvents(client, { request: id })) {
    if (event.claim !== claim || event.evidence === undefined) continue
    const key = `${event.evidence.leaf}/${event.evidence.hash}`
    if (event.finalAt === undefined) waiting.delete(key)
    else waiting.set(key, event.finalAt)
  }
  return [...waiting.values()].reduce((least, at) => (least === 0n || at < least ? at : least), 0n)
}
