import type { BlockTracker } from '../rpc/blocks.ts'
import type { Chain } from '../rpc/connect.ts'
import { persistently } from '../rpc/retry.ts'
import type { Account } from './account.ts'
import { broadcast, signAttempt } from './broadcast.ts'
import type { Intent, Ledger } from './ledger.ts'
import type { IntentRecord, JournalRecord } from './records.ts'
import { capped, type Fees, type Market, raised } from './replace.ts'

/** What the parts of a lane share. */
export interface Work {
  readonly chain: Chain
  readonly account: Account
  readonly ledger: Ledger
  readonly tracker: BlockTracker
  readonly limits: Limits
  /** Ends everything. */
  readonly signal: AbortSignal
  /** What the next block asks for. */
  fees(): Promise<Market>
  /** Into the ledger now, and into the journal before it resolves. */
  write(records: readonly JournalRecord[]): Promise<void>
  /** One after the other, so that no nonce is given twice and none is left out. */
  inTurn<T>(work: () => Promise<T>): Promise<T>
  /** At most a few at a time, so that questions get through. */
  inLine<T>(work: () => Promise<T>): Promise<T>
}

export interface Limits {
  /** Depth at which a transaction counts, its own block included, or the node's word for it. */
  readonly confirmations: number | 'safe' | 'finalized'
  /** Blocks for which a counted one is still looked after. */
  readonly reorgDepth: number
  /** Blocks without progress after which fees are raised. */
  readonly replaceAfterBlocks: number
  /** The most that is offered per gas. Absent: ten times what was offered first. */
  readonly maxFeeWei: bigint | undefined
  readonly resendAfterMs: number
}

const RAISES = 10n

const capOf = (work: Work, first: Fees): bigint => work.limits.maxFeeWei ?? RAISES * first.maxFeeWei

/** A new intent with the next nonce. Resolves when it is in the journal; it goes to the node behind that. */
export async function dispatch(work: Work, call: Omit<IntentRecord, 'kind' | 'intent'>): Promise<Intent> {
  return enter(work, { call, fill: false, nonce: () => work.ledger.nonces.next })
}

/** Uses up a nonce that nothing was sent with. */
export async function fillNonce(work: Work, nonce: number, block: bigint): Promise<void> {
  const to = work.account.address
  const call = { name: 'fill a nonce', to, data: '0x', valueWei: 0n, gasLimit: 21_000n, block } as const
  await enter(work, { call, fill: true, nonce: () => nonce })
}

async function enter(
  work: Work,
  p: { readonly call: Omit<IntentRecord, 'kind' | 'intent'>; readonly fill: boolean; readonly nonce: () => number },
): Promise<Intent> {
  const { ledger } = work
  const fees = await firstFees(work)
  const { id, written } = await work.inTurn(async () => {
    work.signal.throwIfAborted()
    const record: IntentRecord = { kind: 'intent', intent: ledger.nextIntent, ...p.call }
    const { intent: id } = record
    const attempt = await signAttempt(work.chain, work.account, {
      intent: { id, call: record },
      nonce: p.nonce(),
      fill: p.fill,
      fees,
    })
    // Not waited for here: the journal keeps the order, and one write to the disk serves many.
    const written = work.write([record, attempt])
    return { id, written }
  })
  await written
  const intent = ledger.get(id)
  if (intent === undefined) throw work.signal.reason
  void hand(work, intent, true).catch(() => undefined)
  return intent
}

/** The next nonce for an intent whose own is gone. */
export async function dispatchAgain(work: Work, intent: Intent): Promise<void> {
  const fees = await firstFees(work)
  const { written } = await work.inTurn(async () => {
    work.signal.throwIfAborted()
    const { next: nonce } = work.ledger.nonces
    const attempt = await signAttempt(work.chain, work.account, { intent, nonce, fill: intent.fills, fees })
    return { written: work.write([attempt]) }
  })
  await written
  await hand(work, intent, false)
}

async function firstFees(work: Work): Promise<Fees> {
  const market = await persistently(() => work.fees(), work.signal)
  return capped(market, capOf(work, market))
}

/** Signs an intent anew with the same nonce and higher fees; false where the cap does not allow it. */
export async function replace(work: Work, intent: Intent): Promise<boolean> {
  const [first] = intent.attempts
  const last = intent.attempts.at(-1)
  if (first === undefined || last === undefined) return false
  const fees = raised(last, await work.fees(), capOf(work, first))
  if (fees === undefined) return false
  const { nonce } = intent
  const fill = intent.fills || intent.refused !== undefined
  await work.write([await signAttempt(work.chain, work.account, { intent, nonce, fill, fees })])
  await hand(work, intent, false)
  return true
}

/** Gives the node what it may have dropped. */
export const resend = (work: Work, intent: Intent): Promise<void> => hand(work, intent, false)

async function hand(work: Work, intent: Intent, first: boolean): Promise<void> {
  const attempt = intent.attempts[intent.durable - 1]
  if (attempt === undefined) return
  intent.resendAfterMs = Math.min(
    Math.max(2 * intent.resendAfterMs, work.limits.resendAfterMs),
    16 * work.limits.resendAfterMs,
  )
  intent.sentAt = performance.now()
  const reception = await work.inLine(() => broadcast(work.chain, attempt, work.signal))
  if (reception.said !== 'refused' || !first || intent.included !== undefined) return
  const { error } = reception
  await work.write([{ kind: 'refused', intent: intent.id, reason: error instanceof Error ? error.message : 'unknown' }])
  for (const waiter of intent.waiting) waiter.reject(error)
  intent.waiting.clear()
  await replace(work, intent)
}
