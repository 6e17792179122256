import type { RequestId } from '../claim/index.ts'
import type { Progress } from '../plugin/roles.ts'
import type { Job, Step } from './job.ts'

/** What happens to a job in this process; a job that another process moves is seen through its states alone. */
export type JobEvent =
  | { readonly type: 'state'; readonly job: Job }
  | { readonly type: 'step'; readonly step: Step; readonly state: 'started' }
  | { readonly type: 'step'; readonly step: Step; readonly state: 'ended' | 'failed'; readonly durationMs: number }
  | ({ readonly type: 'progress'; readonly step: Step } & Progress)

export type JobListener = (event: JobEvent) => void

export interface JobEvents {
  emit(id: RequestId, event: JobEvent): void
  /** Returns what ends the subscription. Listeners are called on a turn of their own. */
  subscribe(id: RequestId, listener: JobListener): () => void
}

export function createJobEvents(): JobEvents {
  const listeners = new Map<RequestId, Set<JobListener>>()
  return {
    emit: (id, event) => {
      for (const listener of listeners.get(id) ?? []) {
        // On a turn of its own: what a listener throws is its owner's, not the step's.
        queueMicrotask(() => listener(event))
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
