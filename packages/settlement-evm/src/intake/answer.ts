import { setTimeout as delay } from 'node:timers/promises'
import type { JobHandle, Jobs } from '@veristack/core'
import { isVeristackError, type RequestId } from '@veristack/core/receipt'
import { getResult } from '../actions/get-result.ts'
import { anchorsOf, publishedProgram } from '../actions/publish.ts'
import { type Chosen, checkDeadline, checkLoss, costOf, exclusiveUntil, Skip } from './choose.ts'
import type { Context } from './context.ts'
import { findInputs, messageOf } from './inputs.ts'
import { firstFinal, settledOrPending } from './pending.ts'

/** A request on the desk. */
export interface Entry {
  readonly chosen: Chosen
  readonly gone: AbortController
  handle?: JobHandle
  /** Gives back what was set aside for its gas. */
  release?: () => void
  /** Where it waits: Unix seconds on the chain from which it is looked at again. */
  notBefore: bigint
}

/** Failures of the way to the chain are tried again so often, with pauses that double. */
const ATTEMPTS = 6
const FIRST_PAUSE_MS = 500

/** Sees one request through to its end. `later`: it is somebody else's, or its verifier's, until `notBefore`. */
export async function answer(context: Context, entry: Entry): Promise<'ended' | 'later' | 'stopped'> {
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
  entry.notBefore = now.timestamp + pauseBefore(left)
  emit({ type: 'full', request: request.id, retryAt: entry.notBefore })
  return true
}

/** Seconds to wait before what can not be foreseen is looked at again, of those that are left. */
function pauseBefore(left: bigint): bigint {
  const quarter = left / 4n
  const wait = quarter < SHORTEST_WAIT_SECONDS ? SHORTEST_WAIT_SECONDS : quarter
  return wait > LONGEST_WAIT_SECONDS ? LONGEST_WAIT_SECONDS : wait
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
    const cost = await costOf(o, client, entry.chosen)
    checkLoss(o, entry.chosen, cost)
    await checkRevoked(context, request.program)
    entry.release?.()
    const funds = await context.funds.reserve(cost)
    if (typeof funds !== 'function') {
      entry.notBefore = timestamp + pauseBefore(request.expiresAt - timestamp)
      emit({ type: 'unfunded', request: id, ...funds, retryAt: entry.notBefore })
      return 'later'
    }
    entry.release = funds
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
