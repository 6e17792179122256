import { type Mined, revertName } from '@veristack/chain-evm'
import type { Call, SettleJob, Settlement } from '@veristack/core'
import { claimDigest, commitmentsDigest } from '@veristack/core/receipt'
import { deliver } from '../actions/deliver.ts'
import { findEvents } from '../actions/find-events.ts'
import { getResult } from '../actions/get-result.ts'
import { progressOf } from '../actions/submit.ts'
import type { SettlementClient } from '../client.ts'
import { fail } from '../errors.ts'
import { type Order, orderOf } from '../order.ts'
import { once, refuseMismatch } from './job.ts'
import type { SettlerOptions } from './options.ts'
import { found, gas, STATE_OF, settlement, transactionOf } from './outcome.ts'
import { submitLeaves } from './submit-leaves.ts'

/** Submits what is left to submit, and delivers. */
export async function settle(o: SettlerOptions, job: SettleJob, call: Call): Promise<Settlement> {
  const client = o.client()
  const { signed } = job.receipt
  const { id } = job.request
  const order = orderOf(job)
  refuseMismatch('outputs', commitmentsDigest(signed.outputs), signed.claim.outputs)
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
