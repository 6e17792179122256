import { setTimeout as delay } from 'node:timers/promises'
import { type EventLog, follow } from '@veristack/chain-evm'
import type { Host, JobHandle, Jobs, Plugin } from '@veristack/core'
import { type Hex, isVeristackError, type RequestId } from '@veristack/core/receipt'
import { getResult } from '../actions/get-result.ts'
import { anchorsOf, publishedProgram } from '../actions/publish.ts'
import type { SettlementClient } from '../client.ts'
import { type Chosen, checkDeadline, checkLoss, checkVerifiers, choose, exclusiveUntil, Skip } from './choose.ts'
import { findInputs, messageOf } from './inputs.ts'
import {
  type CheckedOptions,
  checkOptions,
  type IntakeEvent,
  type IntakeListener,
  type IntakeOptions,
} from './options.ts'
import { firstFinal, settledOrPending } from './pending.ts'
import { type PlacedRequest, readRequested, requestedTopic } from './placed.ts'
import { type Programs, publishServed } from './programs.ts'
import { openProgress, type Progress } from './progress.ts'

export interface IntakePlugin extends Plugin {
  /** Returns what ends the subscription. What a listener throws is not heard. */
  subscribe(listener: IntakeListener): () => void
}

/**
 * Answers requests that contracts or people place on chain. Provides a `service` that follows the settlement contract's events,
 * takes up the requests that it can answer without a loss, and has the stack execute, prove and settle them. It may
 * stop at any time: what was begun is gone on with, and no request is answered twice.
 */
