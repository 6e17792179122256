import { type Address, type Hex, parseAddress, parseHex, show } from '@veristack/core/receipt'
import type { Abi } from '../contract/abi.ts'
import { explainRevert } from '../contract/revert.ts'
import { fail } from '../errors.ts'
import { blockByTag, trackBlocks } from '../rpc/blocks.ts'
import type { Chain } from '../rpc/connect.ts'
import { backoff, pause, persistently } from '../rpc/retry.ts'
import type { Account } from './account.ts'
import { watchLane } from './confirm.ts'
import { dispatch, type Limits, type Work } from './dispatch.ts'
import { checkGasLimit, estimateGas, whyReverted } from './gas.ts'
import { type Journal, memoryJournal, openJournal } from './journal.ts'
import { type Intent, isSameCall, openLedger } from './ledger.ts'
import type { JournalRecord, Log, OutcomeRecord } from './records.ts'
import { feeSource } from './replace.ts'

/** A transaction in a block. `gasUsed` is all of it, intrinsic gas included. */
export interface Mined {
  readonly hash: Hex
  readonly block: bigint
  readonly blockHash: Hex
  readonly gasUsed: bigint
  readonly feeWei: bigint
  readonly logs: readonly Log[]
}

export interface SendParameters {
  readonly to: Address
  readonly data: Hex
  readonly valueWei?: bigint
  /** For errors: what is called, and the ABI that its custom errors are in. */
  readonly name: string
  readonly abi?: Abi
  /**
   * Names the work. A second `send` with the same key sends nothing: it waits for what the first one sent and gives its
   * answer, also after a restart where the lane has a journal on disk.
   */
  readonly idempotencyKey?: string
  /** Where the same key's transaction was reverted: give that answer again (default), or send once more. */
  readonly ifReverted?: 'answer' | 'send'
  /** Gas units, at least what the calldata takes and at most 16,777,216. Given: nothing is estimated, and a call that the contract refuses is paid for. */
  readonly gasLimit?: bigint
  /** Told when it is written down and goes to the node; not for what a same key sent and is final. A replacement has another hash. */
  onSent?(hash: Hex): void
}

export interface LaneOptions {
  /** Where the journal is kept, a file for each chain and account. Absent: in memory, gone with the process. */
  readonly journalDirectory?: string
  /**
   * When a transaction counts: in a block that is the newest (1, the default), `n` deep, or `safe` or `finalized` by the node's
   * word. On a rollup a number of blocks is its sequencer's word, however many; `safe` is on the chain below, `finalized` is
   * final there.
   */
  readonly confirmations?: number | 'safe' | 'finalized'
  /** Blocks for which a transaction that counts is still looked after, and sent again if it falls out; default 64. */
  readonly reorgDepth?: number
  /** Blocks without progress after which fees are raised; default 3. */
  readonly replaceAfterBlocks?: number
  /** The most that is offered, in wei per gas. Default: ten times what was offered first. */
  readonly maxFeePerGasWei?: bigint
}

/** The transactions of one account on one chain, in order. */
export interface Lane {
  readonly chain: Chain
  readonly account: Address
  /**
   * Sends a transaction and waits until it counts. Transactions may be sent side by side: each gets the next nonce. Throws
   * `VS_EVM_REVERTED` with the contract's error, before anything is sent where the node can see it; `VS_EVM_OUT_OF_GAS`;
   * `VS_CORE_INVALID_DATA` and `VS_EVM_INVALID_OPTION` with the name of a field that can not be used. The signal ends the
   * waiting; what was sent by then is still brought to its end.
   */
  send(parameters: SendParameters, signal?: AbortSignal): Promise<Mined>
  /** Reads the journal and takes up what was not finished. `send` does it too. Throws `VS_EVM_LANE_LOCKED`. */
  open(): Promise<void>
  /** Resolves when everything in the journal counts. */
  idle(signal?: AbortSignal): Promise<void>
  /** Stops looking after transactions and lets another process have the journal. Closing the chain does it too. */
  close(): Promise<void>
}

const lanes = new WeakMap<Chain, Map<Address, { readonly lane: Lane; readonly options: LaneOptions }>>()

