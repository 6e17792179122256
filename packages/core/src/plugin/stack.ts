import { memoryBlobs } from '../blobs/memory.ts'
import {
  type Address,
  ephemeralSigner,
  fromHex,
  type Hex,
  type Json,
  type ProgramId,
  type RequestId,
  type Require,
  type Signer,
  type Tensor,
} from '../claim/index.ts'
import { fail } from '../errors/index.ts'
import { createJobEvents, type JobEvents, type JobListener } from '../job/events.ts'
import { type JobHandle, jobHandle } from '../job/handle.ts'
import type { Job, Step } from '../job/job.ts'
import { type Assignment, createJournal, type Journal } from '../job/journal.ts'
import { remaining } from '../job/plan.ts'
import { assembleReceipt } from '../job/receipt.ts'
import { memoryRecords } from '../job/records-memory.ts'
import { type StepRunner, stepRunner } from '../job/run.ts'
import { type ObservedRecords, observeRecords } from '../job/watch.ts'
import type { AnchorSet } from '../receipt/anchors.ts'
import type { Receipt } from '../receipt/receipt.ts'
import { memoryScheduler } from '../scheduler/memory.ts'
import { assign, secretOf } from './assign.ts'
import { compose } from './compose.ts'
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
  Scheduler,
  Semantics,
} from './roles.ts'
import { runServices } from './services.ts'
import { type TakeOptions, takeUp } from './take.ts'

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
  /** Told what goes wrong beside a job: a service that ended, a listener that threw. Default: `console.warn`. */
  readonly onNotice?: (text: string) => void
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
  /** In the smallest unit of the token that the settlement terms name: wei where that is the chain's coin. Default 0. */
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
  /**
   * The job of a request that somebody else made and escrowed: the same for whoever shares the records, however often it is
   * taken, and nothing is paid. Throws `VS_CORE_NOT_TAKEN` with the field that stands in the way.
   */
  take(options: TakeOptions): Promise<JobHandle>
  /** A job of this store, begun by any process. */
  job(id: RequestId): Promise<JobHandle>
  /** Runs what is left of a job, wherever the process that began it has gone; with `steps`, only steps of those sorts. */
  resume(id: RequestId, steps?: readonly Step['run'][]): Promise<JobHandle>
  /** The receipt as far as it has grown. */
  receipt(id: RequestId): Promise<Receipt>
  close(): Promise<void>
}

/** Composes plugins into a stack, starts them in order, and stops what it started when anything on the way fails. */
export async function createStack(options: StackOptions): Promise<Stack> {
  const explicitSecret = options.secret === undefined ? undefined : parseSecret(options.secret)
  const notice = options.onNotice ?? ((text: string) => console.warn(`veristack: ${text}`))
  const closing = new AbortController()
  const events = createJobEvents(notice)
  const causes = new Map<RequestId, unknown>()
  let runner: StepRunner | undefined
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
        onStepFailed: async (id, step, cause) => void (await runner?.failed(id, step, cause)),
        onProgress: (id, step, event) => events.emit(id, { type: 'progress', step, ...event }),
      }),
    jobs: () => {
      if (stack === undefined) throw fail('VS_CORE_MISSING_ROLE', { details: { role: 'jobs', from: 'Service.run' } })
      return stack
    },
  })
  const { host } = composition
  const workers: AsyncDisposable[] = []
  let stack: Stack | undefined
  let services = async (): Promise<void> => undefined
  const close = async (): Promise<void> => {
    if (closing.signal.aborted) return
    closing.abort(fail('VS_CORE_STACK_CLOSED'))
    await runner?.idle()
    for (const worker of workers) await worker[Symbol.asyncDispose]()
    await services()
    await composition.stop()
  }

  const startSignal = options.signal === undefined ? closing.signal : AbortSignal.any([closing.signal, options.signal])
  await composition.start(startSignal)
  try {
    const claimant = host.use('signer')
    const secret = explicitSecret ?? (await secretOf(claimant))
    const journal = createJournal(observed(), host.use('blobs'))
    const now = options.now ?? (() => BigInt(Math.floor(Date.now() / 1000)))
    const steps = stepRunner({ host, journal, claimant, secret, now, events, causes, closing: closing.signal })
    runner = steps
    const scheduler = host.use('scheduler')
    for (const node of options.nodes ?? [{ id: 'local', signer: claimant }]) {
      await scheduler.offer(offerOf(node, host))
      workers.push(
        await scheduler.work({
          node: node.id,
          canRun: (step) => canRun(host, step),
          handle: steps.handle(node.signer),
        }),
      )
    }
    const made = facade({
      host,
      journal,
      scheduler,
      claimant,
      secret,
      now,
      events,
      causes,
      closing: closing.signal,
      close,
    })
    stack = made
    services = runServices(host.all('service'), closing.signal, notice)
    return made
  } catch (error) {
    await close().catch(() => undefined)
    throw error
  }
}

const canRun = (host: Host, step: Step): boolean =>
  !('kind' in step) || host.all(step.run === 'prove' ? 'prover' : 'verifier').some((p) => p.kind === step.kind)

