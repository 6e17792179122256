import type { BlobRef, Blobs } from '../blobs/blobs.ts'
import type { Claim, Commitment, Digest, Json, ProgramId, SignedClaim, Tensor, Tier } from '../claim/index.ts'
import type { ErrorCode } from '../errors/index.ts'
import type { ChainReader } from '../plugin/chain.ts'

/** `vendor/what`: `zkml/groth16-bn254`, `tee/intel-tdx`, `acme/quorum`. */
export type EvidenceKind = `${string}/${string}`

/** What a prover makes for a claim. `payload` is the kind's own format at `version`; larger parts are blobs. */
export interface Evidence {
  readonly kind: EvidenceKind
  readonly version: number
  /** The claim digest that the evidence binds. */
  readonly claim: Digest
  readonly payload: Uint8Array
  readonly blobs: readonly BlobRef[]
}

/** Where key material came from. Known from the pin, never from the receipt. */
export type Origin = 'development' | 'ceremony' | 'none'

/** What verification trusts beforehand, for one program and kind of evidence. Never taken from a receipt. */
export interface Anchor {
  readonly digest: Digest
  readonly origin: Origin
}

export interface Check {
  readonly name: string
  readonly outcome: 'pass' | 'fail' | 'skipped'
  readonly detail?: string
}

export type Missing = 'chain' | 'anchor' | 'program' | 'blob' | 'plugin'

/** `covers`: the commitments that this verdict speaks for; nothing else may be relied on. */
export type Verdict = {
  readonly checks: readonly Check[]
  readonly assumptions: readonly string[]
  readonly covers: readonly Commitment[]
} & (
  | { readonly status: 'accepted'; readonly tier: Tier }
  | {
      readonly status: 'pending'
      readonly tier: Tier
      readonly until: { readonly chainId: bigint; readonly timestamp: bigint }
    }
  | { readonly status: 'undetermined'; readonly missing: Missing }
  | { readonly status: 'rejected'; readonly code: ErrorCode }
)

export interface VerifyContext {
  /** Unix seconds. Always passed in, so that a verdict can be repeated. */
  readonly now: bigint
  /** The off-chain policy of the leaf that this evidence is judged for. */
  readonly policy: Json
  /** Any one of them will do. None: the verdict is `undetermined: anchor`. */
  readonly anchors: (program: ProgramId, kind: EvidenceKind) => readonly Anchor[]
  readonly chain?: ChainReader
  readonly blobs?: Blobs
  readonly reexecute?: (claim: Claim) => Promise<readonly Tensor[]>
  readonly signal?: AbortSignal
  /**
   * Work on `of` that does not depend on the policy, done once for all leaves that this evidence is judged for. `name` says
   * what is done, whose. Absent: do it. It lasts as long as one verification, in which nothing changes.
   */
  readonly once?: <T>(name: string, of: object, make: () => T) => T
}

/**
 * Judges one piece of evidence. Malformed evidence is `rejected`; it never throws for what came from outside.
 *
 * `outputs` are the tensors as the receipt states them, `salts` open hiding commitments (by `commitmentKey`). A verifier must
 * reject outputs that do not open the commitments of its own schemes.
 */
export interface Verifier {
  readonly kind: EvidenceKind
  readonly tier: Tier
  verify(
    subject: {
      readonly signed: SignedClaim
      readonly outputs: readonly Tensor[]
      readonly salts: Readonly<Record<string, `0x${string}`>>
    },
    evidence: Evidence,
    context: VerifyContext,
  ): Promise<Verdict>
}
