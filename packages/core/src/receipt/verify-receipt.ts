import {
  type Commitment,
  claimDigest,
  commitmentsDigest,
  type Digest,
  elementCount,
  evaluateRequirement,
  isIntegerType,
  type Leaf,
  leaves,
  type Policy,
  policyDigest,
  RAW_LIMIT,
  RAW_SCHEME,
  rawCommitment,
  recoverSigner,
  requestId,
  requirementDigest,
  sameLeaf,
  type Tensor,
  type Ternary,
  tensorSpec,
  termsDigest,
} from '../claim/index.ts'
import { type ErrorCode, isVeristackError } from '../errors/base.ts'
import { type AnchorLookup, type AnchorSet, lookupAnchors } from './anchors.ts'
import type { Receipt } from './receipt.ts'
import type { Settlement } from './settlement.ts'
import type { Check, Evidence, EvidenceKind, Missing, Verdict, Verifier, VerifyContext } from './verdict.ts'

export interface VerifyReceiptOptions
  extends Partial<Pick<VerifyContext, 'now' | 'chain' | 'blobs' | 'reexecute' | 'signal'>> {
  readonly verifiers: readonly Verifier[]
  /** From a file, a registry or the caller's own code; never from the receipt. */
  readonly anchors?: AnchorSet | AnchorLookup
  /** Whether a settlement happened, asked of a chain. Without it, or where it throws, settlements stay `undetermined: chain`. */
  readonly confirm?: (settlement: Settlement, receipt: Receipt) => Promise<Confirmation>
}

/** What was found about one piece of evidence, for the leaf that it was judged by. */
export interface LeafVerdict {
  readonly leaf: Leaf
  readonly kind: EvidenceKind | undefined
  readonly verdict: Verdict
}

/** What a chain says of a settlement: that it is so, that it is not, or nothing. */
export type Confirmation = 'confirmed' | 'refuted' | 'unknown'

export interface SettlementVerdict {
  readonly settlement: Settlement
  readonly status: 'confirmed' | 'refuted' | 'undetermined: chain'
}

/** Never a score: which tiers are satisfied, by what, and under which assumptions. */
export type ReceiptVerdict = {
  readonly checks: readonly Check[]
  readonly assumptions: readonly string[]
  /** Output commitments that an accepted leaf speaks for. */
  readonly covers: readonly Commitment[]
  readonly leaves: readonly LeafVerdict[]
  readonly settlements: readonly SettlementVerdict[]
} & (
  | { readonly status: 'accepted' }
  | { readonly status: 'pending' }
  | { readonly status: 'undetermined'; readonly missing: Missing }
  | { readonly status: 'rejected'; readonly code: ErrorCode }
)

/** Judges a parsed receipt. Throws only for an aborted signal or a verifier that breaks its contract. */
export async function verifyReceipt(receipt: Receipt, options: VerifyReceiptOptions): Promise<ReceiptVerdict> {
  const digest = claimDigest(receipt.signed.claim)
  const checks = structure(receipt, digest)
  const settlements = await judgeSettlements(receipt, options)
  const failedCheck = checks.find((c) => c.outcome === 'fail')
  if (failedCheck !== undefined) {
    return {
      status: 'rejected',
      code: 'VS_CORE_COMMITMENT_MISMATCH',
      checks,
      assumptions: [],
      covers: [],
      leaves: [],
      settlements,
    }
  }
  const judged: LeafVerdict[] = []
  for (const [i, leaf] of leaves(receipt.requirement).entries()) {
    judged.push(...(await judgeLeaf(receipt, leaf, receipt.policies[i], options)))
  }
  const accepted = judged.filter((j) => j.verdict.status === 'accepted').map((j) => j.verdict)
  const outputs = receipt.signed.outputs
  const common = {
    checks,
    assumptions: [...new Set(accepted.flatMap((v) => v.assumptions))],
    covers: outputs.filter((c) => accepted.some((v) => v.covers.some((d) => sameCommitment(c, d)))),
    leaves: judged,
    settlements,
  }
  const conclusion = conclude(receipt, judged, settlements)
  // Accepted says of every output in the receipt that it may be relied on.
  const uncovered = receipt.outputs.some((t) => !common.covers.some((c) => c.tensor.split(',').includes(tensorSpec(t))))
  if (conclusion.status === 'accepted' && uncovered) return { ...common, status: 'undetermined', missing: 'plugin' }
  return { ...common, ...conclusion }
}

