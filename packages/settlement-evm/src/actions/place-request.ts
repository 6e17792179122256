import { encodeCall, type Mined, read, revertName } from '@veristack/chain-evm'
import type { CommitmentPlan } from '@veristack/core'
import {
  type Address,
  isVeristackError,
  leaves,
  type Policy,
  parseRequestId,
  policyDigest,
  type RequestId,
  type Requirement,
  requirementDigest,
  show,
  ZERO_ADDRESS,
} from '@veristack/core/receipt'
import { settlementAbi } from '../bindings/Settlement.ts'
import { type SendOptions, type SettlementClient, sendTo } from '../client.ts'
import { fail } from '../errors.ts'
import { type Order, policyArguments, requirementArguments } from '../order.ts'
import { tokenAbi, tokenErrors } from '../token-abi.ts'
import type { Permit } from './permit.ts'
import { allowanceOf } from './token.ts'

export interface PlaceRequestParameters extends SendOptions {
  readonly order: Order
  readonly requirement: Requirement
  /** One for each leaf, in order. */
  readonly policies: readonly Policy[]
  /**
   * What each leaf's evidence commits to, in order: its prover's `commitments(program)`, or `any`. Needed from two leaves on: one
   * claim has to serve all of them, and so one list each of inputs and outputs.
   */
  readonly commitments?: readonly (CommitmentPlan | 'any')[]
}

/**
 * Escrows price and tip from the payer, who must be the client's account. Where they are in a token, the payer has given
 * the settlement contract an allowance before (`approve`). Throws, before anything is sent, `VS_SETTLE_NO_SHARED_COMMITMENT` where
 * no claim could serve all leaves, `VS_SETTLE_REQUEST_MISMATCH` where the parts do not belong together, and
 * `VS_SETTLE_BALANCE` or `VS_SETTLE_ALLOWANCE` where the payer has or has allowed too little of a token.
 */
export async function placeRequest(client: SettlementClient, p: PlaceRequestParameters): Promise<Mined> {
  checkComposition(p)
  return sendRequest(client, p)
}

/** Throws where no claim could meet the requirement, whoever made it. */
export function checkComposition({
  order,
  requirement,
  policies,
  commitments,
}: Pick<PlaceRequestParameters, 'order' | 'requirement' | 'policies' | 'commitments'>): void {
  if (typeof order !== 'object' || order === null) throw invalid('order', 'what makeOrder gives, or orderOf', order)
  if (!Array.isArray(policies)) throw invalid('policies', 'a list, one for each leaf', policies)
  mismatch('requirement', order.request.requirement, requirementDigest(requirement))
  const wanted = leaves(requirement)
  mismatch('policies', `${wanted.length} of them`, `${policies.length} of them`)
  policies.forEach((policy, i) => {
    mismatch(`policies[${i}]`, wanted[i]?.policy, policyDigest(policy))
  })
  if (policies.length === 1) return
  if (commitments?.length !== policies.length) {
    throw fail('VS_SETTLE_NO_SHARED_COMMITMENT', {
      details: {
        field: 'commitments',
        expected: `one for each of ${policies.length} leaves`,
        got: commitments?.length ?? 'none',
      },
    })
  }
  const plans = commitments.flatMap((c, i) => (c === 'any' ? [] : [{ tier: policies[i]?.tier, text: textOf(c) }]))
  const other = plans.find((p) => p.text !== plans[0]?.text)
  if (other === undefined) return
  throw fail('VS_SETTLE_NO_SHARED_COMMITMENT', {
    details: {
      field: 'commitments',
      expected: `${plans[0]?.tier}: ${plans[0]?.text}`,
      got: `${other.tier}: ${other.text}`,
    },
  })
}

/** The same for plans that ask for the same, whatever the order of their members. */
const textOf = ({ inputs, outputs }: CommitmentPlan): string => {
  const list = (entries: CommitmentPlan['inputs']) => entries.map((e) => [e.tensors, e.scheme, e.salted])
  return JSON.stringify([list(inputs), outputs === 'raw' ? outputs : list(outputs)])
}

const invalid = (field: string, expected: string, got: unknown) =>
  fail('VS_SETTLE_INVALID_OPTION', { details: { field, expected, got: show(got) } })

const mismatch = (field: string, expected: string | undefined, got: string): void => {
  if (expected !== got) throw fail('VS_SETTLE_REQUEST_MISMATCH', { details: { field, expected, got } })
}

/** For errors: what a token says is handed on. */
const abi = [...settlementAbi, ...tokenErrors] as const
const OWN: ReadonlySet<string> = new Set(
  settlementAbi.flatMap((e) => (e.type === 'error' && e.name !== 'SafeERC20FailedOperation' ? [e.name] : [])),
)

/** Sends a request whose composition was looked at. */
export async function sendRequest(
  client: SettlementClient,
  p: Omit<PlaceRequestParameters, 'commitments'>,
  permit?: Permit,
): Promise<Mined> {
  const { request, terms } = p.order
  const name = permit === undefined ? 'request' : 'requestWithPermit'
  const args = [p.order, p.policies.map(policyArguments), requirementArguments(p.requirement).formula]
  const data = await encodeCall(settlementAbi, name, permit === undefined ? args : [...args, permit])
  const amount = request.priceWei + terms.tipWei
  const valueWei = terms.token === ZERO_ADDRESS ? amount : 0n
  try {
    return await sendTo(client, { to: client.deployment.settlement, data, valueWei, name, abi }, p)
  } catch (error) {
    const why = revertName(error)
    if (why === undefined || OWN.has(why) || terms.token === ZERO_ADDRESS) throw error
    const { token } = terms
    const have = await balanceOf(client, { token, owner: request.payer })
    if (have !== undefined && have < amount) {
      const details = { token, payer: request.payer, need: amount, have }
      throw fail('VS_SETTLE_BALANCE', { details, cause: error })
    }
    const allowed = await allowanceOf(client, { token, owner: request.payer })
    if (allowed >= amount) throw error
    throw fail('VS_SETTLE_ALLOWANCE', { details: { token, payer: request.payer, amount, allowed }, cause: error })
  }
}

/** Undefined where the token does not say; what it refused is told then. */
async function balanceOf(
  { chain }: SettlementClient,
  { token, owner }: { readonly token: Address; readonly owner: Address },
): Promise<bigint | undefined> {
  try {
    const [have] = await read(chain, { address: token, abi: tokenAbi, name: 'balanceOf', args: [owner] })
    return BigInt(String(have))
  } catch (error) {
    if (isVeristackError(error, 'VS_EVM_UNREACHABLE')) throw error
    return undefined
  }
}

/** The id that the contract gives an order. */
export async function requestIdOf(
  { chain, deployment }: SettlementClient,
  { order }: { readonly order: Order },
): Promise<RequestId> {
  const [id] = await read(chain, {
    address: deployment.settlement,
    abi: settlementAbi,
    name: 'requestId',
    args: [order],
  })
  return parseRequestId(id)
}
