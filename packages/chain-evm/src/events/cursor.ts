import { type Address, type Hex, parseAddress, parseHex } from '@veristack/core/receipt'
import { fail } from '../errors.ts'

/** An event of a contract, where it stands in the chain. */
export interface EventLog {
  readonly address: Address
  readonly topics: readonly Hex[]
  readonly data: Hex
  readonly block: bigint
  readonly blockHash: Hex
  readonly transaction: Hex
  /** Within its block. */
  readonly index: number
}

/**
 * How far a reader has come: everything up to this block is delivered, or in this block everything up to `index`. `recent`
 * names a block that is deep enough to stay, and after it those that events were delivered from and that may still fall out of the
 * chain, so that a reader that starts again is told of what is gone. It grows with the depth that is followed, not with events.
 */
export interface Cursor {
  readonly block: bigint
  readonly hash: Hex
  readonly index?: number
  readonly recent: readonly BlockName[]
}

export interface BlockName {
  readonly block: bigint
  readonly hash: Hex
}

/** 10,000 blocks, the most that is followed, take about a megabyte. */
const CURSOR_LIMIT = 4 * 1024 * 1024
const LOG_LIMIT = 64 * 1024 * 1024

const decimal = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? value.toString() : value)

/** One line of JSON. */
export const serialiseCursor = (cursor: Cursor): string => JSON.stringify(cursor, decimal)

/** Throws `VS_EVM_INVALID_OPTION` for anything that {@link serialiseCursor} does not write. */
export const parseCursor = (text: string): Cursor =>
  parsed('cursor', 'what serialiseCursor wrote', text, CURSOR_LIMIT, (json) => {
    const raw = record(json, ['block', 'hash', 'index', 'recent'])
    return {
      block: height(raw.block),
      hash: digest(raw.hash),
      ...(raw.index === undefined ? {} : { index: count(raw.index) }),
      recent: list(raw.recent).map((r) => {
        const { block, hash } = record(r, ['block', 'hash'])
        return { block: height(block), hash: digest(hash) }
      }),
    }
  })

/** One line of JSON. */
export const serialiseEventLog = (log: EventLog): string => JSON.stringify(log, decimal)

/** Throws `VS_EVM_INVALID_OPTION` for anything that {@link serialiseEventLog} does not write. */
export const parseStoredEventLog = (text: string): EventLog =>
  parsed('log', 'what serialiseEventLog wrote', text, LOG_LIMIT, parseStored)

function parsed<T>(field: string, expected: string, text: string, limit: number, parse: (json: unknown) => T): T {
  try {
    if (text.length > limit) throw new TypeError('too long')
    return parse(JSON.parse(text))
  } catch (cause) {
    throw fail('VS_EVM_INVALID_OPTION', { details: { field, expected, got: `${text.length} characters` }, cause })
  }
}

function parseStored(raw: unknown): EventLog {
  const l = record(raw, ['address', 'topics', 'data', 'block', 'blockHash', 'transaction', 'index'])
  return {
    address: parseAddress(l.address),
    topics: list(l.topics).map((t) => parseHex(t, 'topic', 32)),
    data: parseHex(l.data, 'data'),
    block: height(l.block),
    blockHash: digest(l.blockHash),
    transaction: digest(l.transaction),
    index: count(l.index),
  }
}

/** An entry of what `eth_getLogs` answers. */
export function parseEventLog(raw: unknown): EventLog {
  const l = (typeof raw === 'object' && raw !== null ? raw : {}) as Readonly<Record<string, unknown>>
  return {
    address: parseAddress(l.address, 'log.address'),
    topics: list(l.topics).map((t) => parseHex(t, 'log.topic', 32)),
    data: parseHex(l.data, 'log.data'),
    block: BigInt(String(l.blockNumber)),
    blockHash: parseHex(l.blockHash, 'log.blockHash', 32),
    transaction: parseHex(l.transactionHash, 'log.transactionHash', 32),
    index: Number(l.logIndex),
  }
}

function record(value: unknown, fields: readonly string[]): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) throw new TypeError('not an object')
  const unknown = Object.keys(value).find((k) => !fields.includes(k))
  if (unknown !== undefined) throw new TypeError(`unknown field ${unknown}`)
  return value as Readonly<Record<string, unknown>>
}

function list(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new TypeError('not a list')
  return value
}

function height(value: unknown): bigint {
  if (typeof value !== 'string' || !/^\d{1,20}$/.test(value)) throw new TypeError('not a height')
  return BigInt(value)
}

function count(value: unknown): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw new TypeError('not a count')
  return value
}

const digest = (value: unknown): Hex => parseHex(value, 'hash', 32)
