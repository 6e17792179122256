import { interfaceOf, readEvents } from '@veristack/chain-evm'
import {
  type Commitment,
  commitmentsDigest,
  elementCount,
  type Hex,
  isVeristackError,
  openRaw,
  parseHex,
  parseRequestId,
  parseTensorSpecs,
  RAW_SCHEME,
  type Tensor,
  tensor,
} from '@veristack/core/receipt'
import { settlementAbi } from '../bindings/Settlement.ts'
import type { SettlementClient } from '../client.ts'
import { fail } from '../errors.ts'
import { getResult, type RequestResult } from './get-result.ts'

/** An answer that was delivered. */
export interface PublishedAnswer {
  readonly result: RequestResult
  /** The whole list, as `retryCallback` takes it. Its digest is the accepted claim's. */
  readonly outputs: readonly Commitment[]
  /** The values of the raw entries, in order. Entries of other schemes are commitments alone and give none. */
  readonly tensors: readonly Tensor[]
}

/**
 * The answer of a request, once it is delivered; undefined before. Read from the events since the request, and compared
 * with the digest that the contract keeps: throws `VS_SETTLE_ANSWER_UNAVAILABLE` where the node does not give that list. Whether it
 * is stale, `result` says.
 */
export async function getAnswer(
  client: SettlementClient,
  p: { readonly request: Hex },
): Promise<PublishedAnswer | undefined> {
  const { chain, deployment } = client
  const request = parseRequestId(p.request)
  const result = await getResult(client, { request })
  if (result.state !== 'delivered') return undefined
  const parser = await interfaceOf(settlementAbi)
  const topicOf = (name: string): Hex => parseHex(parser.getEvent(name)?.topicHash, name, 32)
  const delivered = topicOf('Delivered')
  const logs = await readEvents(chain, {
    address: deployment.settlement,
    topics: [[delivered, topicOf('Requested')], request],
    from: deployment.block ?? 0n,
    until: () => true,
  })
  const log = logs.find(({ topics }) => topics[0] === delivered)
  const event = log === undefined ? null : parser.parseLog({ topics: [...log.topics], data: log.data })
  const list = (event?.args.outputs ?? []) as readonly { tensor: string; scheme: string; value: string }[]
  const outputs = list.map((c) => ({ tensor: c.tensor, scheme: c.scheme, value: parseHex(c.value, 'value') }))
  const got = event === null ? 'no event Delivered' : commitmentsDigest(outputs)
  if (got !== result.outputs)
    throw fail('VS_SETTLE_ANSWER_UNAVAILABLE', { details: { request, expected: result.outputs, got } })
  return { result, outputs, tensors: outputs.flatMap(tensorsOf) }
}

/** None where the entry does not hold what its name says. */
function tensorsOf({ tensor: text, scheme, value }: Commitment): readonly Tensor[] {
  const words = scheme === RAW_SCHEME ? openRaw(value) : undefined
  if (words === undefined) return []
  try {
    const specs = parseTensorSpecs(text)
    if (specs.reduce((n, s) => n + elementCount(s.shape), 0) !== words.length) return []
    let at = 0
    return specs.map(({ name, type, shape }) => {
      const count = elementCount(shape)
      at += count
      return tensor(name, type, shape, words.slice(at - count, at))
    })
  } catch (error) {
    if (isVeristackError(error)) return []
    throw error
  }
}
