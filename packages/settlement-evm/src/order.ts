import type { EscrowJob } from '@veristack/core'
import {
  type Digest,
  type Hex,
  jsonDigest,
  leafHash,
  leaves,
  type Policy,
  type Request,
  type Requirement,
  requirementFormula,
  toHex,
} from '@veristack/core/receipt'
import { fail } from './errors.ts'
import { parseTerms, settlementTermsDigest, type Terms } from './terms.ts'

/** The structs of ISettlement.sol as ABI arguments. */
export interface Order {
  /** `priceWei` is in the smallest unit of `terms.token`: wei where that is the chain's coin. */
  readonly request: Omit<Request, 'id' | 'chainId' | 'contract'>
  readonly terms: Terms
  readonly application: Digest
}

export interface RequirementArguments {
  readonly leaves: readonly Hex[]
  readonly formula: Hex
}

export interface PolicyArguments {
  readonly tier: string
  readonly verifier: Hex
  readonly codeHash: Hex
  readonly params: Hex
  readonly offchain: Hex
}

/** Throws `VS_SETTLE_REQUEST_MISMATCH` where the terms' preimage does not open their digest. */
export function orderOf(job: Pick<EscrowJob, 'request' | 'terms' | 'application'>): Order {
  const { id: _id, chainId: _chainId, contract: _contract, ...request } = job.request
  const terms = parseTerms(job.terms.preimage)
  const digest = settlementTermsDigest(terms)
  if (digest !== job.terms.digest) {
    throw fail('VS_SETTLE_REQUEST_MISMATCH', {
      details: { field: 'terms.digest', expected: digest, got: job.terms.digest },
    })
  }
  return { request, terms, application: job.application }
}

export const requirementArguments = (r: Requirement): RequirementArguments => ({
  leaves: leaves(r).map((l) => toHex(leafHash(l))),
  formula: toHex(requirementFormula(r)),
})

export const policyArguments = (p: Policy): PolicyArguments => ({ ...p, offchain: jsonDigest(p.offchain) })
