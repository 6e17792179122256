import { setTimeout as delay } from 'node:timers/promises'
import { codeHash, create2Address, deploy, type Mined, revertName } from '@veristack/chain-evm'
import type {
  Artefacts,
  Call,
  EscrowJob,
  OnChain,
  SettleJob,
  Settlement,
  SettlementState,
  Settler,
} from '@veristack/core'
import {
  type Address,
  claimDigest,
  commitmentsDigest,
  fromHex,
  type Hex,
  type Json,
  keccak,
  leaves,
  type Policy,
  parseDigest,
  policyDigest,
  type RequestId,
  toHex,
} from '@veristack/core/receipt'
import { deliver } from './actions/deliver.ts'
import { findEvents } from './actions/find-events.ts'
import { getResult, type RequestResult } from './actions/get-result.ts'
import { requestIdOf, sendRequest } from './actions/place-request.ts'
import { finalize, pendingUntil, progressOf, type SubmitParameters, submit } from './actions/submit.ts'
import { type SendOptions, type SettlementClient, senderOf } from './client.ts'
import { fail } from './errors.ts'
import { type Order, orderOf } from './order.ts'
import { agreeTerms } from './terms.ts'

export interface SettlerOptions {
  /** The client of the moment; throws while the plugin is not started. */
  readonly client: () => SettlementClient
  /** Deploy a leaf's verifier where it is absent. */
  readonly deployVerifiers: () => boolean
  /** Publish the outputs after the claim is accepted. */
  readonly deliver: boolean
}

/** Core's settler over Settlement.sol. Every method looks at the contract's state first, so that repeating it is safe. */
export function makeSettler(options: SettlerOptions): Settler {
  const { client } = options
  const status = async (id: RequestId): Promise<Settlement | undefined> => {
    const result = await getResult(client(), { request: id })
    return result.state === 'none' ? undefined : found(client(), id, result)
  }
  return {
    get network() {
      return client().chain.network
    },
    get chainId() {
      return client().chain.chainId
    },
    get contract() {
      return client().deployment.settlement
    },
    get payer() {
      return senderOf(client()).account
    },
    pin: (artefacts, onchain, call) => pin(options, artefacts, onchain, call),
    terms: agreeTerms,
    prepare: (job, call) => prepare(client(), job, call),
    settle: (job, call) => settle(options, job, call),
    status,
    watch: (id, signal) => watch(client(), () => status(id), signal),
  }
}

async function pin(
  o: SettlerOptions,
  artefacts: Artefacts,
  onchain: OnChain,
  call: Call,
): Promise<Pick<Policy, 'verifier' | 'codeHash' | 'params'>> {
  const client = o.client()
  const creation = await onchain.deployment(artefacts, client.chain.chainId)
  const params = onchain.params(artefacts)
  const verifier = create2Address(creation)
  const code = await client.chain.code(verifier)
  // The address commits to the creation code, so what stands there is what this release puts there.
  if (code !== '0x') return { verifier, codeHash: parseDigest(codeHash(code)), params }
  if (!o.deployVerifiers()) {
    throw fail('VS_SETTLE_VERIFIER_ABSENT', {
      details: { kind: artefacts.kind, program: artefacts.program, verifier, network: client.chain.network },
    })
  }
  call.progress({ stage: 'deploy verifier', done: 0, total: 1 })
  const deployed = await deploy(senderOf(client), { ...creation, name: `${onchain.proofSystem} verifier` }, call.signal)
  call.progress({ stage: 'deploy verifier', done: 1, total: 1 })
  return { verifier: deployed.address, codeHash: parseDigest(deployed.codeHash), params }
}

async function prepare(client: SettlementClient, job: EscrowJob, call: Call): Promise<Settlement> {
  const { request } = job
  const order = orderOf(job)
  const before = await getResult(client, { request: request.id })
  if (before.state !== 'none') return found(client, request.id, before)

  mismatch('chainId', client.chain.chainId, request.chainId)
  mismatch('contract', client.deployment.settlement, request.contract)
  mismatch('payer', senderOf(client).account, request.payer)
  mismatch('id', await requestIdOf(client, { order }), request.id)
  call.progress({ stage: 'escrow', done: 0, total: 1 })
  const { requirement, policies } = job
  try {
    const mined = await sendRequest(client, { order, requirement, policies, ...once(call, request.id, 'request') })
    call.progress({ stage: 'escrow', done: 1, total: 1 })
    return settlement(client, request.id, 'submitted', mined.hash, {
      gas: { request: gas(mined) },
      block: Number(mined.block),
    })
  } catch (error) {
    // Another attempt at the same work was faster.
    if (revertName(error) !== 'AlreadyRequested') throw error
    return found(client, request.id, await getResult(client, { request: request.id }))
  }
}

/** A repeated attempt at the same step sends nothing anew. */
const once = (call: Call, id: RequestId, ...step: readonly (string | bigint)[]): SendOptions => ({
  idempotencyKey: [call.idempotencyKey, id, ...step].join('/'),
  signal: call.signal,
})

function mismatch(field: string, expected: unknown, got: unknown): void {
  if (expected !== got)
    throw fail('VS_SETTLE_REQUEST_MISMATCH', { details: { field, expected: String(expected), got: String(got) } })
}

