import { type Mined, revertName } from '@veristack/chain-evm'
import type { Call, SettleJob } from '@veristack/core'
import { claimDigest, fromHex, keccak, leaves, policyDigest, toHex } from '@veristack/core/receipt'
import { getResult } from '../actions/get-result.ts'
import { finalize, pendingUntil, type SubmitParameters, submit } from '../actions/submit.ts'
import type { SettlementClient } from '../client.ts'
import { fail } from '../errors.ts'
import type { Order } from '../order.ts'
import { once } from './job.ts'

/** Submits one leaf after the other until the request is decided; the last transaction, or undefined where none was needed. */
export async function submitLeaves(
  client: SettlementClient,
  job: SettleJob,
  order: Order,
  call: Call,
): Promise<Mined | undefined> {
  const pieces = piecesOf(job)
  let last: Mined | undefined
  for (const piece of pieces) {
    last = (await submitOnce(client, job, order, piece, call)) ?? last
    if (pieces.length === 1) break
    const { state } = await getResult(client, { request: job.request.id })
    if (state !== 'open' && state !== 'pending') break
  }
  return last
}

/** Submits, or finalizes what is pending. Undefined where someone else's transaction decided the request before. */
async function submitOnce(
  client: SettlementClient,
  job: SettleJob,
  order: Order,
  piece: Piece,
  call: Call,
): Promise<Mined | undefined> {
  const { signed } = job.receipt
  const p: SubmitParameters = {
    ...piece,
    order,
    requirement: job.requirement,
    claimant: signed.claim.claimant,
    outputs: signed.claim.outputs,
    signature: signed.signature,
  }
  const claim = claimDigest(signed.claim)
  const waiting = await pendingUntil(client, { claim, leaf: p.leaf, evidence: p.evidence })
  const what = toHex(keccak(fromHex(claim), fromHex(p.signature), Uint8Array.of(p.leaf), fromHex(p.evidence)))
  try {
    if (waiting === 0n) return await submit(client, { ...p, ...once(call, job.request.id, 'submit', what) })
    // A verifier that names a later time is asked again, by another transaction.
    return await finalize(client, { ...p, ...once(call, job.request.id, 'finalize', what, waiting) })
  } catch (error) {
    const name = revertName(error)
    if (name !== undefined && DONE_BEFORE.includes(name)) return undefined
    if (name !== 'TooManyPending') throw error
    throw fail('VS_SETTLE_TOO_MANY_PENDING', {
      details: { request: job.request.id, claim, leaf: p.leaf },
      cause: error,
    })
  }
}

/** Refusals that say: someone was faster, or it is not time yet. */
const DONE_BEFORE: readonly string[] = ['WrongState', 'AlreadyPending', 'AlreadySatisfied', 'NotFinal', 'NotPending']

type Piece = Pick<SubmitParameters, 'leaf' | 'policy' | 'evidence'>

/** The evidence that the receipt has for the requirement's leaves, as their verifier contracts take it. */
function piecesOf(job: SettleJob): readonly Piece[] {
  const { signed, outputs, evidence } = job.receipt
  const found = leaves(job.requirement)
  const pieces = found.flatMap((leaf, i): readonly Piece[] => {
    const policy = job.policies.find((p) => p.tier === leaf.tier && policyDigest(p) === leaf.policy)
    if (policy === undefined)
      throw fail('VS_SETTLE_REQUEST_MISMATCH', { details: { field: 'policies', expected: leaf.policy, got: 'absent' } })
    // A kind of evidence is named after its tier.
    const own = (kind: string) => found.length === 1 || kind === leaf.tier || kind.startsWith(`${leaf.tier}/`)
    for (const e of evidence) {
      const adapter = own(e.kind) ? job.onchain.get(e.kind) : undefined
      if (adapter !== undefined) return [{ leaf: i, policy, evidence: adapter.encode(signed, outputs, e) }]
    }
    return []
  })
  if (pieces.length > 0) return pieces
  throw fail('VS_SETTLE_NO_EVIDENCE', {
    details: {
      required: found.map((l) => l.tier).join(', '),
      kinds: evidence.map((e) => e.kind).join(', ') || 'none',
    },
  })
}
