import { type Address, type Hex, isVeristackError } from '@veristack/core/receipt'
import { fail } from '../errors.ts'
import type { Chain } from '../rpc/connect.ts'
import { backoff } from '../rpc/retry.ts'
import { type EventLog, parseEventLog } from './cursor.ts'

/** Which events are wanted, and how many blocks a node is asked to look through for them. */
export interface EventFilter {
  readonly address: Address | readonly Address[]
  /** As in `eth_getLogs`: a value, several, or null for any, by position. */
  readonly topics?: readonly (Hex | readonly Hex[] | null)[]
  /** Blocks of one question, at most; default 10,000. A node that wants fewer is asked for fewer. */
  readonly chunk?: number
}

/** How one node is asked for events: in as large pieces as it is willing to look through. */
export interface Asking {
  readonly chain: Chain
  readonly options: EventFilter
  readonly signal: AbortSignal
  /** Answers in a row that say no to one block, and questions in a row without an answer, that end it. */
  readonly patience: { readonly refusals: number; readonly silences: number }
  chunk: bigint
  calm: number
}

const CHUNK = 10_000
/** Chunks that went well before a larger one is tried again. */
const CALM = 32

export const firstChunk = ({ chunk = CHUNK }: EventFilter): bigint => BigInt(chunk)

/** Asks for the events from `from` on, as far as `last` or, where the node wants fewer blocks, as far as `to`. */
export async function askChunk(
  asking: Asking,
  from: bigint,
  last: bigint,
): Promise<{ readonly to: bigint; readonly logs: readonly EventLog[] }> {
  const gap = backoff()
  let refused = 0
  let silent = 0
  for (;;) {
    const to = min(from + asking.chunk - 1n, last)
    try {
      const range = { fromBlock: `0x${from.toString(16)}`, toBlock: `0x${to.toString(16)}` }
      const logs = await askLogs(asking, range)
      asking.calm += 1
      if (asking.calm % CALM === 0) asking.chunk = min(2n * asking.chunk, firstChunk(asking.options))
      return { to, logs }
    } catch (error) {
      asking.signal.throwIfAborted()
      if (!isVeristackError(error)) throw error
      // Too many blocks, too many events, or no time: nodes word it in many ways.
      const smaller = (to - from + 1n) / 2n
      const isSilent = error.code === 'VS_EVM_UNREACHABLE'
      if (isSilent) silent += 1
      else if (smaller === 0n) refused += 1
      if (refused >= asking.patience.refusals || silent >= asking.patience.silences) throw error
      if (smaller > 0n) asking.chunk = smaller
      if (smaller === 0n || isSilent) await gap.wait(asking.signal)
    }
  }
}

/** The events of a range of blocks, or of one by its hash, in the order of the chain. */
export async function askLogs(
  { chain, options: { address, topics }, signal }: Asking,
  range: Readonly<Record<string, string>>,
): Promise<readonly EventLog[]> {
  const filter = { address, ...(topics === undefined ? {} : { topics }), ...range }
  const raw = await chain.rpc('eth_getLogs', [filter], signal)
  if (!Array.isArray(raw)) throw fail('VS_EVM_RPC', { details: { method: 'eth_getLogs', reason: 'no list of logs' } })
  return raw.map(parseEventLog).sort((a, b) => Number(a.block - b.block) || a.index - b.index)
}

const min = (a: bigint, b: bigint): bigint => (a < b ? a : b)
