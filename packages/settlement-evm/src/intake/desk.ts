import type { Hex } from '@veristack/core/receipt'
import { answer, type Entry } from './answer.ts'
import { type Chosen, Skip } from './choose.ts'
import type { Context } from './context.ts'

export interface Desk {
  add(chosen: Chosen): void
  /** Resolves when one more may wait. */
  room(signal: AbortSignal): Promise<void>
  /** A block fell out of the chain, and the requests that were placed in it. */
  takeBack(blockHash: Hex): Promise<void>
  /** A new block: what waits for a time is looked at again. */
  tick(): void
  idle(): Promise<void>
}

/** The requests that wait or are under way, in the order in which they came. */
export function openDesk(context: Context): Desk {
  const { o, signal, emit, progress } = context
  const waiting: Entry[] = []
  const later: Entry[] = []
  const running = new Map<Entry, Promise<void>>()
  let wake = (): void => undefined

  const finished = (entry: Entry): void => {
    running.delete(entry)
    pump()
    wake()
  }
  const work = async (entry: Entry): Promise<void> => {
    try {
      const outcome = await answer(context, entry)
      if (outcome === 'later') {
        // Else it fell out of the chain meanwhile.
        if (!entry.gone.signal.aborted) later.push(entry)
      } else if (outcome === 'ended') progress.done(entry.chosen.placed.log)
    } finally {
      entry.release?.()
      finished(entry)
    }
  }
  const pump = (): void => {
    while (!signal.aborted && running.size < o.parallel) {
      const next = waiting.shift()
      if (next === undefined) return
      running.set(next, work(next))
    }
  }
  let isLooking = false
  const wakeDue = async (): Promise<void> => {
    isLooking = true
    try {
      const { timestamp } = await context.client.chain.now()
      const due = later.filter((e) => e.notBefore <= timestamp)
      later.splice(0, later.length, ...later.filter((e) => e.notBefore > timestamp))
      waiting.push(...due)
      pump()
    } catch {
      // The node did not answer: asked again with the next block.
    } finally {
      isLooking = false
    }
  }
  const isOf = (blockHash: Hex) => (entry: Entry) => entry.chosen.placed.log.blockHash === blockHash
  /** Takes those of a block out of a list. */
  const drop = (list: Entry[], blockHash: Hex): readonly Entry[] => {
    const gone = list.filter(isOf(blockHash))
    list.splice(0, list.length, ...list.filter((entry) => !gone.includes(entry)))
    return gone
  }

  return {
    add: (chosen) => {
      waiting.push({ chosen, gone: new AbortController(), notBefore: 0n })
      pump()
    },
    room: async (stop) => {
      while (waiting.length >= o.waiting) {
        stop.throwIfAborted()
        await new Promise<void>((resolve) => {
          wake = resolve
          stop.addEventListener('abort', wake, { once: true })
        })
        stop.removeEventListener('abort', wake)
      }
    },
    takeBack: async (blockHash) => {
      const idle = [...drop(waiting, blockHash), ...drop(later, blockHash)]
      const busy = [...running.keys()].filter(isOf(blockHash))
      progress.removed(blockHash)
      for (const entry of busy) {
        entry.gone.abort(new Skip('gone', 'its block is not in the chain any more'))
        await entry.handle?.cancel()
      }
      for (const entry of [...idle, ...busy]) emit({ type: 'removed', request: entry.chosen.placed.request.id })
    },
    tick: () => {
      if (later.length > 0 && !isLooking) void wakeDue()
    },
    idle: async () => {
      while (running.size > 0) await Promise.allSettled(running.values())
    },
  }
}
