import { setTimeout as delay } from 'node:timers/promises'
import type { Cursor, EventLog } from '@veristack/chain-evm'
import type { Hex } from '@veristack/core/receipt'
import { type IntakeState, stateFile } from './state.ts'

/** What an intake has behind it, kept where it outlives the process. */
export interface Progress {
  /** Of the last process. */
  readonly cursor: Cursor | undefined
  readonly unfinished: readonly EventLog[]
  /** Everything up to here was looked at: it is finished, or begun. */
  at(cursor: Cursor): void
  begun(log: EventLog): void
  done(log: EventLog): void
  /** This block is not in the chain any more, nor what began in it. */
  removed(blockHash: Hex): void
  /** Saves what changed, until it fails or the returned function is called; that one saves for the last time. */
  keepSaving(onFailure: (error: unknown) => void): () => Promise<void>
}

/** Between two times of writing: a flood of requests is written down in a few pieces. */
const PAUSE_MS = 100

export async function openProgress(directory: string | undefined, owner: string): Promise<Progress> {
  const file = directory === undefined ? undefined : stateFile(directory, owner)
  const before: IntakeState = (await file?.read()) ?? { open: [] }
  const keyOf = (log: EventLog): string => `${log.blockHash}/${log.index}`
  const open = new Map(before.open.map((log) => [keyOf(log), log]))
  let { cursor } = before
  let changed = false
  const save = async (): Promise<void> => {
    if (!changed) return
    changed = false
    await file?.write({ ...(cursor === undefined ? {} : { cursor }), open: [...open.values()] })
  }
  return {
    cursor: before.cursor,
    unfinished: before.open,
    at: (next) => {
      cursor = next
      changed = true
    },
    begun: (log) => {
      open.set(keyOf(log), log)
      changed = true
    },
    done: (log) => {
      changed = open.delete(keyOf(log)) || changed
    },
    removed: (blockHash) => {
      for (const [key, log] of open) {
        if (log.blockHash === blockHash) changed = open.delete(key)
      }
    },
    keepSaving: (onFailure) => {
      const stop = new AbortController()
      const saving = (async () => {
        while (!stop.signal.aborted) {
          await save()
          await delay(PAUSE_MS, undefined, { signal: stop.signal, ref: false }).catch(() => undefined)
        }
      })().catch(onFailure)
      return async () => {
        stop.abort()
        await saving
        await save().catch(onFailure)
      }
    },
  }
}
