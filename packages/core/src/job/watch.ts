import type { RequestId } from '../claim/index.ts'
import type { Job, Records } from './job.ts'

/** Another process's changes are seen at this interval; this process's own at once. */
const POLL_MS = 150

export interface ObservedRecords extends Records {
  /** Each state of the job from now on, skipping those that were overtaken. Ends with the signal. */
  watch(id: RequestId, signal: AbortSignal): AsyncIterable<Job>
}

/** Adds watching to any store of records. */
export function observeRecords(records: Records): ObservedRecords {
  const waiting = new Map<RequestId, Set<() => void>>()
  const wake = (id: RequestId): void => {
    for (const resolve of waiting.get(id) ?? []) resolve()
  }
  const listen = (
    id: RequestId,
    signal: AbortSignal,
  ): { readonly changed: Promise<void>; readonly cancel: () => void } => {
    let cancel = (): void => undefined
    const changed = new Promise<void>((resolve) => {
      const set = waiting.get(id) ?? new Set()
      waiting.set(id, set)
      cancel = () => {
        clearTimeout(timer)
        set.delete(cancel)
        if (set.size === 0) waiting.delete(id)
        signal.removeEventListener('abort', cancel)
        resolve()
      }
      const timer = setTimeout(cancel, POLL_MS)
      signal.addEventListener('abort', cancel)
      set.add(cancel)
    })
    return { changed, cancel }
  }
  return {
    get: (id, name) => records.get(id, name),
    put: (id, name, ref) => records.put(id, name, ref),
    once: (id, name, ref) => records.once(id, name, ref),
    job: (id) => records.job(id),
    swap: async (expected, next) => {
      const swapped = await records.swap(expected, next)
      if (swapped) wake(next.request)
      return swapped
    },
    async *watch(id, signal) {
      let seen = 0
      while (!signal.aborted) {
        // Listening begins before reading: a change in between is not lost.
        const { changed, cancel } = listen(id, signal)
        const job = await records.job(id)
        if (job !== undefined && job.revision > seen) {
          cancel()
          seen = job.revision
          yield job
        } else {
          await changed
        }
      }
    },
  }
}
