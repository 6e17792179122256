import { memoryBlobs } from '../blobs/memory.ts'
import {
  type Address,
  ephemeralSigner,
  fromHex,
  type Hex,
  type Json,
  type ProgramId,
  type RequestId,
  type Signer,
  type Tensor,
} from '../claim/index.ts'
import { fail, isVeristackError } from '../errors/index.ts'
import { createJobEvents, type JobListener } from '../job/events.ts'
import { type JobHandle, jobHandle } from '../job/handle.ts'
import type { Step } from '../job/job.ts'
import { type Assignment, createJournal } from '../job/journal.ts'
import { remaining, stepName } from '../job/plan.ts'
import { assembleReceipt } from '../job/receipt.ts'
import { memoryRecords } from '../job/records-memory.ts'
import { runStep } from '../job/steps.ts'
import { type ObservedRecords, observeRecords } from '../job/watch.ts'
import type { AnchorSet } from '../receipt/anchors.ts'
import type { Receipt } from '../receipt/receipt.ts'
import { memoryScheduler } from '../scheduler/memory.ts'
import { assign, secretOf } from './assign.ts'
import { compose } from './compose.ts'
import type { Require } from './require.ts'
import type {
  Artefacts,
  Call,
  Host,
  JobNeeds,
  NodeOffer,
  Plugin,
  Program,
  Progress,
  Prover,
  Semantics,
} from './roles.ts'

/** A node of this process: an identity under which the stack's executors and provers run. */
export interface LocalNode {
  readonly id: string
  readonly signer: Signer
  /** The least that it works for; default 0. */
  readonly priceWei?: bigint
}

export interface StackOptions {
  readonly plugins: readonly Plugin[]
  /** Who runs executions here. Default: one node, `local`, that signs as the claimant. */
  readonly nodes?: readonly LocalNode[]
  /** 32 bytes from which the salts of commitments derive; default: derived from a signature of the claimant's. */
  readonly secret?: Hex
  /** Unix seconds; default: this machine's clock. */
  readonly now?: () => bigint
  readonly signal?: AbortSignal
}

/** What `lower` of integer-model gives, or an ONNX file with its digest. */
export interface Publishable {
  readonly id: ProgramId
  readonly semantics: Semantics
  readonly bytes: Uint8Array
}

export interface Published {
  readonly program: Program
  readonly artefacts: readonly Artefacts[]
  /** To be given to relying parties by another way than receipts go. */
  readonly anchors: AnchorSet
}

export interface LongCallOptions {
  readonly signal?: AbortSignal
  readonly onProgress?: (event: Progress) => void
}

export interface InferOptions {
  readonly program: Program
  /** Real or integer tensors, as the executor's `prepare` takes them. */
  readonly inputs: readonly Tensor[]
  readonly require: Require
  readonly priceWei?: bigint
  /** How long a claim may be submitted; default one hour. */
  readonly lifetimeSeconds?: bigint
  /** Facts of the application that the request pins: a featuriser's digest, labels. */
  readonly application?: Json
  /** The settler's own terms: callback, exclusive claimant. `false`: do not settle. */
  readonly settlement?: Json | false
  readonly onEvent?: JobListener
  /** Only these sorts of steps are run here; `resume` runs the rest, in this process or another one. */
  readonly steps?: readonly Step['run'][]
  readonly signal?: AbortSignal
}

export interface Stack extends AsyncDisposable {
  readonly host: Host
  readonly claimant: Address
  /** Stores the program and runs the setup of every prover for its semantics. Repeating it is cheap. */
  publish(program: Publishable, options?: LongCallOptions): Promise<Published>
  infer(options: InferOptions): Promise<JobHandle>
  /** A job of this store, begun by any process. */
  job(id: RequestId): Promise<JobHandle>
  /** Runs what is left of a job, wherever the process that began it has gone; with `steps`, only steps of those sorts. */
  resume(id: RequestId, steps?: readonly Step['run'][]): Promise<JobHandle>
  /** The receipt as far as it has grown. */
  receipt(id: RequestId): Promise<Receipt>
  close(): Promise<void>
}

