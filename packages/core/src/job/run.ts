import type { RequestId, Signer } from '../claim/index.ts'
import { isVeristackError } from '../errors/index.ts'
import type { Call, Worker } from '../plugin/roles.ts'
import type { JobEvents } from './events.ts'
import type { Step } from './job.ts'
import type { Failure } from './journal.ts'
import { canStillBeMet } from './outcome.ts'
import { stepName } from './plan.ts'
import { runStep, type StepContext } from './steps.ts'

export interface RunContext extends StepContext {
  readonly events: JobEvents
  /** The error itself, by the job that it ended or hurt, for whoever waits in this process. */
  readonly causes: Map<RequestId, unknown>
  /** Aborted when the stack closes. What stops because of that has not failed. */
  readonly closing: AbortSignal
}

export interface StepRunner {
  handle(node: Signer): Worker['handle']
  /** Takes down that a step failed. False where the job goes on without it. */
  failed(id: RequestId, step: Step, cause: unknown): Promise<boolean>
  /** Resolves when no step runs any more. */
  idle(): Promise<void>
}

/** Runs the steps of jobs for the nodes of a stack, and keeps what went wrong. */
export function stepRunner(context: RunContext): StepRunner {
  const { journal, events, causes, closing } = context
  const running = new Set<Promise<void>>()

  const failed = async (id: RequestId, step: Step, cause: unknown): Promise<boolean> => {
    if (closing.aborted || causes.get(id) === cause) return true
    causes.set(id, cause)
    const failure = failureOf(step, cause)
    try {
      if ('kind' in step) {
        const { kind } = step
        await journal.write(id, `failure/${kind}`, failure)
        const job = await journal.update(id, ({ tracks }) => ({ tracks: { ...tracks, [kind]: 'failed' } }))
        if (canStillBeMet(await journal.expect(id, 'assignment'), job.tracks)) return false
      }
      await journal.write(id, 'failure', failure)
      await journal.update(id, () => (step.run === 'execute' || step.run === 'claim' ? { execution: 'failed' } : {}))
    } catch {
      // The store refuses even this. Whoever waits here is told; others will find the job where it stopped.
      events.emit(id, { type: 'failed', failure })
    }
    return true
  }

  const run = async (node: Signer, step: Step, id: RequestId, call: Call): Promise<void> => {
    const signal = AbortSignal.any([call.signal, closing])
    const began = performance.now()
    events.emit(id, { type: 'step', step, state: 'started' })
    let state: 'ended' | 'failed' = 'failed'
    try {
      await runStep(context, node, step, id, { ...call, signal })
      state = 'ended'
    } catch (cause) {
      // Cancelled, closed, or ended by another step that failed: that was taken down, or must not be.
      if (signal.aborted || (await failed(id, step, cause))) throw cause
    } finally {
      events.emit(id, { type: 'step', step, state, durationMs: performance.now() - began })
    }
  }

  return {
    failed,
    handle: (node) => (step, id, call) => {
      const work = run(node, step, id, call)
      const quiet = work.catch(() => undefined).finally(() => running.delete(quiet))
      running.add(quiet)
      return work
    },
    idle: async () => {
      while (running.size > 0) await Promise.all(running)
    },
  }
}

function failureOf(step: Step, cause: unknown): Failure {
  const code = isVeristackError(cause) ? cause.code : 'VS_CORE_JOB_FAILED'
  const message = isVeristackError(cause) ? cause.shortMessage : cause instanceof Error ? cause.message : String(cause)
  return { step: stepName(step), code, message }
}