export function intake(options: IntakeOptions): IntakePlugin {
  const o = checkOptions(options)
  const listeners = new Set<IntakeListener>()
  const emit = (event: IntakeEvent): void => {
    for (const listener of listeners) {
      try {
        listener(event)
      } catch {
        // A listener is for looking on.
      }
    }
  }
  return {
    specificationVersion: 'v1',
    name: '@veristack/settlement-evm/intake',
    version: '0.1.0',
    provides: ['service'],
    register: (host) => host.provide('service', (inner) => ({ name: 'intake', run: (s) => run(o, inner, emit, s) })),
    subscribe: (listener) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
}

interface Context {
  readonly o: CheckedOptions
  readonly client: SettlementClient
  readonly jobs: Jobs
  readonly programs: Programs
  readonly emit: (event: IntakeEvent) => void
  readonly progress: Progress
  readonly signal: AbortSignal
}

async function run(o: CheckedOptions, host: Host, emit: Context['emit'], ended: AbortSignal): Promise<void> {
  const failing = new AbortController()
  const signal = AbortSignal.any([ended, failing.signal])
  const client = o.settlement.client()
  const { chain, deployment } = client
  const jobs = host.use('jobs')
  const programs = await publishServed(o, host, signal)
  const progress = await openProgress(o.directory, `${chain.network}/${deployment.settlement}`)
  const context: Context = { o, client, jobs, programs, emit, progress, signal }
  emit({ type: 'ready', programs: programs.ready })

  const desk = openDesk(context)
  const stopSaving = progress.keepSaving((error) => failing.abort(error))
  try {
    for (const log of progress.unfinished) await admit(context, desk, log, true)
    const topics = [await requestedTopic(), null, null, o.serves.map((s) => s.program.id)]
    const from = progress.cursor ?? o.from ?? deployment.block ?? 0n
    const onProgress = (cursor: Parameters<typeof progress.at>[0]): void => {
      progress.at(cursor)
      desk.tick()
    }
    for await (const item of follow(chain, { address: deployment.settlement, topics, from, signal, onProgress })) {
      if (item.kind === 'event') await admit(context, desk, item.log)
      else await desk.takeBack(item.hash)
      progress.at(item.cursor)
    }
  } finally {
    await desk.idle()
    await stopSaving()
  }
  // What can not be written down must not go on.
  failing.signal.throwIfAborted()
}

/** Reads an event, and gives what may be worth answering to the desk. */
async function admit(
  { o, client, emit, jobs, programs, progress, signal }: Context,
  desk: Desk,
  log: EventLog,
  isBegun = false,
): Promise<void> {
  let placed: PlacedRequest
  try {
    placed = await readRequested(client, log)
  } catch (error) {
    progress.done(log)
    emit({ type: 'skipped', reason: 'malformed', message: messageOf(error) })
    return
  }
  const { id } = placed.request
  emit({ type: 'seen', request: id, block: log.block })
  try {
    const chosen = choose(o, placed)
    // What was begun before another release pins other verifiers is gone on with.
    if (!isBegun) checkVerifiers(placed, programs.ready)
    // Most of what a long back-fill brings is over: nobody needs to be asked about it.
    const now = BigInt(Math.floor(Date.now() / 1000))
    // What was begun may wait for its verifier long after.
    if (!isBegun && placed.request.expiresAt + LATE_SECONDS < now)
      throw new Skip('deadline', `expired at ${placed.request.expiresAt}`)
    exclusiveUntil(placed, jobs.claimant, 0n)
    await desk.room(signal)
    progress.begun(log)
    desk.add(chosen)
  } catch (error) {
    if (signal.aborted) return
    progress.done(log)
    if (!(error instanceof Skip)) throw error
    emit({ type: 'skipped', request: id, reason: error.reason, message: error.message })
  }
}

/** A clock of this machine's may be wrong by so much, before the chain's is asked. */
const LATE_SECONDS = 86_400n

interface Desk {
  add(chosen: Chosen): void
  /** Resolves when one more may wait. */
  room(signal: AbortSignal): Promise<void>
  /** A block fell out of the chain, and the requests that were placed in it. */
  takeBack(blockHash: Hex): Promise<void>
  /** A new block: what waits for a time is looked at again. */
  tick(): void
  idle(): Promise<void>
}

interface Entry {
  readonly chosen: Chosen
  readonly gone: AbortController
  handle?: JobHandle
  /** Where it waits: Unix seconds on the chain from which it is looked at again. */
  notBefore: bigint
}

/** The requests that wait or are under way, in the order in which they came. */
function openDesk(context: Context): Desk {
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

/** Failures of the way to the chain are tried again so often, with pauses that double. */
const ATTEMPTS = 6
const FIRST_PAUSE_MS = 500

/** Sees one request through to its end. `later`: it is somebody else's, or its verifier's, until `notBefore`. */
async function answer(context: Context, entry: Entry): Promise<'ended' | 'later' | 'stopped'> {
  const { emit, signal } = context
  const { id } = entry.chosen.placed.request
  const stop = AbortSignal.any([signal, entry.gone.signal])
  for (let attempt = 1; ; attempt++) {
    try {
      return await answerOnce(context, entry, stop)
    } catch (error) {
      if (signal.aborted || entry.gone.signal.aborted) return 'stopped'
      if (error instanceof Skip) {
        emit({ type: 'skipped', request: id, reason: error.reason, message: error.message })
        return 'ended'
      }
      if (isVeristackError(error, 'VS_CORE_NOT_TAKEN')) {
        emit({ type: 'skipped', request: id, reason: reasonOf(error.details.field), message: messageOf(error) })
        return 'ended'
      }
      const code = codeOf(error)
      if (code === 'VS_SETTLE_TOO_MANY_PENDING' && (await waitsForPlace(context, entry))) return 'later'
      if (attempt >= ATTEMPTS || !isPassing(code)) {
        emit({ type: 'failed', request: id, code, message: messageOf(error) })
        return 'ended'
      }
      await delay(FIRST_PAUSE_MS * 2 ** attempt, undefined, { signal: stop }).catch(() => undefined)
    }
  }
}

const SHORTEST_WAIT_SECONDS = 12n
const LONGEST_WAIT_SECONDS = 600n

/**
 * Nobody can tell when a place comes free among the claims that wait: it is tried again when a quarter of the time that is left
 * has passed. False where too little is left for that.
 */
async function waitsForPlace({ client, emit }: Context, entry: Entry): Promise<boolean> {
  const { request } = entry.chosen.placed
  const now = await client.chain.now().catch(() => undefined)
  // Tried again with the next block that the node tells of.
  if (now === undefined) return true
  const left = request.expiresAt - now.timestamp
  if (left < SHORTEST_WAIT_SECONDS) return false
  const quarter = left / 4n
  const wait = quarter < SHORTEST_WAIT_SECONDS ? SHORTEST_WAIT_SECONDS : quarter
  entry.notBefore = now.timestamp + (wait > LONGEST_WAIT_SECONDS ? LONGEST_WAIT_SECONDS : wait)
  emit({ type: 'full', request: request.id, retryAt: entry.notBefore })
  return true
}

const reasonOf = (field: unknown): 'inputs' | 'gone' | 'refused' =>
  field === 'inputs' || field === 'salts' ? 'inputs' : field === 'state' ? 'gone' : 'refused'

/** Of the job's failure, where it was the job that failed. */
const codeOf = (error: unknown): string =>
  isVeristackError(error, 'VS_CORE_JOB_FAILED') && typeof error.details.code === 'string'
    ? error.details.code
    : isVeristackError(error)
      ? error.code
      : 'VS_CORE_JOB_FAILED'

/** What may be otherwise in a moment: the node did not answer, or the stack has as much as it takes. */
const isPassing = (code: string): boolean =>
  (code.startsWith('VS_EVM_') && code !== 'VS_EVM_REVERTED') || code === 'VS_CORE_BUSY'

async function answerOnce(context: Context, entry: Entry, stop: AbortSignal): Promise<'ended' | 'later'> {
  const { o, client, jobs, emit } = context
  const { placed, served, requirement, policies, application } = entry.chosen
  const { request, settlement } = placed
  const { id } = request
  const result = await getResult(client, { request: id })
  if (result.state === 'none') throw new Skip('gone', 'not on chain')
  if (result.state === 'refunded') throw new Skip('decided', 'refunded')
  const decided = result.state === 'accepted' || result.state === 'delivered'
  if (decided && result.claimant !== jobs.claimant) throw new Skip('decided', `answered by ${result.claimant}`)

  const begun = await isBegun(jobs, id)
  if (!begun && decided) throw new Skip('decided', 'answered before, from other records')
  let inputs: Awaited<ReturnType<typeof findInputs>> = { inputs: [] }
  const program = context.programs.of(request.program)
  if (!begun) {
    const { timestamp } = await client.chain.now()
    checkDeadline(o, placed, timestamp)
    const until = exclusiveUntil(placed, jobs.claimant, timestamp)
    if (until !== 0n) {
      entry.notBefore = until + 1n
      return 'later'
    }
    await checkLoss(o, client, entry.chosen)
    await checkRevoked(context, request.program)
    inputs = await findInputs(o, client.chain, served, placed, stop)
  }
  stop.throwIfAborted()
  const handle = await jobs
    .take({ request, requirement, policies, settlement, application, program, signal: stop, ...inputs })
    .catch((error: unknown) => {
      throw refusedInputs(error)
    })
  entry.handle = handle
  // It fell out of the chain while it was taken.
  if (entry.gone.signal.aborted) await handle.cancel()
  stop.throwIfAborted()
  if (!begun) emit({ type: 'taken', request: id })
  const receipt = await settledOrPending(handle, stop)
  if (receipt === 'pending') {
    const finalAt = await firstFinal(client, id, await jobs.receipt(id))
    if (finalAt !== entry.notBefore) emit({ type: 'pending', request: id, finalAt })
    entry.notBefore = finalAt
    return 'later'
  }
  const last = receipt.settlements.at(-1)
  if (last !== undefined) emit({ type: 'settled', request: id, settlement: last })
  return 'ended'
}

const DATA: readonly string[] = ['VS_CORE_INVALID_DATA', 'VS_CORE_TOO_LARGE']

/** What the executor says of inputs that it can not take is about the inputs, not about this node. */
function refusedInputs(error: unknown): unknown {
  if (!isVeristackError(error) || /^VS_(EVM|SETTLE)_/.test(error.code)) return error
  if (error.code.startsWith('VS_CORE_') && !DATA.includes(error.code)) return error
  return new Skip('inputs', messageOf(error))
}

async function isBegun(jobs: Jobs, id: RequestId): Promise<boolean> {
  try {
    await jobs.job(id)
    return true
  } catch (error) {
    if (isVeristackError(error, 'VS_CORE_UNKNOWN_JOB')) return false
    throw error
  }
}

async function checkRevoked({ o, client, programs }: Context, program: Chosen['placed']['request']['program']) {
  const { publisher } = o
  if (publisher === undefined) return
  if ((await publishedProgram(client, { publisher, program }))?.revokedAt !== undefined)
    throw new Skip('revoked', `program ${program} is revoked by ${publisher}`)
  for (const { kind, anchor } of programs.artefactsOf(program)) {
    const published = await anchorsOf(client, { publisher, program, kind })
    if (published.some((a) => a.digest === anchor && a.revokedAt !== undefined))
      throw new Skip('revoked', `the anchor ${anchor} of ${kind} is revoked by ${publisher}`)
  }
}