const sameCommitment = (a: Commitment, b: Commitment): boolean =>
  a.tensor === b.tensor && a.scheme === b.scheme && a.value === b.value

type Conclusion =
  | { readonly status: 'accepted' | 'pending' }
  | { readonly status: 'undetermined'; readonly missing: Missing }
  | { readonly status: 'rejected'; readonly code: ErrorCode }

function conclude(
  receipt: Receipt,
  judged: readonly LeafVerdict[],
  settlements: readonly SettlementVerdict[],
): Conclusion {
  if (settlements.some((s) => s.status === 'refuted')) return { status: 'rejected', code: 'VS_CORE_SETTLEMENT_REFUTED' }
  const evaluate = (truth: (v: Verdict) => Ternary): Ternary =>
    evaluateRequirement(receipt.requirement, (leaf) => {
      const values = judged.filter((j) => sameLeaf(j.leaf, leaf)).map((j) => truth(j.verdict))
      return values.includes('true') ? 'true' : values.includes('unknown') ? 'unknown' : 'false'
    })
  const value = evaluate((v) => (v.status === 'accepted' ? 'true' : v.status === 'rejected' ? 'false' : 'unknown'))
  if (value === 'true') return { status: 'accepted' }
  const rejected = judged.map((j) => j.verdict).find((v) => v.status === 'rejected')
  if (value === 'false') return { status: 'rejected', code: rejected?.code ?? 'VS_CORE_EVIDENCE_REFUSED' }
  const withPending = evaluate((v) => (v.status === 'accepted' || v.status === 'pending' ? 'true' : 'false'))
  if (withPending === 'true') return { status: 'pending' }
  const open = judged.map((j) => j.verdict).find((v) => v.status === 'undetermined')
  return { status: 'undetermined', missing: open?.missing ?? 'blob' }
}

/** Everything that can be checked without a tier: the digests, the lists, the signature, the raw outputs. */
function structure(receipt: Receipt, digest: Digest): readonly Check[] {
  const { request, requirement, policies, terms, signed, outputs, salts, evidence } = receipt
  const { claim } = signed
  const found = leaves(requirement)
  const check = (name: string, ok: boolean, detail?: string): Check => ({
    name,
    outcome: ok ? 'pass' : 'fail',
    ...(detail === undefined ? {} : { detail }),
  })
  const entries = new Set(signed.outputs.map((c) => c.tensor))
  const covered = new Set(signed.outputs.flatMap((c) => c.tensor.split(',')))
  const specs = outputs.map(tensorSpec)
  const stated = new Map(outputs.map((t, i) => [specs[i] ?? '', t]))
  return [
    check('request id', requestId(request) === request.id),
    check('requirement digest', safely(() => requirementDigest(requirement)) === request.requirement),
    check('policies', policies.length === found.length && policies.every((p, i) => isPolicyOf(p, found[i]))),
    check('terms digest', termsDigest(terms) === request.terms),
    check('claim answers the request', claim.request === request.id),
    check('claim program', claim.program === request.program),
    check('claim inputs', claim.inputs === request.inputs),
    check('claim requirement', claim.requirement === request.requirement),
    check('claim place', claim.chainId === request.chainId && claim.contract === request.contract),
    check('claim expiry', claim.expiresAt === request.expiresAt),
    check('input list', commitmentsDigest(signed.inputs) === claim.inputs),
    check('output list', commitmentsDigest(signed.outputs) === claim.outputs),
    check(
      'list names',
      entries.size === signed.outputs.length &&
        new Set(signed.inputs.map((c) => c.tensor)).size === signed.inputs.length,
    ),
    check('claimant signature', recoverSigner(digest, signed.signature) === claim.claimant),
    check(
      'output names',
      new Set(specs).size === specs.length && specs.every((n) => covered.has(n)),
      'each output once, each under a commitment of its name, type and shape',
    ),
    check(
      'salt names',
      Object.keys(salts).every((spec) => entries.has(spec) && spec.split(',').every((s) => stated.has(s))),
      'each salt opens an output commitment to outputs that are stated',
    ),
    ...signed.outputs
      .filter((c) => c.scheme === RAW_SCHEME)
      .map((c) => check(`raw output ${c.tensor}`, opensRaw(c, stated, salts))),
    check(
      'evidence binds this claim',
      evidence.every((e) => e.claim === digest),
    ),
    check('evidence kinds', new Set(evidence.map((e) => e.kind)).size === evidence.length, 'each kind once'),
  ]
}

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

