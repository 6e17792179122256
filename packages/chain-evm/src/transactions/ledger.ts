import { type Address, fromHex, type Hex, keccak, toHex } from '@veristack/core/receipt'
import { fail } from '../errors.ts'
import { allocateNonces } from './nonces.ts'
import type { AttemptRecord, IntentRecord, JournalRecord, OutcomeRecord } from './records.ts'

/** A transaction in a block, as its receipt tells it. */
export type Inclusion = Omit<OutcomeRecord, 'kind' | 'intent'>

/** One thing to be done, and what became of it so far. Everything above the line is in the journal. */
export interface Intent {
  readonly id: number
  readonly key: string | undefined
  call: Omit<IntentRecord, 'kind' | 'intent' | 'key'>
  nonce: number
  /** With the present nonce, in the order in which they were signed. */
  attempts: readonly AttemptRecord[]
  /** How many of them are on disk: only those may be handed to a node. */
  durable: number
  /** It only uses its nonce up. */
  fills: boolean
  /** Why the node would not have it. */
  refused: string | undefined
  outcome: OutcomeRecord | undefined
  final: boolean
  // ----
  included: Inclusion | undefined
  /** When it was last handed to the node, and how long until the next time, in milliseconds. */
  sentAt: number
  resendAfterMs: number
  /** Looks at which its nonce was used and it was in no block. */
  suspicion: number
  readonly waiting: Set<Waiter>
}

export interface Waiter {
  resolve(outcome: OutcomeRecord): void
  reject(error: unknown): void
}

/** Everything that one lane knows of its transactions: the sum of its journal's records. */
export interface Ledger {
  readonly nonces: ReturnType<typeof allocateNonces>
  /** Not final: in the order of their nonces, roughly. */
  readonly live: ReadonlyMap<number, Intent>
  readonly nextIntent: number
  apply(record: JournalRecord): void
  /** What was applied is on disk. */
  markDurable(record: JournalRecord): void
  get(id: number): Intent | undefined
  byHash(hash: Hex): Intent | undefined
  byKey(key: string): Intent | undefined
  /** The key may be used again: nothing that was sent with it can take effect. */
  release(intent: Intent): void
}

export function openLedger(): Ledger {
  const nonces = allocateNonces()
  const live = new Map<number, Intent>()
  const hashes = new Map<Hex, Intent>()
  const keys = new Map<string, Intent>()
  let nextIntent = 0

  const intentOf = (id: number): Intent => {
    const intent = live.get(id)
    if (intent === undefined) throw fail('VS_EVM_JOURNAL_CORRUPT', { details: { intent: id } })
    return intent
  }
  const release = (intent: Intent): void => {
    if (intent.key !== undefined && keys.get(intent.key) === intent) keys.delete(intent.key)
  }
  const forget = (intent: Intent): void => {
    for (const a of intent.attempts) hashes.delete(a.hash)
    intent.attempts = []
    intent.durable = 0
  }
  const markDurable = (record: JournalRecord): void => {
    if (record.kind !== 'attempt') return
    const intent = live.get(record.intent)
    const place = intent?.attempts.indexOf(record) ?? -1
    if (intent !== undefined && place >= intent.durable) intent.durable = place + 1
  }
  const apply = (record: JournalRecord): void => {
    switch (record.kind) {
      case 'journal':
        return
      case 'intent': {
        const intent = newIntent(record)
        nextIntent = Math.max(nextIntent, record.intent + 1)
        live.set(intent.id, intent)
        if (intent.key !== undefined) keys.set(intent.key, intent)
        return
      }
      case 'attempt': {
        const intent = intentOf(record.intent)
        intent.nonce = record.nonce
        intent.attempts = [...intent.attempts, record]
        intent.fills = record.fill
        hashes.set(record.hash, intent)
        nonces.hold(record.nonce)
        return
      }
      case 'refused':
        intentOf(record.intent).refused = record.reason
        return
      case 'displaced': {
        const intent = intentOf(record.intent)
        forget(intent)
        nonces.settle(record.nonce)
        intent.nonce = -1
        intent.suspicion = 0
        return
      }
      case 'outcome': {
        const intent = intentOf(record.intent)
        intent.outcome = record
        if (record.result === 'void') release(intent)
        return
      }
      case 'final': {
        const intent = intentOf(record.intent)
        intent.final = true
        forget(intent)
        if (intent.nonce >= 0) nonces.settle(intent.nonce)
        live.delete(intent.id)
        // Calldata is large, and its digest is enough to know it again.
        intent.call = { ...intent.call, data: digestOf(intent.call.data) }
        return
      }
    }
  }
  return {
    nonces,
    live,
    get nextIntent() {
      return nextIntent
    },
    apply,
    markDurable,
    get: (id) => live.get(id),
    byHash: (hash) => hashes.get(hash),
    byKey: (key) => keys.get(key),
    release,
  }
}

const newIntent = ({ intent: id, key, ...call }: IntentRecord): Intent => ({
  id,
  key,
  call,
  nonce: -1,
  attempts: [],
  durable: 0,
  fills: false,
  refused: undefined,
  outcome: undefined,
  final: false,
  included: undefined,
  sentAt: 0,
  resendAfterMs: 0,
  suspicion: 0,
  waiting: new Set(),
})

const digestOf = (data: Hex): Hex => toHex(keccak(fromHex(data)))

/** Whether a call is the one that an intent was made for. */
export const isSameCall = (
  { call, final }: Intent,
  other: { readonly to: Address; readonly data: Hex; readonly valueWei?: bigint },
): boolean =>
  call.to === other.to &&
  call.valueWei === (other.valueWei ?? 0n) &&
  call.data === (final ? digestOf(other.data) : other.data)