async function settle(o: SettlerOptions, job: SettleJob, call: Call): Promise<Settlement> {
  const client = o.client()
  const { signed } = job.receipt
  const { id } = job.request
  const order = orderOf(job)
  mismatch('outputs', commitmentsDigest(signed.outputs), signed.claim.outputs)
  const before = await getResult(client, { request: id })
  if (before.state === 'none') throw fail('VS_SETTLE_NOT_REQUESTED', { details: { request: id } })
  if (before.state === 'refunded') throw fail('VS_SETTLE_REFUNDED', { details: { request: id } })

  let sent: Mined | undefined
  if (before.state === 'open' || before.state === 'pending') {
    call.progress({ stage: 'submit', done: 0, total: 1 })
    sent = await submitLeaves(client, job, order, call)
    call.progress({ stage: 'submit', done: 1, total: 1 })
  }
  const after = await getResult(client, { request: id })
  if (after.state === 'open' || after.state === 'pending') {
    await refuseDropped(client, job)
    return sent === undefined
      ? found(client, id, after)
      : settlement(client, id, STATE_OF[after.state], sent.hash, {
          gas: { submit: gas(sent) },
          block: Number(sent.block),
        })
  }
  if (after.claimant !== signed.claim.claimant || after.outputs !== signed.claim.outputs) {
    throw fail('VS_SETTLE_TAKEN', { details: { request: id, claimant: after.claimant, outputs: after.outputs } })
  }
  const delivers = o.deliver && after.state === 'accepted'
  const delivered = delivers ? await deliverOnce(client, order, job, call) : undefined
  // Somebody else's delivery may have been faster.
  const final = delivers && delivered === undefined ? await getResult(client, { request: id }) : after
  if (sent === undefined && delivered === undefined) return found(client, id, final)
  const state = delivered !== undefined || final.state === 'delivered' ? 'delivered' : 'accepted'
  const accepted = sent?.hash ?? (await transactionOf(client, id, 'Accepted'))
  return settlement(client, id, state, accepted, {
    claimant: after.claimant,
    gas: {
      ...(sent === undefined ? {} : { submit: gas(sent) }),
      ...(delivered === undefined ? {} : { deliver: gas(delivered) }),
    },
    ...(sent === undefined ? {} : { block: Number(sent.block) }),
    ...(delivered === undefined ? {} : { delivery: delivered.hash }),
  })
}

/** Throws where the claim was submitted, and all of its evidence was dropped. */
async function refuseDropped(client: SettlementClient, { request, receipt }: SettleJob): Promise<void> {
  const claim = claimDigest(receipt.signed.claim)
  const { satisfied, waiting } = await progressOf(client, { claim })
  if (satisfied !== 0 || waiting !== 0) return
  const dropped = (await findEvents(client, { request: request.id })).find(
    (e) => e.name === 'ClaimDropped' && e.claim === claim,
  )
  if (dropped === undefined) return
  throw fail('VS_SETTLE_DROPPED', { details: { request: request.id, claim, transaction: dropped.transaction } })
}

/** Submits one leaf after the other until the request is decided; the last transaction, or undefined where none was needed. */
async function submitLeaves(
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

async function deliverOnce(
  client: SettlementClient,
  order: Order,
  job: SettleJob,
  call: Call,
): Promise<Mined | undefined> {
  try {
    return await deliver(client, {
      order,
      outputs: job.receipt.signed.outputs,
      ...once(call, job.request.id, 'deliver'),
    })
  } catch (error) {
    if (revertName(error) === 'WrongState') return undefined
    throw error
  }
}

const EVENT_OF: { readonly [S in RequestResult['state']]: string } = {
  none: '',
  open: 'Requested',
  pending: 'ClaimPending',
  accepted: 'Accepted',
  delivered: 'Accepted',
  refunded: 'Refunded',
}
const STATE_OF: { readonly [S in RequestResult['state']]: SettlementState } = {
  none: 'submitted',
  open: 'submitted',
  pending: 'pending',
  accepted: 'accepted',
  delivered: 'delivered',
  refunded: 'refunded',
}

/** What stands on chain already, with the transaction that brought it there. */
async function found(client: SettlementClient, id: RequestId, result: RequestResult): Promise<Settlement> {
  const decided = result.state === 'accepted' || result.state === 'delivered'
  const ref = await transactionOf(client, id, EVENT_OF[result.state])
  return settlement(client, id, STATE_OF[result.state], ref, decided ? { claimant: result.claimant } : {})
}

async function transactionOf(client: SettlementClient, id: RequestId, event: string): Promise<Hex> {
  const events = await findEvents(client, { request: id })
  const last = events.filter((e) => e.name === event).at(-1) ?? events.at(-1)
  if (last === undefined) throw fail('VS_SETTLE_NOT_REQUESTED', { details: { request: id, event } })
  return last.transaction
}

const gas = (m: Mined): number => Number(m.gasUsed)

function settlement(
  { chain, deployment }: SettlementClient,
  id: RequestId,
  state: SettlementState,
  ref: Hex,
  detail: { readonly [k: string]: Json },
): Settlement {
  const contract: Address = deployment.settlement
  return { network: chain.network, ref, state, mode: 'individual', detail: { request: id, contract, ...detail } }
}

const WATCH_FACTOR = 5

async function* watch(
  { chain }: SettlementClient,
  status: () => Promise<Settlement | undefined>,
  signal: AbortSignal,
): AsyncGenerator<Settlement> {
  let last: SettlementState | undefined
  while (!signal.aborted) {
    const now = await status()
    if (now !== undefined && now.state !== last) {
      last = now.state
      yield now
      if (now.state === 'delivered' || now.state === 'refunded') return
    }
    await delay(WATCH_FACTOR * chain.pollMs, undefined, { signal }).catch(() => undefined)
  }
}
