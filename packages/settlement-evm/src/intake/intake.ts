import { type EventLog, follow } from '@veristack/chain-evm'
import type { Host, Plugin } from '@veristack/core'
import { isVeristackError } from '@veristack/core/receipt'
import { checkVerifiers, choose, exclusiveUntil, Skip } from './choose.ts'
import type { Context } from './context.ts'
import { type Desk, openDesk } from './desk.ts'
import { openFunds } from './funds.ts'
import { messageOf } from './inputs.ts'
import {
  type CheckedOptions,
  checkOptions,
  type IntakeEvent,
  type IntakeListener,
  type IntakeOptions,
} from './options.ts'
import { type PlacedRequest, readRequested, requestedTopic } from './placed.ts'
import { publishServed } from './programs.ts'
import { openProgress } from './progress.ts'
import { tellReach } from './reach.ts'

export interface IntakePlugin extends Plugin {
  /** Returns what ends the subscription. What a listener throws is not heard. */
  subscribe(listener: IntakeListener): () => void
  /**
   * Fulfilled when the intake has stopped with its stack, rejected with the error that stopped it before: a key that this chain
   * does not take, a directory that is in use or can not be written. The stack goes on without it. Not settled where the stack did not start.
   */
  readonly ended: Promise<void>
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
  const { promise: ended, resolve, reject } = withResolvers()
  // Who does not ask is told by the event, and by the stack.
  ended.catch(() => undefined)
  const serve = async (host: Host, signal: AbortSignal): Promise<void> => {
    try {
      await run(o, host, emit, signal)
      resolve()
    } catch (error) {
      if (signal.aborted) return resolve()
      reject(error)
      emit({ type: 'ended', ...(isVeristackError(error) ? { code: error.code } : {}), message: messageOf(error) })
      throw error
    }
  }
  return {
    specificationVersion: 'v1',
    name: '@veristack/settlement-evm/intake',
    version: '0.1.0',
    provides: ['service'],
    register: (host) => host.provide('service', (inner) => ({ name: 'intake', run: (s) => serve(inner, s) })),
    ended,
    subscribe: (listener) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
}

function withResolvers() {
  let [resolve, reject] = [(): void => undefined, (_: unknown): void => undefined]
  const promise = new Promise<void>((found, refused) => {
    resolve = found
    reject = refused
  })
  return { promise, resolve, reject }
}

async function run(o: CheckedOptions, host: Host, emit: Context['emit'], ended: AbortSignal): Promise<void> {
  const failing = new AbortController()
  const signal = AbortSignal.any([ended, failing.signal])
  const client = o.settlement.client()
  const { chain, deployment } = client
  const funds = openFunds(client)
  const jobs = host.use('jobs')
  const programs = await publishServed(o, host, signal)
  const progress = await openProgress(o.directory, `${chain.network}/${deployment.settlement}`)
  const context: Context = { o, client, jobs, programs, emit, progress, funds, signal }
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
    const told = tellReach(chain, emit)
    for await (const item of follow(told, { address: deployment.settlement, topics, from, signal, onProgress })) {
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
