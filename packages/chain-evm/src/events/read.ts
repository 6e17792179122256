import { blockByTag } from '../rpc/blocks.ts'
import type { Chain } from '../rpc/connect.ts'
import { persistently } from '../rpc/retry.ts'
import { type Asking, askChunk, type EventFilter, firstChunk } from './ask.ts'
import type { EventLog } from './cursor.ts'

export interface ReadEventsOptions extends EventFilter {
  /** The first block to look at. */
  readonly from: bigint
  /** It is read from the chain's head backwards, and no further than the piece in which this is true of an event. */
  until?(log: EventLog): boolean
  readonly signal?: AbortSignal
}

const PATIENCE = { refusals: 4, silences: 3 }

/**
 * The events up to the present head, oldest first: one look, in pieces that the node is willing to look through. Blocks near the
 * head may still fall out of the chain; {@link follow} tells of that. Throws `VS_EVM_UNREACHABLE`, and `VS_EVM_RPC` where the
 * node refuses one block too.
 */
export async function readEvents(chain: Chain, options: ReadEventsOptions): Promise<readonly EventLog[]> {
  const signal = options.signal === undefined ? chain.closed : AbortSignal.any([chain.closed, options.signal])
  const head = await persistently(() => blockByTag(chain, 'latest', signal), signal)
  const asking: Asking = { chain, options, signal, patience: PATIENCE, chunk: firstChunk(options), calm: 0 }
  const pieces: (readonly EventLog[])[] = []
  for (let last = head.number; last >= options.from; ) {
    const wanted = last - asking.chunk + 1n
    const first = wanted > options.from ? wanted : options.from
    const { to, logs } = await askChunk(asking, first, last)
    // The node wants fewer blocks at a time: those next to the head come first.
    if (to < last) continue
    pieces.unshift(logs)
    if (options.until !== undefined && logs.some((log) => options.until?.(log) === true)) break
    last = first - 1n
  }
  return pieces.flat()
}
