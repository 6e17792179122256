import { revertName } from '@veristack/chain-evm'
import type { Call, EscrowJob, Settlement } from '@veristack/core'
import { getResult } from '../actions/get-result.ts'
import { requestIdOf, sendRequest } from '../actions/place-request.ts'
import { type SettlementClient, senderOf } from '../client.ts'
import { orderOf } from '../order.ts'
import { once, refuseMismatch } from './job.ts'
import { found, gas, settlement } from './outcome.ts'

/** Escrows, unless that was done before. */
export async function prepare(client: SettlementClient, job: EscrowJob, call: Call): Promise<Settlement> {
  const { request } = job
  const order = orderOf(job)
  const before = await getResult(client, { request: request.id })
  if (before.state !== 'none') return found(client, request.id, before)

  refuseMismatch('chainId', client.chain.chainId, request.chainId)
  refuseMismatch('contract', client.deployment.settlement, request.contract)
  refuseMismatch('payer', senderOf(client).account, request.payer)
  refuseMismatch('id', await requestIdOf(client, { order }), request.id)
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
