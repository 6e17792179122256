import { interfaceOf } from '@veristack/chain-evm'
import { type Digest, type Hex, parseDigest, parseHex, type RequestId } from '@veristack/core/receipt'
import { settlementAbi } from '../bindings/Settlement.ts'
import type { SettlementClient } from '../client.ts'

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

interface RawLog {
  readonly topics: readonly string[]
  readonly data: string
  readonly transactionHash: string
  readonly blockNumber: string
}

/** All events of a request, oldest first. */
export async function findEvents(
  { chain, deployment }: SettlementClient,
  id: RequestId,
): Promise<readonly RequestEvent[]> {
  const from = `0x${(deployment.block ?? 0n).toString(16)}`
  const filter = { address: deployment.settlement, topics: [null, id], fromBlock: from, toBlock: 'latest' }
  const logs = (await chain.rpc('eth_getLogs', [filter])) as readonly RawLog[]
  const parser = await interfaceOf(settlementAbi)
  return logs.flatMap((log) => {
    const event = parser.parseLog({ topics: [...log.topics], data: log.data })
    if (event === null) return []
    const has = (name: string): boolean => event.fragment.inputs.some((i) => i.name === name)
    return [
      {
        name: event.name,
        transaction: parseHex(log.transactionHash, 'transactionHash', 32),
        block: BigInt(log.blockNumber),
        ...(has('claim') ? { claim: parseDigest(event.args.claim, 'claim') } : {}),
        ...(has('evidenceHash')
          ? { evidence: { leaf: Number(event.args.leaf), hash: parseDigest(event.args.evidenceHash, 'evidenceHash') } }
          : {}),
        ...(has('finalAt') ? { finalAt: BigInt(event.args.finalAt) } : {}),
      },
    ]
  })
}