interface Running {
  readonly host: Host
  readonly journal: Journal
  readonly scheduler: Scheduler
  readonly claimant: Signer
  readonly secret: Uint8Array
  readonly now: () => bigint
  readonly events: JobEvents
  readonly causes: Map<RequestId, unknown>
  readonly closing: AbortSignal
  close(): Promise<void>
}

function facade({ host, journal, scheduler, claimant, secret, now, events, causes, closing, close }: Running): Stack {
  const handles = { journal, scheduler, events, causes, closed: closing }
  const callOf = (key: string, o: LongCallOptions = {}): Call => ({
    signal: o.signal === undefined ? closing : AbortSignal.any([closing, o.signal]),
    idempotencyKey: key,
    progress: (event) => o.onProgress?.(event),
  })
  const refuseClosed = (): void => {
    if (closing.aborted) throw fail('VS_CORE_STACK_CLOSED')
  }
  /** The job of an assignment, also where the process that wrote the assignment ended before it wrote the job. */
  const ensureJob = async (a: Assignment): Promise<void> => {
    const tracks = Object.fromEntries(a.planned.map((p) => [p.kind, 'waiting' as const]))
    await journal.create({ request: a.request.id, execution: 'queued', tracks, settlement: 'none' })
  }

  const artefactsOf = (program: Program) => (prover: Prover) => journal.read(program.id, `artefacts/${prover.kind}`)
  const contextOf = (program: Program) => ({
    host,
    artefactsOf: artefactsOf(program),
    secret,
    now: now(),
    claimant: claimant.address,
  })
  const submit = async (a: Assignment, o: Pick<InferOptions, 'steps' | 'onEvent'>): Promise<JobHandle> => {
    const { id } = a.request
    await ensureJob(a)
    const unsubscribe = o.onEvent === undefined ? () => undefined : events.subscribe(id, o.onEvent)
    const steps = a.steps.filter((s) => o.steps?.includes(s.run) ?? true)
    const answer = await scheduler.submit(a.request, steps, needsOf(a))
    if (!answer.accepted) {
      unsubscribe()
      throw fail('VS_CORE_BUSY', { details: { request: id, retryAfterMs: answer.retryAfterMs } })
    }
    return jobHandle(handles, id)
  }

  const made: Stack = {
    host,
    claimant: claimant.address,
    publish: async (publishable, o) => {
      refuseClosed()
      const call = callOf(`publish/${publishable.id}`, o)
      const blob = await host.use('blobs').put(publishable.bytes, 'application/vnd.veristack.program')
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
      const assignment = await assign(contextOf(o.program), o, callOf(`infer/${o.program.id}`, o))
      await journal.write(assignment.request.id, 'assignment', assignment)
      return submit(assignment, o)
    },
    take: async (o) => {
      refuseClosed()
      const { id } = o.request
      if ((await journal.read(id, 'assignment')) === undefined) {
        const taken = await takeUp(contextOf(o.program), o, callOf(`take/${id}`, o))
        const assignment = await journal.once(id, 'assignment', taken.assignment)
        await journal.addSettlement(id, taken.escrowed)
        return submit(assignment, o)
      }
      // What is settled, by the job and by the chain, is left alone; anything else is gone on with from where it is.
      const { settlement } = await made.job(id).then((handle) => handle.state())
      const onChain = await host.use('settler').status(id)
      if (onChain === undefined)
        throw fail('VS_CORE_NOT_TAKEN', { details: { field: 'state', expected: 'a request on chain', got: 'unknown' } })
      const done = isSettled(settlement) && isSettled(onChain.state)
      const handle = done ? await made.job(id) : await made.resume(id, o.steps)
      if (o.onEvent !== undefined) handle.subscribe(o.onEvent)
      return handle
    },
    job: async (id) => {
      await ensureJob(await journal.expect(id, 'assignment'))
      return jobHandle(handles, id)
    },
    resume: async (id, only) => {
      refuseClosed()
      const assignment = await journal.expect(id, 'assignment')
      await ensureJob(assignment)
      const left = await remaining(assignment.steps, (name) => journal.read(id, name))
      await journal.write(id, 'failure', null)
      causes.delete(id)
      await journal.update(id, ({ execution, tracks }) => ({
        execution: execution === 'failed' || execution === 'cancelled' ? 'queued' : execution,
        tracks: Object.fromEntries(Object.entries(tracks).map(([kind, t]) => [kind, t === 'failed' ? 'waiting' : t])),
      }))
      const ran = await Promise.all(
        assignment.steps.map((s) => (s.run === 'execute' ? journal.read(id, `execution/${s.slot}`) : undefined)),
      )
      const taken = ran.flatMap((execution) => (execution === undefined ? [] : [execution.executor]))
      const steps = left.filter((s) => only?.includes(s.run) ?? true)
      await scheduler.extend(assignment.request, steps, { ...needsOf(assignment), taken })
      return jobHandle(handles, id)
    },
    receipt: (id) => assembleReceipt(journal, id),
    close,
    [Symbol.asyncDispose]: close,
  }
  return made
}

const isSettled = (state: Job['settlement']): boolean =>
  state === 'accepted' || state === 'delivered' || state === 'final'

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
