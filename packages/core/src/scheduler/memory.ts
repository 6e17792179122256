import type { Address, Request, RequestId } from '../claim/index.ts'
import { fail } from '../errors/index.ts'
import type { Job, Step } from '../job/job.ts'
import { dependencies, stepName } from '../job/plan.ts'
import type { ObservedRecords } from '../job/watch.ts'
import type { Call, JobNeeds, NodeOffer, Progress, Scheduler, Worker } from '../plugin/roles.ts'
import { type Candidate, match } from './match.ts'

export interface MemorySchedulerOptions {
  readonly records: ObservedRecords
  /** Jobs under way at once; more are told to come again later. Default 1000. */
  readonly capacity?: number
  /** Steps that one node runs at once. Default 4. */
  readonly perNode?: number
  /** How old an offer without a worker in this process may be, in milliseconds. Default 60 000. */
  readonly maxOfferAgeMs?: number
  readonly now?: () => number
  /** A step that nobody can take, or whose handler threw: the job ends here. */
  readonly onStepFailed: (id: RequestId, step: Step, cause: unknown) => Promise<void>
  readonly onProgress?: (id: RequestId, step: Step, event: Progress) => void
}

interface Queued {
  readonly request: Request
  readonly needs: JobNeeds
  readonly all: Step[]
  readonly ended: Set<string>
  readonly running: Set<string>
  readonly executedBy: Map<string, Address>
  readonly controller: AbortController
}

/** Jobs of one process. Nothing is kept here that the records do not have: another process resumes from those. */
export function memoryScheduler(options: MemorySchedulerOptions): Scheduler {
  const { records, capacity = 1000, perNode = 4, maxOfferAgeMs = 60_000, now = Date.now } = options
  const offers = new Map<string, NodeOffer>()
  const workers = new Map<string, Worker>()
  const active = new Map<string, number>()
  const jobs = new Map<RequestId, Queued>()

  const candidates = (step: Step, request: Request): readonly Candidate[] =>
    [...offers.values()].map((offer) => {
      const worker = workers.get(offer.id)
      const load = worker === undefined ? offer.load : Math.max(offer.load, (active.get(offer.id) ?? 0) / perNode)
      const seenAt = worker === undefined ? offer.seenAt : BigInt(now())
      return {
        offer: { ...offer, load, seenAt },
        canRun: worker !== undefined && says(() => worker.canRun(step, request)),
      }
    })

  const ready = (job: Queued): readonly Step[] =>
    job.all.filter((step) => {
      const name = stepName(step)
      return (
        !job.ended.has(name) &&
        !job.running.has(name) &&
        dependencies(step, job.all).every((d) => job.ended.has(stepName(d)))
      )
    })

  const dispatch = (id: RequestId, job: Queued): void => {
    for (const step of ready(job)) {
      const found = match(candidates(step, job.request), {
        step,
        request: job.request,
        needs: job.needs,
        taken: new Set([...(job.needs.taken ?? []), ...job.executedBy.values()]),
        now: BigInt(now()),
        maxAgeMs: BigInt(maxOfferAgeMs),
      })
      const worker = found.node === undefined ? undefined : workers.get(found.node.id)
      if (found.node === undefined || worker === undefined) {
        if (found.excluded.some((e) => e.passing)) continue
        end(
          id,
          job,
          step,
          fail('VS_CORE_NO_NODE', {
            details: {
              step: stepName(step),
              ...Object.fromEntries(found.excluded.map((e) => [`node ${e.node}`, e.reasons.join('; ')])),
            },
          }),
        )
        return
      }
      void start(id, job, step, worker, found.node.address)
    }
  }

  const dispatchAll = (): void => {
    for (const [id, job] of jobs) dispatch(id, job)
  }

  const end = (id: RequestId, job: Queued, step: Step, cause: unknown): void => {
    // A job that was cancelled and begun again has the same id and is another one.
    if (jobs.get(id) === job) jobs.delete(id)
    if (job.controller.signal.aborted) return
    job.controller.abort(cause)
    // Whoever listens answers for its own failures; a rejection here would end the process.
    options.onStepFailed(id, step, cause).catch(() => undefined)
  }

  const start = async (id: RequestId, job: Queued, step: Step, worker: Worker, node: Address): Promise<void> => {
    const name = stepName(step)
    job.running.add(name)
    if (step.run === 'execute') job.executedBy.set(name, node)
    active.set(worker.node, (active.get(worker.node) ?? 0) + 1)
    const call: Call = {
      signal: job.controller.signal,
      idempotencyKey: `${id}/${name}`,
      progress: (event) => options.onProgress?.(id, step, event),
    }
    try {
      await worker.handle(step, id, call)
      job.ended.add(name)
    } catch (cause) {
      end(id, job, step, cause)
    } finally {
      job.running.delete(name)
      active.set(worker.node, (active.get(worker.node) ?? 1) - 1)
    }
    if (jobs.get(id) === job && job.all.every((s) => job.ended.has(stepName(s)))) jobs.delete(id)
    dispatchAll()
  }

  const enqueue = (request: Request, steps: readonly Step[], needs: JobNeeds): void => {
    const known = jobs.get(request.id)
    const job: Queued = known ?? {
      request,
      needs,
      all: [],
      ended: new Set(),
      running: new Set(),
      executedBy: new Map(),
      controller: new AbortController(),
    }
    const names = new Set(job.all.map(stepName))
    job.all.push(...steps.filter((s) => !names.has(stepName(s))))
    jobs.set(request.id, job)
    // The caller learns that the job was taken before any of it runs.
    queueMicrotask(() => dispatch(request.id, job))
  }

  return {
    submit: async (request, steps, needs) => {
      if (jobs.size >= capacity && !jobs.has(request.id)) return { accepted: false, retryAfterMs: 1000 }
      enqueue(request, steps, needs)
      return { accepted: true }
    },
    offer: async (node) => {
      offers.set(node.id, node)
      dispatchAll()
    },
    work: async (worker) => {
      workers.set(worker.node, worker)
      dispatchAll()
      return {
        [Symbol.asyncDispose]: async () => {
          if (workers.get(worker.node) !== worker) return
          workers.delete(worker.node)
          offers.delete(worker.node)
        },
      }
    },
    extend: async (request, steps, needs) => enqueue(request, steps, needs),
    cancel: async (id) => {
      const job = jobs.get(id)
      jobs.delete(id)
      job?.controller.abort(fail('VS_CORE_CANCELLED', { details: { request: id } }))
    },
    watch: (id, signal): AsyncIterable<Job> => records.watch(id, signal),
  }
}

/** A worker that can not say whether it can, can not. */
function says(question: () => boolean): boolean {
  try {
    return question()
  } catch {
    return false
  }
}