/** The one lane of this account on this chain in this process. Options count when it is made. */
export function laneOf(chain: Chain, account: Account, options: LaneOptions = {}): Lane {
  const known = lanes.get(chain) ?? new Map<Address, { readonly lane: Lane; readonly options: LaneOptions }>()
  lanes.set(chain, known)
  const before = known.get(account.address)
  if (before !== undefined) {
    for (const [field, value] of Object.entries(options)) {
      const got = before.options[field as keyof LaneOptions]
      if (value !== got) throw fail('VS_EVM_INVALID_OPTION', { details: { field, expected: got, got: value } })
    }
    return before.lane
  }
  const limits = limitsOf(chain, options)
  const lane = makeLane(chain, account, options.journalDirectory, limits, () => known.delete(account.address))
  known.set(account.address, { lane, options })
  return lane
}

const REORG_DEPTH = 64
const REPLACE_AFTER_BLOCKS = 3
const RESEND_POLLS = 25
const REACH = 128

function limitsOf(chain: Chain, o: LaneOptions): Limits {
  const limits = {
    confirmations: o.confirmations ?? 1,
    reorgDepth: o.reorgDepth ?? REORG_DEPTH,
    replaceAfterBlocks: o.replaceAfterBlocks ?? REPLACE_AFTER_BLOCKS,
    maxFeeWei: o.maxFeePerGasWei,
    resendAfterMs: RESEND_POLLS * chain.pollMs,
  }
  const { maxFeeWei } = limits
  if (maxFeeWei !== undefined && (typeof maxFeeWei !== 'bigint' || maxFeeWei <= 0n))
    throw invalid('maxFeePerGasWei', 'wei as a bigint above zero', maxFeeWei)
  for (const field of ['confirmations', 'reorgDepth', 'replaceAfterBlocks'] as const) {
    const value = limits[field]
    if (typeof value === 'number' && !(Number.isSafeInteger(value) && value >= 1 && value <= 10_000)) {
      throw fail('VS_EVM_INVALID_OPTION', { details: { field, expected: '1 to 10000', got: value } })
    }
  }
  return limits
}

const invalid = (field: string, expected: string, got: unknown) =>
  fail('VS_EVM_INVALID_OPTION', { details: { field, expected, got: show(got) } })

/** Throws `VS_CORE_INVALID_DATA`, `VS_EVM_INVALID_OPTION`. */
function parseCall(p: SendParameters): SendParameters {
  for (const field of ['valueWei', 'gasLimit'] as const) {
    const value: unknown = p[field]
    if (value !== undefined && (typeof value !== 'bigint' || value < 0n))
      throw invalid(field, 'a bigint, zero or more', value)
  }
  return { ...p, to: parseAddress(p.to, 'to'), data: parseHex(p.data, 'data') }
}

/** Broadcasts under way at once. */
const IN_LINE = 24
/** Transactions that are in no block yet, at most; nodes drop what is beyond what they hold for an account. */
const IN_FLIGHT = 2048
/** Looks when nothing is waited for, and only reorganisations are looked for. */
const REST_FACTOR = 5

