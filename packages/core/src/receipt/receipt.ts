import type { Hex, Policy, Request, Requirement, SignedClaim, Tensor, Terms } from '../claim/index.ts'
import type { Settlement } from './settlement.ts'
import type { Evidence } from './verdict.ts'

/** Everything that anyone needs to check an answer again, except the anchors, which never come from here. Append-only. */
export interface Receipt {
  readonly version: 1
  readonly request: Request
  readonly requirement: Requirement
  /** One for each distinct leaf, in the order of `leaves(requirement)`. */
  readonly policies: readonly Policy[]
  /** Opens `request.terms`. */
  readonly terms: Terms
  readonly signed: SignedClaim
  readonly outputs: readonly Tensor[]
  /** Salts of output commitments, by `commitmentKey`. Input salts stay with whoever asked. */
  readonly salts: Readonly<Record<string, Hex>>
  readonly evidence: readonly Evidence[]
  readonly settlements: readonly Settlement[]
}
