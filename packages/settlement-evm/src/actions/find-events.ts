import { interfaceOf, readEvents } from '@veristack/chain-evm'
import { type Digest, type Hex, parseDigest, parseRequestId } from '@veristack/core/receipt'
import { settlementAbi } from '../bindings/Settlement.ts'
import type { SettlementClient } from '../client.ts'
import { getResult } from './get-result.ts'

/** One event of a request. */
export interface RequestEvent {
  readonly name: string
  readonly transaction: Hex
  readonly block: bigint
  /** Digest of the claim that it is about, where it is about one. */
  readonly claim?: Digest
  /** The piece of evidence that it is about, where it is about one. */
  readonly evidence?: { readonly leaf: number; readonly hash: Digest }
  /** Of `ClaimPending`: Unix seconds from which the verifier decides. */
  readonly finalAt?: bigint
}

/**
 * All events of a request, oldest first. The chain is read from its head back to the block in which the request was placed,
 * in pieces that its node is willing to look through; not at all for a request that the contract does not know.
 */
export async function findEvents(
  client: SettlementClient,
  p: { readonly request: Hex },
): Promise<readonly RequestEvent[]> {
  const { chain, deployment } = client
  const request = parseRequestId(p.request)
  if ((await getResult(client, { request })).state === 'none') return []
  const parser = await interfaceOf(settlementAbi)
  const requested = parser.getEvent('Requested')?.topicHash
  const logs = await readEvents(chain, {
    address: deployment.settlement,
    topics: [null, request],
    from: deployment.block ?? 0n,
    until: ({ topics }) => topics[0] === requested,
  })
  return logs.flatMap((log) => {
    const event = parser.parseLog({ topics: [...log.topics], data: log.data })
    if (event === null) return []
    const has = (name: string): boolean => event.fragment.inputs.some((i) => i.name === name)
    return [
      {
        name: event.name,
        transaction: log.transaction,
        block: log.block,
        ...(has('claim') ? { claim: parseDigest(event.args.claim, 'claim') } : {}),
        ...(has('evidenceHash')
          ? { evidence: { leaf: Number(event.args.leaf), hash: parseDigest(event.args.evidenceHash, 'evidenceHash') } }
          : {}),
        ...(has('finalAt') ? { finalAt: BigInt(event.args.finalAt) } : {}),
      },
    ]
  })
}
