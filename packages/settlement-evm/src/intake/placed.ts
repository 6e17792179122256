import { type EventLog, interfaceOf } from '@veristack/chain-evm'
import type { SettlementTerms } from '@veristack/core'
import {
  type Digest,
  fromHex,
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
  type Request,
  type Requirement,
  requirementDigest,
} from '@veristack/core/receipt'
import { settlementAbi } from '../bindings/Settlement.ts'
import type { SettlementClient } from '../client.ts'
import type { Order } from '../order.ts'
import { agreeTerms, parseTerms } from '../terms.ts'

/** A request as the chain tells it: the event says everything but what some digests stand for. */
export interface PlacedRequest {
  readonly request: Request
  readonly order: Order
  readonly settlement: SettlementTerms
  /** Digest of the application's facts. */
  readonly application: Digest
  /** One for each leaf, in order; `offchain` is a digest here. */
  readonly policies: readonly PlacedPolicy[]
  readonly formula: Hex
  readonly log: EventLog
}

export interface PlacedPolicy extends Omit<Policy, 'offchain'> {
  readonly offchain: Digest
}

export const requestedTopic = async (): Promise<Hex> => {
  const event = (await interfaceOf(settlementAbi)).getEvent('Requested')
  return parseHex(event?.topicHash, 'topic', 32)
}

/** What the event `Requested` says; throws a `TypeError` or a typed error where it says nothing that makes sense. */
export async function readRequested({ chain, deployment }: SettlementClient, log: EventLog): Promise<PlacedRequest> {
  const event = (await interfaceOf(settlementAbi)).parseLog({ topics: [...log.topics], data: log.data })
  if (event?.name !== 'Requested') throw new TypeError('not the event Requested')
  const [id, , , order, policies, formula] = event.args as unknown as RawRequested
  const r = order.request
  const request = makeRequest({
    program: parseProgramId(r.program),
    inputs: parseDigest(r.inputs),
    requirement: parseDigest(r.requirement),
    terms: parseDigest(r.terms),
    payer: parseAddress(r.payer),
    priceWei: r.priceWei,
    nonce: parseHex(r.nonce, 'nonce', 32),
    chainId: chain.chainId,
    contract: deployment.settlement,
    expiresAt: r.expiresAt,
  })
  if (request.id !== id) throw new TypeError(`the event names ${id}, its fields make ${request.id}`)
  const t = order.terms
  const settlement = agreeTerms({
    token: t.token,
    ...(BigInt(t.exclusiveUntil) === 0n
      ? {}
      : { exclusiveClaimant: t.exclusiveClaimant, exclusiveUntil: String(t.exclusiveUntil) }),
    validUntil: String(t.validUntil),
    graceSeconds: String(t.graceSeconds),
    callbackTarget: t.callbackTarget,
    callbackGas: String(t.callbackGas),
    callbackState: String(t.callbackState),
    tipWei: String(t.tipWei),
  })
  const { id: _id, chainId: _chainId, contract: _contract, ...fields } = request
  const application = parseDigest(order.application)
  return {
    request,
    order: { request: fields, terms: parseTerms(settlement.preimage), application },
    settlement,
    application,
    policies: policies.map((p) => ({
      tier: p.tier,
      verifier: parseAddress(p.verifier),
      codeHash: parseDigest(p.codeHash),
      params: parseHex(p.params, 'params'),
      offchain: parseDigest(p.offchain),
    })),
    formula: parseHex(formula, 'formula'),
    log,
  }
}

type RawRequested = readonly [
  id: string,
  payer: string,
  program: string,
  order: {
    readonly request: {
      readonly program: string
      readonly inputs: string
      readonly requirement: string
      readonly terms: string
      readonly payer: string
      readonly priceWei: bigint
      readonly nonce: string
      readonly expiresAt: bigint
    }
    readonly terms: {
      readonly token: string
      readonly exclusiveClaimant: string
      readonly exclusiveUntil: bigint
      readonly validUntil: bigint
      readonly graceSeconds: bigint
      readonly callbackTarget: string
      readonly callbackGas: bigint
      readonly callbackState: bigint
      readonly tipWei: bigint
    }
    readonly application: string
  },
  policies: readonly {
    readonly tier: string
    readonly verifier: string
    readonly codeHash: string
    readonly params: string
    readonly offchain: string
  }[],
  formula: string,
]

/** The preimage of a digest among those that are known. */
export const opened = (digest: Digest, known: readonly Json[]): Json | undefined =>
  known.find((json) => jsonDigest(json) === digest)

/** The policies with their off-chain halves, or undefined where one is not among those known. */
export function openPolicies(placed: readonly PlacedPolicy[], known: readonly Json[]): readonly Policy[] | undefined {
  const policies = placed.flatMap((p): readonly Policy[] => {
    const offchain = opened(p.offchain, known)
    return offchain === undefined ? [] : [{ ...p, offchain }]
  })
  return policies.length === placed.length ? policies : undefined
}

const GROUP = 0x80

/**
 * The requirement that formula and policies are, or undefined where it is not the one that the request pins: a formula that
 * this project does not write, such as one that names its leaves in another order.
 */
export function requirementOf(policies: readonly Policy[], formula: Hex, pinned: Digest): Requirement | undefined {
  const stack: Requirement[] = []
  const code = fromHex(formula)
  for (let i = 0; i < code.length; ) {
    const op = code[i] ?? 0
    if (op === GROUP) {
      const [k = 0, n = 0] = [code[i + 1], code[i + 2]]
      if (n < 2 || n > stack.length || k < 1 || k > n) return undefined
      const of = stack.splice(stack.length - n, n)
      stack.push(k === n ? { all: of } : k === 1 ? { any: of } : { atLeast: k, of })
      i += 3
    } else {
      const policy = policies[op]
      if (policy === undefined) return undefined
      stack.push({ tier: policy.tier, policy: policyDigest(policy) })
      i += 1
    }
  }
  const [requirement] = stack
  if (requirement === undefined || stack.length !== 1) return undefined
  try {
    return requirementDigest(requirement) === pinned ? requirement : undefined
  } catch {
    return undefined
  }
}
