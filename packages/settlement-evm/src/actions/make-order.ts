import { randomBytes } from 'node:crypto'
import {
  type Commitment,
  commitmentsDigest,
  type Hex,
  type Json,
  jsonDigest,
  makeRequest,
  type Policy,
  parseAddress,
  parseDigest,
  parseHex,
  parseProgramId,
  policyDigest,
  RAW_SCHEME,
  type RequestId,
  type Requirement,
  rawCommitment,
  requirementDigest,
  type Tensor,
  tensorSpec,
  termsDigest,
  toHex,
} from '@veristack/core/receipt'
import { type SettlementClient, senderOf } from '../client.ts'
import { fail } from '../errors.ts'
import { type Order, orderOf, requirementArguments } from '../order.ts'
import { agreeTerms } from '../terms.ts'

/** Whose word counts for one leaf: what the event `ready` of the node that is to answer says, and the tier. */
export interface OrderPolicy {
  readonly tier: string
  readonly verifier: Hex
  /** 32 bytes. */
  readonly codeHash: Hex
  readonly params: Hex
  /** What is demanded that no contract checks; a node serves those that it names. Default `{}`. */
  readonly offchain?: Json
}

export interface MakeOrderParameters {
  /** The program's id, 32 bytes. */
  readonly program: Hex
  /**
   * What the request says of its inputs, in order: a tensor of integers for itself in the open (`raw/v1`, up to 1024 elements),
   * or a commitment as `commitTensors` makes it. It has to be what the tier's prover commits to.
   */
  readonly inputs: readonly (Tensor | Commitment)[]
  /** One for each leaf, in order. */
  readonly policies: readonly OrderPolicy[]
  /** Over those policies' digests; default: all of them. */
  readonly requirement?: Requirement
  /** In the smallest unit of the terms' token: wei where that is the chain's coin. */
  readonly priceWei: bigint
  /** The application's own facts, of which the request has a digest; a node serves those that it names. Default `{}`. */
  readonly application?: Json
  /** The contract's terms, as `stack.infer({ settlement })` takes them. Default: paid in coin, no tip, no callback. */
  readonly settlement?: Json
  /** Who escrows; default: the client's account. For a contract that asks it is the contract. */
  readonly payer?: Hex
  /** 32 bytes that make the request another than all others; default: random. */
  readonly nonce?: Hex
  /** Seconds that claimants have, by the chain's clock; default 3600. */
  readonly lifetimeSeconds?: bigint
}

/** What `placeRequest` takes; `formula` and the id are what a contract that asks needs too. */
export interface MadeOrder {
  readonly id: RequestId
  readonly order: Order
  readonly requirement: Requirement
  readonly policies: readonly Policy[]
  /** The requirement in reverse Polish, as contracts read it: `0x00` is the first leaf alone. */
  readonly formula: Hex
}

/**
 * Makes the order of a request, and sends nothing. Throws `VS_CORE_INVALID_DATA` and `VS_SETTLE_INVALID_OPTION`, which name the
 * field, and `VS_SETTLE_NO_SIGNER` where neither a payer is given nor the client has an account.
 */
export async function makeOrder(client: SettlementClient, o: MakeOrderParameters): Promise<MadeOrder> {
  const { chain, deployment } = client
  const policies = o.policies.map(policyOf)
  const requirement = o.requirement ?? allOf(policies)
  const terms = agreeTerms(o.settlement ?? {})
  const application = o.application ?? {}
  const { timestamp } = await chain.now()
  const request = makeRequest({
    program: parseProgramId(o.program),
    inputs: commitmentsDigest(o.inputs.map(commitmentOf)),
    requirement: requirementDigest(requirement),
    terms: termsDigest({ application, settlement: terms.digest }),
    payer: o.payer === undefined ? senderOf(client).account : parseAddress(o.payer, 'payer'),
    priceWei: o.priceWei,
    nonce: o.nonce === undefined ? toHex(randomBytes(32)) : parseHex(o.nonce, 'nonce', 32),
    chainId: chain.chainId,
    contract: deployment.settlement,
    expiresAt: timestamp + (o.lifetimeSeconds ?? 3600n),
  })
  const order = orderOf({ request, terms, application: jsonDigest(application) })
  const { formula } = requirementArguments(requirement)
  return { id: request.id, order, requirement, policies, formula }
}

const policyOf = ({ tier, verifier, codeHash, params, offchain }: OrderPolicy, i: number): Policy => ({
  tier,
  verifier: parseAddress(verifier, `policies[${i}].verifier`),
  codeHash: parseDigest(codeHash, `policies[${i}].codeHash`),
  params: parseHex(params, `policies[${i}].params`),
  offchain: offchain ?? {},
})

function allOf(policies: readonly Policy[]): Requirement {
  const leaves = policies.map((p) => ({ tier: p.tier, policy: policyDigest(p) }))
  const [only] = leaves
  if (only === undefined)
    throw fail('VS_SETTLE_INVALID_OPTION', { details: { field: 'policies', expected: 'at least one', got: 'none' } })
  return leaves.length === 1 ? only : { all: leaves }
}

const commitmentOf = (input: Tensor | Commitment): Commitment =>
  'scheme' in input ? input : { tensor: tensorSpec(input), scheme: RAW_SCHEME, value: rawCommitment(input) }
