import { createHash } from 'node:crypto'
import { type Address, type Hex, parseAddress, parseHex } from '@veristack/core/receipt'

export interface Log {
  readonly address: Address
  readonly topics: readonly Hex[]
  readonly data: Hex
}

/** What is to be done, before a nonce is spent on it. */
export interface IntentRecord {
  readonly kind: 'intent'
  readonly intent: number
  /** Absent: nobody will ask for it again. */
  readonly key?: string
  readonly name: string
  readonly to: Address
  readonly data: Hex
  readonly valueWei: bigint
  readonly gasLimit: bigint
  /** The chain's height when it was written. */
  readonly block: bigint
}

/** A signed transaction, before it is broadcast. `fill` carries nothing out: it only uses the nonce up. */
export interface AttemptRecord {
  readonly kind: 'attempt'
  readonly intent: number
  readonly nonce: number
  readonly fill: boolean
  readonly hash: Hex
  readonly maxFeeWei: bigint
  readonly tipWei: bigint
  readonly raw: Hex
}

/** How it ended, as deep in the chain as was asked for. A later one replaces it: there was a reorganisation. */
export interface OutcomeRecord {
  readonly kind: 'outcome'
  readonly intent: number
  readonly result: 'done' | 'reverted' | 'void'
  readonly hash: Hex
  readonly block: bigint
  readonly blockHash: Hex
  readonly gasUsed: bigint
  readonly feeWei: bigint
  readonly logs: readonly Log[]
}

export type JournalRecord =
  | {
      readonly kind: 'journal'
      readonly version: 1
      readonly chainId: bigint
      readonly account: Address
      readonly genesis: Hex
    }
  | IntentRecord
  | AttemptRecord
  | OutcomeRecord
  /** The node refused it for good; its nonce will be filled. */
  | { readonly kind: 'refused'; readonly intent: number; readonly reason: string }
  /** A transaction that is not in this journal used the nonce. */
  | { readonly kind: 'displaced'; readonly intent: number; readonly nonce: number; readonly by: Hex }
  /** Deeper than any reorganisation that is followed. */
  | { readonly kind: 'final'; readonly intent: number }

/** Of the line before the first one. */
export const NO_CHECK = '0'.repeat(16)

/** Of a line: the first 8 bytes of SHA-256 over the check of the line before it and its record, in hexadecimal. */
function checkOf(before: string, record: string | Buffer): string {
  return createHash('sha256').update(before).update(record).digest('hex').slice(0, NO_CHECK.length)
}

/** One line: the record, a space, its check. */
export function serialiseRecord(
  record: JournalRecord,
  before: string,
): { readonly line: string; readonly check: string } {
  const text = JSON.stringify(record, (_, value) => (typeof value === 'bigint' ? value.toString() : value))
  const check = checkOf(before, text)
  return { line: `${text} ${check}\n`, check }
}

/** The record of a line without its end, or undefined where it is not one, or not what was written behind the line before. */
export function parseRecord(
  line: Buffer,
  before: string,
): { readonly record: JournalRecord; readonly check: string } | undefined {
  const end = line.length - NO_CHECK.length - 1
  if (end < 0) return undefined
  const text = line.subarray(0, end)
  const check = checkOf(before, text)
  if (line.toString('latin1', end) !== ` ${check}`) return undefined
  try {
    const raw: unknown = JSON.parse(text.toString('utf8'))
    if (typeof raw !== 'object' || raw === null) return undefined
    const record = read(raw as Readonly<Record<string, unknown>>)
    return record === undefined ? undefined : { record, check }
  } catch {
    return undefined
  }
}

function read(r: Readonly<Record<string, unknown>>): JournalRecord | undefined {
  const intent = () => count(r.intent)
  switch (r.kind) {
    case 'journal':
      if (r.version !== 1) return undefined
      return {
        kind: r.kind,
        version: 1,
        chainId: quantity(r.chainId),
        account: parseAddress(r.account),
        genesis: digest(r.genesis),
      }
    case 'intent':
      return {
        kind: r.kind,
        intent: intent(),
        ...(r.key === undefined ? {} : { key: text(r.key) }),
        name: text(r.name),
        to: parseAddress(r.to),
        data: parseHex(r.data, 'data'),
        valueWei: quantity(r.valueWei),
        gasLimit: quantity(r.gasLimit),
        block: quantity(r.block),
      }
    case 'attempt':
      return {
        kind: r.kind,
        intent: intent(),
        nonce: count(r.nonce),
        fill: r.fill === true,
        hash: digest(r.hash),
        maxFeeWei: quantity(r.maxFeeWei),
        tipWei: quantity(r.tipWei),
        raw: parseHex(r.raw, 'raw'),
      }
    case 'outcome':
      if (r.result !== 'done' && r.result !== 'reverted' && r.result !== 'void') return undefined
      return {
        kind: r.kind,
        intent: intent(),
        result: r.result,
        hash: digest(r.hash),
        block: quantity(r.block),
        blockHash: digest(r.blockHash),
        gasUsed: quantity(r.gasUsed),
        feeWei: quantity(r.feeWei),
        logs: parseLogs(r.logs),
      }
    case 'refused':
      return { kind: r.kind, intent: intent(), reason: text(r.reason) }
    case 'displaced':
      return { kind: r.kind, intent: intent(), nonce: count(r.nonce), by: digest(r.by) }
    case 'final':
      return { kind: r.kind, intent: intent() }
    default:
      return undefined
  }
}

/** Logs as a node or the journal states them. Throws a typed error for anything else. */
export function parseLogs(value: unknown): readonly Log[] {
  if (!Array.isArray(value)) throw new TypeError('no list of logs')
  return value.map((log: Readonly<Record<string, unknown>>) => {
    if (!Array.isArray(log.topics)) throw new TypeError('no list of topics')
    return {
      address: parseAddress(log.address),
      topics: log.topics.map((t: unknown) => parseHex(t, 'topic', 32)),
      data: parseHex(log.data, 'data'),
    }
  })
}

const digest = (value: unknown): Hex => parseHex(value, 'hash', 32)

function count(value: unknown): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw new TypeError('not a number')
  return value
}

function quantity(value: unknown): bigint {
  if (typeof value !== 'string' || !/^\d{1,78}$/.test(value)) throw new TypeError('not a quantity')
  return BigInt(value)
}

function text(value: unknown): string {
  if (typeof value !== 'string') throw new TypeError('not a text')
  return value
}
