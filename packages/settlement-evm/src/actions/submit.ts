import { encodeCall, type Mined, read } from '@veristack/chain-evm'
import {
  fromHex,
  type Hex,
  keccak,
  type Policy,
  parseAddress,
  parseDigest,
  type Requirement,
} from '@veristack/core/receipt'
import { settlementAbi } from '../bindings/Settlement.ts'
import { type SendOptions, type SettlementClient, sendTo } from '../client.ts'
import { type Order, policyArguments, requirementArguments } from '../order.ts'

/** A claim with one leaf's evidence. */
export interface SubmitParameters extends SendOptions {
  readonly order: Order
  readonly requirement: Requirement
  /** Index of the leaf in `leaves(requirement)`. */
  readonly leaf: number
  readonly policy: Policy
  readonly claimant: Hex
  /** Digest of the claim's output commitment list. */
  readonly outputs: Hex
  /** The claimant's, over the claim digest. */
  readonly signature: Hex
  /** As the leaf's verifier contract takes it. */
  readonly evidence: Hex
}

/** Submits a claim; the claimant is credited, whoever sends it. */
export const submit = (client: SettlementClient, p: SubmitParameters): Promise<Mined> => send(client, 'submit', p)

/** Asks the verifier of pending evidence again. Where that decides the request, the sender is credited its tip. */
export const finalize = (client: SettlementClient, p: SubmitParameters): Promise<Mined> => send(client, 'finalize', p)

/** Adds a leaf to the claim that won, after the decision. No money moves. */
export const attach = (client: SettlementClient, p: SubmitParameters): Promise<Mined> => send(client, 'attach', p)

async function send(
  client: SettlementClient,
  name: 'submit' | 'finalize' | 'attach',
  p: SubmitParameters,
): Promise<Mined> {
  const { leaf, signature, evidence } = p
  const [claimant, outputs] = [parseAddress(p.claimant, 'claimant'), parseDigest(p.outputs, 'outputs')]
  const submission = { leaf, policy: policyArguments(p.policy), claimant, outputs, signature, evidence }
  const data = await encodeCall(settlementAbi, name, [p.order, requirementArguments(p.requirement), submission])
  return sendTo(client, { to: client.deployment.settlement, data, name, abi: settlementAbi }, p)
}

/** Of a claim that has not decided its request: the leaves it satisfies (bit i is leaf i), and the evidence that waits. */
export async function progressOf(
  { chain, deployment }: SettlementClient,
  { claim }: { readonly claim: Hex },
): Promise<{ readonly satisfied: number; readonly waiting: number }> {
  const [satisfied, waiting] = await read(chain, {
    address: deployment.settlement,
    abi: settlementAbi,
    name: 'progressOf',
    args: [parseDigest(claim, 'claim')],
  })
  return { satisfied: Number(satisfied), waiting: Number(waiting) }
}

/** Unix seconds from which a pending claim's verifier decides; 0n where this evidence is not pending. */
export async function pendingUntil(
  { chain, deployment }: SettlementClient,
  p: { readonly claim: Hex; readonly leaf: number; readonly evidence: Hex },
): Promise<bigint> {
  const args = [parseDigest(p.claim, 'claim'), p.leaf, keccak(fromHex(p.evidence))]
  const [until] = await read(chain, { address: deployment.settlement, abi: settlementAbi, name: 'pendingUntil', args })
  return BigInt(String(until))
}