function makeLane(
  chain: Chain,
  account: Account,
  directory: string | undefined,
  limits: Limits,
  forget: () => void,
): Lane {
  const ledger = openLedger()
  const closing = new AbortController()
  const tracker = trackBlocks(chain, { depth: limits.reorgDepth + REACH, reach: REACH })
  const feesOf = feeSource(chain)
  const flight = limiter(IN_FLIGHT)
  const reserved = new Map<string, Promise<unknown>>()
  let journal: Journal = memoryJournal()
  let opened: Promise<void> | undefined
  let watching: Promise<void> | undefined
  let looked = Number.NEGATIVE_INFINITY
  let wake = new AbortController()

  const inTurn = limiter(1)
  const work: Work = {
    chain,
    account,
    ledger,
    tracker,
    limits,
    signal: closing.signal,
    fees: async () => {
      const fresh = watching !== undefined && performance.now() - looked < 4 * chain.pollMs
      const head = fresh ? tracker.head : undefined
      return feesOf(head ?? (await blockByTag(chain, 'latest', closing.signal)), closing.signal)
    },
    write: (records: readonly JournalRecord[]) => {
      for (const record of records) ledger.apply(record)
      return journal.append(records).then(
        () => {
          for (const record of records) ledger.markDurable(record)
        },
        (error: unknown) => {
          shut(error)
          throw error
        },
      )
    },
    inTurn,
    inLine: limiter(IN_LINE),
  }
  const watch = watchLane(work)

  const open = async (): Promise<void> => {
    if (closing.signal.aborted) throw closed()
    if (directory !== undefined) {
      const { hash: genesis } = await persistently(() => blockByTag(chain, 0n), closing.signal)
      const { chainId } = chain
      journal = await openJournal({ directory, chainId, account: account.address, genesis }, (r) => {
        ledger.apply(r)
        ledger.markDurable(r)
      })
    }
    ledger.nonces.observe(await takenNonces(chain, account.address, closing.signal))
    await persistently(() => watch.recover(), closing.signal)
    start()
  }
  const ensureOpen = (): Promise<void> => {
    opened ??= open().catch(async (error: unknown) => {
      opened = undefined
      await journal.close()
      journal = memoryJournal()
      throw error
    })
    return opened
  }

  const start = (): void => {
    wake.abort()
    if (closing.signal.aborted || ledger.live.size === 0) return
    watching ??= run().finally(() => {
      watching = undefined
    })
  }
  const run = async (): Promise<void> => {
    const gap = backoff(chain.pollMs)
    while (!closing.signal.aborted && ledger.live.size > 0) {
      try {
        await watch.look()
        looked = performance.now()
        gap.reset()
      } catch {
        // The node did not answer, or not with what was asked for: everything is asked again.
        await gap.wait(closing.signal)
      }
      const live = [...ledger.live.values()]
      const isNeeded = live.some((i) => i.waiting.size > 0)
      const rests = !isNeeded && live.every((i) => i.outcome !== undefined && i.included !== undefined)
      wake = new AbortController()
      await pause(
        rests ? REST_FACTOR * chain.pollMs : chain.pollMs,
        AbortSignal.any([closing.signal, wake.signal]),
        isNeeded,
      )
    }
  }

  const closed = () => fail('VS_EVM_LANE_CLOSED', { details: { account: account.address, network: chain.network } })
  const shut = (why: unknown): void => {
    closing.abort(why)
    for (const intent of ledger.live.values()) {
      for (const waiter of intent.waiting) waiter.reject(why)
      intent.waiting.clear()
    }
  }
  let ended: Promise<void> | undefined
  const close = (): Promise<void> => {
    ended ??= end()
    return ended
  }
  const end = async (): Promise<void> => {
    forget()
    if (!closing.signal.aborted) shut(closed())
    await opened?.catch(() => undefined)
    await watching
    await journal.close()
  }
  chain.closed.addEventListener('abort', () => void close().catch(() => undefined), { once: true })

  const isMatching = (intent: Intent, p: SendParameters): Intent => {
    if (isSameCall(intent, p)) return intent
    throw fail('VS_EVM_IDEMPOTENCY_CONFLICT', { details: { key: p.idempotencyKey, call: p.name } })
  }
  /** The intent that has this key, or a new one. Of several that come at once, one makes it. */
  const intentFor = async (p: SendParameters, signal?: AbortSignal): Promise<Intent> => {
    const { idempotencyKey: key } = p
    if (key === undefined) return makeIntent(p, signal)
    for (;;) {
      const known = ledger.byKey(key)
      if (known !== undefined) return isMatching(known, p)
      const other = reserved.get(key)
      if (other === undefined) break
      await other.catch(() => undefined)
      signal?.throwIfAborted()
    }
    const made = makeIntent(p, signal)
    reserved.set(key, made)
    try {
      return await made
    } finally {
      reserved.delete(key)
    }
  }
  /** Resolves when the intent has a nonce and is durable; broadcasting goes on behind. */
  const makeIntent = async (p: SendParameters, signal?: AbortSignal): Promise<Intent> => {
    const patience = signal === undefined ? closing.signal : AbortSignal.any([closing.signal, signal])
    if (p.gasLimit !== undefined) checkGasLimit(p, p.gasLimit)
    const gasLimit =
      p.gasLimit ?? (await persistently(() => estimateGas(chain, account.address, p, patience), patience))
    patience.throwIfAborted()
    const { to, data, name, valueWei = 0n, idempotencyKey: key } = p
    const block = tracker.head?.number ?? 0n
    return dispatch(work, { ...(key === undefined ? {} : { key }), name, to, data, valueWei, gasLimit, block })
  }

  const outcomeOf = (intent: Intent, signal?: AbortSignal): Promise<OutcomeRecord> =>
    new Promise((resolve, reject) => {
      if (intent.outcome !== undefined) return resolve(intent.outcome)
      if (closing.signal.aborted) return reject(closing.signal.reason)
      const stop = (): void => done(() => reject(signal?.reason))
      const done = (tell: () => void): void => {
        intent.waiting.delete(waiter)
        signal?.removeEventListener('abort', stop)
        tell()
      }
      const waiter = {
        resolve: (outcome: OutcomeRecord) => done(() => resolve(outcome)),
        reject: (error: unknown) => done(() => reject(error)),
      }
      if (signal?.aborted) return reject(signal.reason)
      signal?.addEventListener('abort', stop, { once: true })
      intent.waiting.add(waiter)
      start()
    })

  const send = async (given: SendParameters, signal?: AbortSignal): Promise<Mined> => {
    signal?.throwIfAborted()
    const p = parseCall(given)
    await ensureOpen()
    for (let isAgain = false; ; isAgain = true) {
      const intent = await intentFor(p, signal)
      const hash = intent.attempts.at(-1)?.hash
      if (hash !== undefined) p.onSent?.(hash)
      const outcome = await outcomeOf(intent, signal).catch(async (error: unknown) => {
        throw await explainRevert(error, p)
      })
      if (outcome.result === 'done') {
        const { hash, block, blockHash, gasUsed, feeWei, logs } = outcome
        return { hash, block, blockHash, gasUsed, feeWei, logs }
      }
      if (outcome.result === 'reverted') {
        if (p.ifReverted !== 'send' || p.idempotencyKey === undefined || isAgain) {
          throw await whyReverted(chain, account.address, p, outcome, intent.call.gasLimit)
        }
        ledger.release(intent)
      }
      // Its nonce was filled instead: nothing was done, and it may be sent again.
    }
  }

  return {
    chain,
    account: account.address,
    send: (p, signal) => flight(() => send(p, signal)),
    open: ensureOpen,
    idle: async (signal) => {
      await ensureOpen()
      await Promise.all([...ledger.live.values()].map((intent) => outcomeOf(intent, signal)))
    },
    close,
  }
}