/**
 * Outputs that were posted raw are no secret: the receipt must state them, and as they were posted. Lengths are compared
 * before elements are read, so that a small receipt can not ask for much work.
 */
function opensRaw(c: Commitment, stated: ReadonlyMap<string, Tensor>, salts: Receipt['salts']): boolean {
  if (Object.hasOwn(salts, c.tensor)) return false
  const tensors: Tensor[] = []
  let elements = 0
  for (const spec of c.tensor.split(',')) {
    const t = stated.get(spec)
    if (t === undefined || !isIntegerType(t.type)) return false
    elements += elementCount(t.shape)
    if (elements > RAW_LIMIT) return false
    tensors.push(t)
  }
  if (c.value.length !== 2 + 64 * elements) return false
  return safely(() => `0x${tensors.map((t) => rawCommitment(t).slice(2)).join('')}`) === c.value
}

async function judgeLeaf(
  receipt: Receipt,
  leaf: Leaf,
  policy: Policy | undefined,
  o: VerifyReceiptOptions,
): Promise<readonly LeafVerdict[]> {
  const candidates = receipt.evidence.flatMap((evidence) => {
    const verifier = o.verifiers.find((v) => v.kind === evidence.kind)
    return verifier === undefined || verifier.tier === leaf.tier ? [{ evidence, verifier }] : []
  })
  const known = candidates.filter((c) => c.verifier !== undefined)
  if (known.length === 0) {
    // Evidence of a kind that nobody here can judge may be this leaf's; no evidence at all is an open leaf.
    const missing: Missing = candidates.length > 0 ? 'plugin' : 'blob'
    return [
      {
        leaf,
        kind: candidates[0]?.evidence.kind,
        verdict: { status: 'undetermined', missing, checks: [], assumptions: [], covers: [] },
      },
    ]
  }
  const judged: LeafVerdict[] = []
  for (const { evidence, verifier } of known) {
    if (verifier !== undefined)
      judged.push({ leaf, kind: evidence.kind, verdict: await judge(receipt, evidence, verifier, policy, o) })
  }
  return judged
}

async function judge(
  receipt: Receipt,
  evidence: Evidence,
  verifier: Verifier,
  policy: Policy | undefined,
  o: VerifyReceiptOptions,
): Promise<Verdict> {
  const anchors =
    o.anchors === undefined ? () => undefined : typeof o.anchors === 'function' ? o.anchors : lookupAnchors(o.anchors)
  return verifier.verify({ signed: receipt.signed, outputs: receipt.outputs, salts: receipt.salts }, evidence, {
    now: o.now ?? BigInt(Math.floor(Date.now() / 1000)),
    policy: policy?.offchain ?? null,
    anchors,
    ...(o.chain === undefined ? {} : { chain: o.chain }),
    ...(o.blobs === undefined ? {} : { blobs: o.blobs }),
    ...(o.reexecute === undefined ? {} : { reexecute: o.reexecute }),
    ...(o.signal === undefined ? {} : { signal: o.signal }),
  })
}

async function judgeSettlements(receipt: Receipt, o: VerifyReceiptOptions): Promise<readonly SettlementVerdict[]> {
  const judged: SettlementVerdict[] = []
  for (const settlement of receipt.settlements) {
    // A chain that can not be asked has said nothing.
    const found = (await o.confirm?.(settlement, receipt).catch(() => 'unknown' as const)) ?? 'unknown'
    judged.push({ settlement, status: found === 'unknown' ? 'undetermined: chain' : found })
  }
  return judged
}
