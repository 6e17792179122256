import {
  commitmentKey,
  commitmentsDigest,
  type Digest,
  type Leaf,
  leaves,
  opensPublic,
  type Policy,
  policyDigest,
  recoverSigner,
  requestId,
  requirementDigest,
  type Tensor,
  tensorSpec,
  termsDigest,
  toHex,
} from '../claim/index.ts'
import { type ErrorCode, isVeristackError } from '../errors/base.ts'
import type { Receipt } from './receipt.ts'
import type { Check } from './verdict.ts'

export interface StructureCheck extends Check {
  /** What the receipt is rejected with where the check fails. */
  readonly code: ErrorCode
}

/** Everything that can be checked without a tier: the digests, the lists, the signature, the outputs in the open. */
export function checkStructure(receipt: Receipt, digest: Digest): readonly StructureCheck[] {
  const { request, requirement, policies, terms, signed, outputs, salts, evidence } = receipt
  const { claim } = signed
  const pinned = leaves(requirement)
  const keys = new Map(signed.outputs.map((c) => [commitmentKey(c), c]))
  const covered = new Set(signed.outputs.flatMap((c) => c.tensor.split(',')))
  const specs = outputs.map(tensorSpec)
  const stated = new Map(outputs.map((t, i) => [specs[i] ?? '', t]))
  return [
    check('VS_CORE_REQUEST_MISMATCH', 'request id', requestId(request) === request.id),
    check(
      'VS_CORE_REQUEST_MISMATCH',
      'requirement digest',
      safely(() => requirementDigest(requirement)) === request.requirement,
    ),
    check('VS_CORE_REQUEST_MISMATCH', 'terms digest', termsDigest(terms) === request.terms),
    check(
      'VS_CORE_POLICY_MISMATCH',
      'policies',
      policies.length === pinned.length && policies.every((p, i) => isPolicyOf(p, pinned[i])),
    ),
    check('VS_CORE_CLAIM_MISMATCH', 'claim answers the request', claim.request === request.id),
    check('VS_CORE_CLAIM_MISMATCH', 'claim program', claim.program === request.program),
    check('VS_CORE_CLAIM_MISMATCH', 'claim inputs', claim.inputs === request.inputs),
    check('VS_CORE_CLAIM_MISMATCH', 'claim requirement', claim.requirement === request.requirement),
    check(
      'VS_CORE_CLAIM_MISMATCH',
      'claim place',
      claim.chainId === request.chainId && claim.contract === request.contract,
    ),
    check('VS_CORE_CLAIM_MISMATCH', 'claim expiry', claim.expiresAt === request.expiresAt),
    check('VS_CORE_LIST_MISMATCH', 'input list', commitmentsDigest(signed.inputs) === claim.inputs),
    check('VS_CORE_LIST_MISMATCH', 'output list', commitmentsDigest(signed.outputs) === claim.outputs),
    check(
      'VS_CORE_LIST_MISMATCH',
      'list names',
      keys.size === signed.outputs.length && new Set(signed.inputs.map(commitmentKey)).size === signed.inputs.length,
      'each tensor once under each scheme',
    ),
    check('VS_CORE_BAD_SIGNATURE', 'claimant signature', recoverSigner(digest, signed.signature) === claim.claimant),
    check(
      'VS_CORE_COMMITMENT_MISMATCH',
      'output names',
      new Set(specs).size === specs.length && specs.every((n) => covered.has(n)),
      'each output once, each under a commitment of its name, type and shape',
    ),
    check(
      'VS_CORE_COMMITMENT_MISMATCH',
      'salt names',
      Object.keys(salts).every(
        (key) =>
          keys
            .get(key)
            ?.tensor.split(',')
            .every((spec) => stated.has(spec)) === true,
      ),
      'each salt opens an output commitment to outputs that are stated',
    ),
    ...openOutputs(receipt, stated),
    check(
      'VS_CORE_EVIDENCE_MISMATCH',
      'evidence binds this claim',
      evidence.every((e) => e.claim === digest),
    ),
    check(
      'VS_CORE_DUPLICATE_EVIDENCE',
      'evidence',
      new Set(evidence.map(identityOf)).size === evidence.length,
      'each piece once',
    ),
  ]
}

/** Outputs that were posted in the open are no secret: the receipt must state them, and as they were posted. */
function openOutputs({ signed, salts }: Receipt, stated: ReadonlyMap<string, Tensor>): readonly StructureCheck[] {
  // Every tensor is read once for each scheme, however often a list names it: that is refused elsewhere.
  const listed = new Map(signed.outputs.map((c) => [commitmentKey(c), c]))
  return [...listed].flatMap(([key, c]) => {
    const opens = opensPublic(c, stated)
    if (opens === undefined) return []
    const name = `output ${c.tensor} in ${c.scheme}`
    return [check('VS_CORE_COMMITMENT_MISMATCH', name, opens && !Object.hasOwn(salts, key))]
  })
}

function check(code: ErrorCode, name: string, ok: boolean, detail?: string): StructureCheck {
  return { code, name, outcome: ok ? 'pass' : 'fail', ...(detail === undefined ? {} : { detail }) }
}

const identityOf = ({ kind, version, claim, payload, blobs }: Receipt['evidence'][number]): string =>
  JSON.stringify([kind, version, claim, toHex(payload), blobs.map((b) => [b.digest, b.bytes, b.mediaType])])

const isPolicyOf = (p: Policy, leaf: Leaf | undefined): boolean =>
  leaf !== undefined && p.tier === leaf.tier && policyDigest(p) === leaf.policy

function safely<T>(make: () => T): T | undefined {
  try {
    return make()
  } catch (error) {
    if (isVeristackError(error)) return undefined
    throw error
  }
}
