import { numbers, type RequestId, type SignedClaim, type Tensor } from '../claim/index.ts'
import { fail, type VeristackError } from '../errors/index.ts'
import type { Scheduler } from '../plugin/roles.ts'
import type { Receipt } from '../receipt/receipt.ts'
import type { JobEvents, JobListener } from './events.ts'
import type { Job } from './job.ts'
import type { Assignment, Failure, Journal } from './journal.ts'
import { canStillBeMet, plannedKinds, requireMet } from './outcome.ts'
import { assembleReceipt } from './receipt.ts'

/** An answer that nobody has checked yet. */
export interface Executed {
  /** Elements by tensor name, row-major. */
  readonly outputs: Readonly<Record<string, readonly number[]>>
  readonly tensors: readonly Tensor[]
}

/** What each stage hands over. `verified` and `settled` are reached only where the requirement is met. */
export interface Stages {
  executed: Executed
  claimed: SignedClaim
  proved: Receipt
  verified: Receipt
  settled: Receipt
}
export type Stage = keyof Stages

export interface WaitOptions {
  /** Ends the waiting, not the job. */
  readonly signal?: AbortSignal
}

/** A job as its owner sees it. Nothing is awaited, and nothing can reject, before somebody waits. */
export interface JobHandle {
  readonly id: RequestId
  /**
   * Resolves when the stage is reached. Throws `VS_CORE_JOB_FAILED` (with the cause), `VS_CORE_CANCELLED`,
   * `VS_CORE_EVIDENCE_REFUSED` where the verdicts do not meet the requirement, `VS_CORE_STAGE_NOT_PLANNED`.
   */
  wait<S extends Stage>(stage: S, options?: WaitOptions): Promise<Stages[S]>
  state(): Promise<Job>
  subscribe(listener: JobListener): () => void
  cancel(): Promise<void>
}

export interface HandleContext {
  readonly journal: Journal
  readonly scheduler: Scheduler
  readonly events: JobEvents
  /** The error itself, where the job failed in this process. */
  readonly causes: ReadonlyMap<RequestId, unknown>
  readonly closed: AbortSignal
}

export function jobHandle(context: HandleContext, id: RequestId): JobHandle {
  const { journal, scheduler, events } = context
  return {
    id,
    state: async () => {
      const job = await journal.job(id)
      if (job === undefined) throw fail('VS_CORE_UNKNOWN_JOB', { details: { request: id } })
      return job
    },
    subscribe: (listener) => events.subscribe(id, listener),
    cancel: async () => {
      await scheduler.cancel(id)
      const message = 'cancelled by its owner'
      await journal.write(id, 'failure', { step: 'cancel', code: 'VS_CORE_CANCELLED', message })
      await journal.update(id, (job) => (hasOutputs(job) ? {} : { execution: 'cancelled' }))
    },
    wait: async (stage, options = {}) => {
      const assignment = await journal.expect(id, 'assignment')
      if (stage === 'settled' && !assignment.steps.some((s) => s.run === 'settle')) {
        throw fail('VS_CORE_STAGE_NOT_PLANNED', { details: { request: id, stage } })
      }
      const signal = options.signal === undefined ? context.closed : AbortSignal.any([context.closed, options.signal])
      const stop = new AbortController()
      let unrecorded: Failure | undefined
      const unsubscribe = events.subscribe(id, (event) => {
        if (event.type !== 'failed') return
        unrecorded = event.failure
        stop.abort()
      })
      try {
        for await (const job of scheduler.watch(id, AbortSignal.any([signal, stop.signal]))) {
          if (reached(stage, job, assignment)) return await deliver(stage, journal, assignment)
          const failure = await journal.read(id, 'failure')
          if (failure && stands(failure, stage)) throw failed(id, failure, context.causes.get(id))
        }
      } finally {
        unsubscribe()
        stop.abort()
      }
      if (unrecorded !== undefined) throw failed(id, unrecorded, context.causes.get(id))
      options.signal?.throwIfAborted()
      throw fail('VS_CORE_STACK_CLOSED', { details: { request: id, 'waiting for': stage } })
    },
  }
}

const hasOutputs = (job: Job): boolean => job.execution === 'executed' || job.execution === 'claimed'

/** What fails on the way to the chain does not stand in the way of a verdict. */
const stands = (failure: Failure, stage: Stage): boolean =>
  stage === 'settled' || (failure.step !== 'escrow' && failure.step !== 'settle')

function failed(id: RequestId, failure: Failure, cause: unknown): VeristackError {
  if (failure.code === 'VS_CORE_CANCELLED') return fail('VS_CORE_CANCELLED', { details: { request: id } })
  return fail('VS_CORE_JOB_FAILED', {
    message: `The job failed at ${failure.step}: ${failure.message}`,
    details: { request: id, code: failure.code },
    ...(cause === undefined ? {} : { cause }),
  })
}

/** A stage of evidence is reached when every track has come so far or failed, and not all that were needed have failed. */
function reached(stage: Stage, job: Job, assignment: Assignment): boolean {
  const tracks = plannedKinds(assignment).map((kind) => job.tracks[kind] ?? 'waiting')
  const met = canStillBeMet(assignment, job.tracks)
  switch (stage) {
    case 'executed':
      return hasOutputs(job)
    case 'claimed':
      return job.execution === 'claimed'
    case 'proved':
      return tracks.every((t) => t !== 'waiting' && t !== 'proving') && tracks.some((t) => t !== 'failed')
    case 'verified':
      return (
        tracks.every((t) => t !== 'waiting' && t !== 'proving' && t !== 'proved') && (met || !tracks.includes('failed'))
      )
    case 'settled':
      return job.settlement === 'accepted' || job.settlement === 'delivered' || job.settlement === 'final'
  }
}

async function deliver<S extends Stage>(stage: S, journal: Journal, a: Assignment): Promise<Stages[S]> {
  const id = a.request.id
  const results: { readonly [K in Stage]: () => Promise<Stages[K]> } = {
    executed: async () => {
      const { outputs } = await journal.expect(id, 'execution/0')
      return { outputs: Object.fromEntries(outputs.map((t) => [t.name, numbers(t)])), tensors: outputs }
    },
    claimed: async () => (await journal.expect(id, 'claimed')).signed,
    proved: () => assembleReceipt(journal, id),
    verified: async () => {
      await requireMet(journal, a)
      return assembleReceipt(journal, id)
    },
    settled: () => assembleReceipt(journal, id),
  }
  return results[stage]()
}