/** Composes plugins into a stack, starts them in order, and stops what it started when one of them fails. */
export async function createStack(options: StackOptions): Promise<Stack> {
  const closing = new AbortController()
  const events = createJobEvents()
  const causes = new Map<RequestId, unknown>()
  let records: ObservedRecords | undefined
  const observed = (): ObservedRecords => {
    records ??= observeRecords(host.use('records'))
    return records
  }
  const composition = compose(options.plugins, {
    blobs: () => memoryBlobs(),
    records: () => memoryRecords(),
    signer: () => ephemeralSigner(),
    scheduler: () =>
      memoryScheduler({
        records: observed(),
        onStepFailed: (id, step, cause) => stepFailed(id, step, cause),
        onProgress: (id, step, event) => events.emit(id, { type: 'progress', step, ...event }),
      }),
  })
  const { host } = composition
  const startSignal = options.signal === undefined ? closing.signal : AbortSignal.any([closing.signal, options.signal])
  await composition.start(startSignal)

  const now = options.now ?? (() => BigInt(Math.floor(Date.now() / 1000)))
  const blobs = host.use('blobs')
  const journal = createJournal(observed(), blobs)
  const scheduler = host.use('scheduler')
  const claimant = host.use('signer')
  const secret = options.secret === undefined ? await secretOf(claimant) : parseSecret(options.secret)
  const handles = { journal, scheduler, events, causes, closed: closing.signal }

  const stepFailed = async (id: RequestId, step: Step, cause: unknown): Promise<void> => {
    causes.set(id, cause)
    const code = isVeristackError(cause) ? cause.code : 'VS_CORE_JOB_FAILED'
    const message = isVeristackError(cause)
      ? cause.shortMessage
      : cause instanceof Error
        ? cause.message
        : String(cause)
    await journal.write(id, 'failure', { step: stepName(step), code, message })
    await journal.update(id, (job) => {
      if (step.run === 'execute' || step.run === 'claim') return { execution: 'failed' }
      return 'kind' in step ? { tracks: { ...job.tracks, [step.kind]: 'undetermined' } } : {}
    })
  }

  const nodes = options.nodes ?? [{ id: 'local', signer: claimant }]
  const workers: AsyncDisposable[] = []
  for (const node of nodes) {
    await scheduler.offer(offerOf(node, host))
    workers.push(
      await scheduler.work({
        node: node.id,
        canRun: (step) =>
          !('kind' in step) || host.all(step.run === 'prove' ? 'prover' : 'verifier').some((p) => p.kind === step.kind),
        handle: async (step, id, call) => {
          const began = performance.now()
          events.emit(id, { type: 'step', step, state: 'started' })
          let state: 'ended' | 'failed' = 'failed'
          try {
            await runStep({ host, journal, claimant, secret, now }, node.signer, step, id, call)
            state = 'ended'
          } finally {
            events.emit(id, { type: 'step', step, state, durationMs: performance.now() - began })
          }
        },
      }),
    )
  }

  const artefactsOf = (program: ProgramId) => (prover: Prover) => journal.read(program, `artefacts/${prover.kind}`)
  const callOf = (key: string, o: LongCallOptions = {}): Call => ({
    signal: o.signal === undefined ? closing.signal : AbortSignal.any([closing.signal, o.signal]),
    idempotencyKey: key,
    progress: (event) => o.onProgress?.(event),
  })
  const refuseClosed = (): void => {
    if (closing.signal.aborted) throw fail('VS_CORE_STACK_CLOSED')
  }

  const stack: Stack = {
    host,
    claimant: claimant.address,
    publish: async (publishable, o) => {
      refuseClosed()
      const call = callOf(`publish/${publishable.id}`, o)
      const blob = await blobs.put(publishable.bytes, 'application/vnd.veristack.program')
      const program: Program = { id: publishable.id, semantics: publishable.semantics, blob }
      const artefacts: Artefacts[] = []
      for (const prover of host.all('prover')) {
        if (prover.setup === undefined || !prover.semantics.includes(program.semantics)) continue
        call.signal.throwIfAborted()
        const made = await prover.setup(program, call)
        await journal.write(program.id, `artefacts/${prover.kind}`, made)
        artefacts.push(made)
      }
      const anchors = artefacts.map((a) => ({ program: a.program, kind: a.kind, digest: a.anchor, origin: a.origin }))
      return { program, artefacts, anchors: { version: 1, anchors } }
    },
    infer: async (o) => {
      refuseClosed()
      const context = { host, artefactsOf: artefactsOf(o.program.id), secret, now: now(), claimant: claimant.address }
      const assignment = await assign(context, o, callOf(`infer/${o.program.id}`, o))
      const id = assignment.request.id
      await journal.write(id, 'assignment', assignment)
      const tracks = Object.fromEntries(assignment.planned.map((p) => [p.kind, 'waiting' as const]))
      if (!(await journal.create({ request: id, execution: 'queued', tracks, settlement: 'none' }))) {
        throw fail('VS_CORE_CONFLICT', { details: { request: id } })
      }
      if (o.onEvent !== undefined) events.subscribe(id, o.onEvent)
      const answer = await scheduler.submit(
        assignment.request,
        assignment.steps.filter((s) => o.steps?.includes(s.run) ?? true),
        needsOf(assignment),
      )
      if (!answer.accepted) {
        throw fail('VS_CORE_NO_NODE', {
          message: 'The scheduler is full',
          details: { retryAfterMs: answer.retryAfterMs },
        })
      }
      return jobHandle(handles, id)
    },
    job: async (id) => {
      await journal.expect(id, 'assignment')
      return jobHandle(handles, id)
    },
    resume: async (id, steps) => {
      refuseClosed()
      const assignment = await journal.expect(id, 'assignment')
      const left = await remaining(assignment.steps, (name) => journal.read(id, name))
      await journal.write(id, 'failure', null)
      causes.delete(id)
      await journal.update(id, (job) =>
        job.execution === 'failed' || job.execution === 'cancelled' ? { execution: 'queued' } : undefined,
      )
      await scheduler.extend(
        assignment.request,
        left.filter((s) => steps?.includes(s.run) ?? true),
        needsOf(assignment),
      )
      return jobHandle(handles, id)
    },
    receipt: (id) => assembleReceipt(journal, id),
    close: async () => {
      if (closing.signal.aborted) return
      closing.abort(fail('VS_CORE_STACK_CLOSED'))
      for (const worker of workers) await worker[Symbol.asyncDispose]()
      await composition.stop()
    },
    [Symbol.asyncDispose]: () => stack.close(),
  }
  return stack
}

/** Never says what came instead of a secret: it may be one. */
function parseSecret(text: Hex): Uint8Array {
  if (!/^0x[0-9a-fA-F]{64}$/.test(text))
    throw fail('VS_CORE_INVALID_DATA', { details: { field: 'secret', expected: '0x and 32 bytes' } })
  return fromHex(text)
}

const needsOf = (a: Assignment): JobNeeds => ({ semantics: a.program.semantics, kinds: a.planned.map((p) => p.kind) })

function offerOf(node: LocalNode, host: Host): NodeOffer {
  return {
    id: node.id,
    address: node.signer.address,
    semantics: [...new Set(host.all('executor').flatMap((e) => e.semantics))],
    kinds: [...new Set([...host.all('prover'), ...host.all('verifier')].map((p) => p.kind))],
    priceWei: node.priceWei ?? 0n,
    load: 0,
    seenAt: BigInt(Date.now()),
  }
}
