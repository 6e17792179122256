import { type Hex, isVeristackError } from '@veristack/core/receipt'
import { fail } from '../errors.ts'
import { type Block, blockByTag } from '../rpc/blocks.ts'
import { dispatchAgain, fillNonce, replace, resend, type Work } from './dispatch.ts'
import { findInclusion, findTaker, receiptsOf } from './inclusion.ts'
import type { Intent } from './ledger.ts'
import type { OutcomeRecord } from './records.ts'

/** Brings what a lane sent to its end, one look at the chain after another. */
export interface Watch {
  /** The journal's transactions, wherever they stand. */
  recover(): Promise<void>
  look(): Promise<void>
}

const AT_ONCE = 16
const SUSPICIOUS = 2
const LOST = 100
const RAISED_AT_ONCE = 256
const LOOKS_AT_GAP = 10

export function watchLane(work: Work): Watch {
  const { chain, account, ledger, tracker, limits, signal } = work
  /** Blocks with transactions of this lane whose receipts the node still owes. */
  let unread: readonly Block[] = []
  let looked: Hex | undefined
  let used = { count: -1, since: 0n }
  let gapSeen = { nonce: -1, looks: 0 }

  /** Asks for each transaction by itself. */
  const recover = async (): Promise<void> => {
    await tracker.restart(undefined, signal)
    unread = []
    await each([...ledger.live.values()], async (intent) => {
      intent.included = await findInclusion(chain, intent, signal)
    })
  }

  const follow = async (): Promise<void> => {
    const change = await tracker.advance(signal)
    if (change === 'lost') return recover()
    const gone = new Set(change.removed.map((b) => b.hash))
    for (const intent of ledger.live.values()) {
      if (intent.included === undefined || !gone.has(intent.included.blockHash)) continue
      intent.included = undefined
      intent.resendAfterMs = 0
      intent.sentAt = Number.NEGATIVE_INFINITY
    }
    const ours = change.added.filter((b) => b.transactions.some((t) => ledger.byHash(t) !== undefined))
    unread = [...unread.filter((b) => !gone.has(b.hash)), ...ours]
  }

  const readReceipts = async (): Promise<void> => {
    for (const block of unread) {
      const wanted = block.transactions.flatMap((t) => ledger.byHash(t) ?? [])
      const found = await receiptsOf(chain, block, wanted, signal)
      for (const [intent, inclusion] of found) {
        intent.included = inclusion
        intent.suspicion = 0
      }
      if (found.size === wanted.length) unread = unread.filter((b) => b !== block)
    }
  }

  const conclude = async (head: Block, isNew: boolean): Promise<void> => {
    const { confirmations } = limits
    const live = [...ledger.live.values()]
    if (!isNew && live.every((i) => i.included?.blockHash === i.outcome?.blockHash)) return
    const deep =
      typeof confirmations === 'number'
        ? head.number + 1n - BigInt(confirmations)
        : (await blockByTag(chain, confirmations, signal)).number
    for (const intent of live) {
      const { included, outcome } = intent
      if (included === undefined || included.block > deep) continue
      if (outcome?.blockHash !== included.blockHash) settle(intent, { kind: 'outcome', intent: intent.id, ...included })
      if (included.block + BigInt(limits.reorgDepth) <= head.number && included.block <= deep) {
        void work.write([{ kind: 'final', intent: intent.id }]).catch(() => undefined)
      }
    }
  }

  /** Whoever waits is told when it is on disk. */
  const settle = (intent: Intent, outcome: OutcomeRecord): void => {
    const waiting = [...intent.waiting]
    intent.waiting.clear()
    work.write([outcome]).then(
      () => {
        for (const w of waiting) w.resolve(outcome)
      },
      (error: unknown) => {
        for (const w of waiting) w.reject(error)
      },
    )
  }

  /** Its nonce is used, and it is in no block that was seen: asks where it is, or who came first. */
  const investigate = async (intent: Intent, head: Block): Promise<void> => {
    intent.included = await findInclusion(chain, intent, signal)
    if (intent.included !== undefined) return
    const { nonce } = intent
    const p = { account: account.address, nonce, since: intent.call.block, head: head.number }
    const taker = await findTaker(chain, p, signal).catch((error: unknown) => {
      // A node without the state of old blocks can not tell.
      if (isVeristackError(error, 'VS_EVM_RPC')) return undefined
      throw error
    })
    if (taker === undefined) {
      if (intent.suspicion < LOST) return
      tellLost(intent)
      return
    }
    if (intent.attempts.some((a) => a.hash === taker.hash)) return
    const seen = tracker.at(taker.block)
    if (seen !== undefined && seen.hash !== taker.blockHash) return
    const { confirmations } = limits
    const deep =
      typeof confirmations === 'number'
        ? taker.block + BigInt(confirmations) <= head.number + 1n
        : taker.block <= (await blockByTag(chain, confirmations, signal)).number
    if (!deep) return
    ledger.nonces.observe(nonce + 1)
    await work.write([{ kind: 'displaced', intent: intent.id, nonce, by: taker.hash }])
    if (isNeeded(intent)) await dispatchAgain(work, intent)
    else await finish(intent, taker)
  }

  /** What only was to use a nonce up has nothing left to do. */
  const finish = async (intent: Intent, by: { hash: Hex; block: bigint; blockHash: Hex }): Promise<void> => {
    const none = { gasUsed: 0n, feeWei: 0n, logs: [] }
    settle(intent, { kind: 'outcome', intent: intent.id, result: 'void', ...by, ...none })
    await work.write([{ kind: 'final', intent: intent.id }])
  }

  const tellLost = (intent: Intent): void => {
    const { nonce } = intent
    // Whoever waits for it anew is given the same patience.
    intent.suspicion = 0
    for (const w of intent.waiting) {
      w.reject(
        fail('VS_EVM_TRANSACTION_LOST', {
          details: { transaction: intent.attempts.at(-1)?.hash, account: account.address, nonce },
        }),
      )
    }
    intent.waiting.clear()
  }

  const chase = async (head: Block, isNew: boolean): Promise<void> => {
    const missing = [...ledger.live.values()].filter((i) => i.included === undefined)
    if (missing.length === 0) return
    for (const intent of missing.filter((i) => i.attempts.length === 0)) await dispatchAgain(work, intent)
    missing.sort((a, b) => a.nonce - b.nonce)
    const now = performance.now()
    const due = missing.filter((i) => now - i.sentAt >= i.resendAfterMs)
    if (!isNew && due.length === 0 && missing.every((i) => i.suspicion === 0) && gapSeen.looks === 0) return

    const params = [account.address, `0x${head.number.toString(16)}`]
    const count = Number(await chain.rpc('eth_getTransactionCount', params, signal))
    if (count !== used.count) used = { count, since: head.number }
    const suspects = missing.filter((i) => i.nonce < count && i.attempts.length > 0)
    for (const intent of suspects) intent.suspicion += 1
    await each(suspects.filter((i) => i.suspicion >= SUSPICIOUS).slice(0, AT_ONCE), (intent) =>
      investigate(intent, head),
    )
    const waiting = missing.filter((i) => i.nonce >= count && i.included === undefined)
    for (const intent of waiting) intent.suspicion = 0
    await repairGap(count, head)
    if (isNew && head.number - used.since >= BigInt(limits.replaceAfterBlocks)) {
      const stuck = waiting.filter((i) => i.nonce === count || offer(i) < head.baseFeeWei)
      for (const intent of stuck.slice(0, RAISED_AT_ONCE)) await replace(work, intent)
      if (stuck.length > 0) used = { count, since: head.number }
    }
    const again = waiting.slice(0, AT_ONCE).filter((i) => now - i.sentAt >= i.resendAfterMs)
    if (again.length === 0) return
    // Where blocks are made only for transactions, none comes that could tell of a fee that has risen.
    const { baseFeeWei } = await work.fees()
    for (const intent of waiting.filter((i) => offer(i) < baseFeeWei).slice(0, RAISED_AT_ONCE)) {
      await replace(work, intent)
    }
    await each(
      again.filter((i) => now - i.sentAt >= i.resendAfterMs),
      (intent) => resend(work, intent),
    )
  }

  /** A nonce that everything waits for and that nobody here sent: unless the node has something for it, it is filled. */
  const repairGap = async (count: number, head: Block): Promise<void> => {
    const [nonce] = ledger.nonces.gaps(count, 1)
    if (nonce !== count) {
      gapSeen = { nonce: -1, looks: 0 }
      return
    }
    gapSeen = { nonce, looks: gapSeen.nonce === nonce ? gapSeen.looks + 1 : 1 }
    if (gapSeen.looks < LOOKS_AT_GAP) return
    gapSeen = { nonce: -1, looks: 0 }
    const pending = Number(await chain.rpc('eth_getTransactionCount', [account.address, 'pending'], signal))
    if (pending > nonce) return
    for (const gap of ledger.nonces.gaps(count, AT_ONCE)) await fillNonce(work, gap, head.number)
  }

  return {
    recover,
    look: async () => {
      await follow()
      await readReceipts()
      const { head } = tracker
      if (head === undefined) return
      const isNew = head.hash !== looked
      looked = head.hash
      await conclude(head, isNew)
      await chase(head, isNew)
    },
  }
}

/** Wei per gas, the most that its latest attempt pays. */
const offer = (intent: Intent): bigint => intent.attempts.at(-1)?.maxFeeWei ?? 0n

const isNeeded = (intent: Intent): boolean => intent.refused === undefined && !intent.fills

/** A few at a time. */
async function each<T>(list: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  for (let i = 0; i < list.length; i += AT_ONCE) await Promise.all(list.slice(i, i + AT_ONCE).map(work))
}
