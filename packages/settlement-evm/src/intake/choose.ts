import type { TakeOptions } from '@veristack/core'
import { type Address, type Json, type Policy, type Requirement, ZERO_ADDRESS } from '@veristack/core/receipt'
import { quoteRequest } from '../actions/quote.ts'
import type { SettlementClient } from '../client.ts'
import type { CheckedOptions, ReadyProgram, Served, SkipReason } from './options.ts'
import { opened, openPolicies, type PlacedRequest, requirementOf } from './placed.ts'

/** A request that is left to others, and why. */
export class Skip extends Error {
  readonly reason: SkipReason
  constructor(reason: SkipReason, message: string) {
    super(message)
    this.reason = reason
  }
}

/** A request whose digests are opened. */
export interface Chosen extends Pick<TakeOptions, 'requirement' | 'policies' | 'application'> {
  readonly placed: PlacedRequest
  readonly served: Served
  readonly requirement: Requirement
  readonly policies: readonly Policy[]
  readonly application: Json
}

/** What can be told from the request alone, without asking anybody. Throws {@link Skip}. */
export function choose(o: CheckedOptions, placed: PlacedRequest): Chosen {
  const { request, order } = placed
  const served = o.serves.find((s) => s.program.id === request.program)
  if (served === undefined) throw new Skip('refused', `program ${request.program} is not served`)
  if (o.payers !== undefined && !o.payers.has(request.payer)) throw new Skip('payer', `payer ${request.payer}`)
  const { token } = order.terms
  const least = token === ZERO_ADDRESS ? o.minimumPriceWei : o.tokens.get(token)?.minimumPriceUnits
  if (least === undefined) throw new Skip('token', `paid in ${token}, which is not in tokens`)
  if (request.priceWei < least) throw new Skip('price', `pays ${request.priceWei}, the least is ${least}`)

  const application = opened(placed.application, served.applications ?? [{}])
  if (application === undefined)
    throw new Skip('application', `application ${placed.application} is none of those served`)
  const policies = openPolicies(placed.policies, served.policies ?? [{}])
  if (policies === undefined) throw new Skip('policy', 'a leaf has an off-chain policy that is none of those served')
  const requirement = requirementOf(policies, placed.formula, request.requirement)
  if (requirement === undefined) throw new Skip('requirement', `formula ${placed.formula} is not in the usual form`)
  return { placed, served, application, policies, requirement }
}

/**
 * Throws {@link Skip} unless each leaf is decided by a contract that this node answers for. Said again, with more care, when the
 * request is taken; said here because what waits is kept, and parameters may be of any size.
 */
export function checkVerifiers({ request, policies }: PlacedRequest, ready: readonly ReadyProgram[]): void {
  const own = ready.find((r) => r.program === request.program)?.verifiers ?? []
  for (const [i, p] of policies.entries()) {
    if (own.some((v) => v.verifier === p.verifier && v.codeHash === p.codeHash && v.params === p.params)) continue
    throw new Skip('refused', `policies[${i}].verifier is ${p.verifier}, with code or parameters that are not served`)
  }
}

/** How soon a request may be answered by this claimant: 0n is now. Throws {@link Skip} where that is too late. */
export function exclusiveUntil({ request, order }: PlacedRequest, claimant: Address, now: bigint): bigint {
  const { exclusiveClaimant, exclusiveUntil: until } = order.terms
  if (exclusiveClaimant === ZERO_ADDRESS || exclusiveClaimant === claimant || now > until) return 0n
  if (until >= request.expiresAt) throw new Skip('exclusive', `kept for ${exclusiveClaimant} to its end`)
  return until
}

/** Unix seconds `now`. */
export function checkDeadline(o: CheckedOptions, { request }: PlacedRequest, now: bigint): void {
  if (request.expiresAt < now) throw new Skip('deadline', `the deadline passed ${now - request.expiresAt} seconds ago`)
  if (request.expiresAt < now + o.marginSeconds)
    throw new Skip('deadline', `${request.expiresAt - now} seconds are left, the least is ${o.marginSeconds}`)
}

/** Delivering, without the callback. */
const DELIVER_GAS = 100_000n

const WEI_PER_ETHER = 10n ** 18n

/** What an answer takes: of submitting all leaves and delivering, with the callback. */
export interface Cost {
  readonly gas: bigint
  readonly gasPriceWei: bigint
}

export async function costOf(o: CheckedOptions, client: SettlementClient, { placed, policies }: Chosen): Promise<Cost> {
  const gasPriceWei = BigInt(String(await client.chain.rpc('eth_gasPrice', [])))
  const { callbackGas } = await quoteRequest(client, { order: placed.order, gasPriceWei })
  return { gas: o.gasPerLeaf * BigInt(policies.length) + DELIVER_GAS + callbackGas, gasPriceWei }
}

/** Throws {@link Skip} where gas at the present price costs more than is paid, a quarter added for prices that rise. */
export function checkLoss(o: CheckedOptions, { placed }: Chosen, { gas, gasPriceWei }: Cost): void {
  if (o.atALoss === true) return
  const costWei = ((gasPriceWei * 5n) / 4n) * gas
  const { token } = placed.order.terms
  const { priceWei: price } = placed.request
  const unitsPerEther = token === ZERO_ADDRESS ? WEI_PER_ETHER : (o.tokens.get(token)?.unitsPerEther ?? 0n)
  if (price * WEI_PER_ETHER >= costWei * unitsPerEther && unitsPerEther > 0n) return
  const paid = token === ZERO_ADDRESS ? `${price} wei` : `${price} of ${token}, at ${unitsPerEther} for one ether`
  throw new Skip('loss', `pays ${paid}; answering costs about ${costWei} wei`)
}
