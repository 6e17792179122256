import type { RequestId } from '../claim/index.ts'
import type { Progress } from '../plugin/roles.ts'
import type { Step } from './job.ts'
import type { Failure } from './journal.ts'

/** What happens to a job in this process; what another process does to it is seen through `state()` and `wait`. */
export type JobEvent =
  | { readonly type: 'step'; readonly step: Step; readonly state: 'started' }
  | { readonly type: 'step'; readonly step: Step; readonly state: 'ended' | 'failed'; readonly durationMs: number }
  | ({ readonly type: 'progress'; readonly step: Step } & Progress)
  /** The job failed and the store would not take it down; a failure that it took is seen through the job's state. */
  | { readonly type: 'failed'; readonly failure: Failure }

export type JobListener = (event: JobEvent) => void

export interface JobEvents {
  emit(id: RequestId, event: JobEvent): void
  /** Returns what ends the subscription. Listeners are called on a turn of their own. */
  subscribe(id: RequestId, listener: JobListener): () => void
}

/** `notice` is told what a listener threw: a progress bar must not end a node. */
export function createJobEvents(notice: (text: string) => void): JobEvents {
  const listeners = new Map<RequestId, Set<JobListener>>()
  return {
    emit: (id, event) => {
      for (const listener of listeners.get(id) ?? []) {
        queueMicrotask(() => {
          try {
            listener(event)
          } catch (error) {
            notice(`a listener of job ${id} threw: ${String(error)}`)
          }
        })
      }
    },
    subscribe: (id, listener) => {
      const set = listeners.get(id) ?? new Set()
      listeners.set(id, set.add(listener))
      return () => {
        set.delete(listener)
        if (set.size === 0) listeners.delete(id)
      }
    },
  }
}