const ASKED_AT_MOST = 8

/**
 * How many nonces are used, or wait. Asked until two answers agree, and do not say more than a pool holds: below a nonce that is
 * far too high, and signed, nothing can be filled in.
 */
async function takenNonces(chain: Chain, account: Address, signal: AbortSignal): Promise<number> {
  const count = async (tag: string): Promise<number> =>
    Number(await persistently(() => chain.rpc('eth_getTransactionCount', [account, tag]), signal))
  let before: number | undefined
  for (let left = ASKED_AT_MOST; ; left--) {
    const used = await count('latest')
    const taken = await count('pending')
    const isNear = (low: number): boolean => low <= taken && taken <= low + IN_FLIGHT
    if ((isNear(used) && before !== undefined && isNear(before)) || left <= 1) return taken
    before = isNear(used) ? taken : undefined
  }
}

/** At most `n` pieces of work at a time, in the order in which they came. */
function limiter(n: number): <T>(work: () => Promise<T>) => Promise<T> {
  const queue: (() => void)[] = []
  let running = 0
  return async (work) => {
    if (running >= n) await new Promise<void>((resolve) => queue.push(resolve))
    else running += 1
    try {
      return await work()
    } finally {
      const next = queue.shift()
      if (next === undefined) running -= 1
      else next()
    }
  }
}
