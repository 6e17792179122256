import {
  type Commitment,
  checkRequirement,
  claimDigest,
  evaluateRequirement,
  type Json,
  jsonDigest,
  type Leaf,
  leaves,
  type Require,
  type Requirement,
  sameLeaf,
  type Ternary,
  type Tier,
  tensorSpec,
} from '../claim/index.ts'
import { type ErrorCode, isVeristackError } from '../errors/base.ts'
import { type AnchorLookup, type AnchorSet, lookupAnchors } from './anchors.ts'
import type { Receipt } from './receipt.ts'
import type { Settlement } from './settlement.ts'
import { checkStructure } from './structure.ts'
import type { Check, EvidenceKind, Missing, Verdict, Verifier, VerifyContext } from './verdict.ts'

export interface VerifyReceiptOptions
  extends Partial<Pick<VerifyContext, 'now' | 'chain' | 'blobs' | 'reexecute' | 'signal'>> {
  readonly verifiers: readonly Verifier[]
  /** From a file, a registry or the caller's own code; never from the receipt. */
  readonly anchors?: AnchorSet | AnchorLookup
  /**
   * What the relying party itself demands, beside the requirement that payer and claimant agreed on: each leaf by evidence
   * of that tier, judged under the policy given here. Throws `VS_CORE_REQUIREMENT_INVALID` for what can not be evaluated.
   */
  readonly require?: Require
  /** Whether a settlement happened, asked of a chain. Without it, or where it throws, settlements stay `undetermined: chain`. */
  readonly confirm?: (settlement: Settlement, receipt: Receipt) => Promise<Confirmation>
}

/** What was found about one piece of evidence, for the leaf that it was judged by. */
export interface LeafVerdict {
  readonly leaf: Leaf
  /** Absent where no evidence was found that could be this leaf's. */
  readonly kind: EvidenceKind | undefined
  readonly verdict: Verdict
}

/** The same for a leaf of what the relying party demands. */
export interface DemandVerdict {
  readonly tier: Tier
  readonly policy: Json
  readonly kind: EvidenceKind | undefined
  readonly verdict: Verdict
}

/** One piece of the receipt's evidence: under each leaf of its tier, or under no policy where it belongs to none. */
export interface EvidenceVerdict {
  /** Its place in `receipt.evidence`. */
  readonly index: number
  readonly kind: EvidenceKind
  readonly leaf: Leaf | undefined
  readonly verdict: Verdict
}

/** What a chain says of a settlement: that it is so, that it is not, or nothing. */
export type Confirmation = 'confirmed' | 'refuted' | 'unknown'

export interface SettlementVerdict {
  readonly settlement: Settlement
  readonly status: 'confirmed' | 'refuted' | 'undetermined: chain'
  /** Why the chain could not be asked. */
  readonly reason?: string
}

/** Never a score: which tiers are satisfied, by what, and under which assumptions. */
export type ReceiptVerdict = {
  readonly checks: readonly Check[]
  readonly assumptions: readonly string[]
  /** Output commitments that an accepted leaf or demand speaks for. */
  readonly covers: readonly Commitment[]
  readonly leaves: readonly LeafVerdict[]
  /** Of `require`; empty without it. */
  readonly demands: readonly DemandVerdict[]
  /** All of the receipt's evidence, also what no leaf asks for. */
  readonly evidence: readonly EvidenceVerdict[]
  readonly settlements: readonly SettlementVerdict[]
} & Conclusion

type Conclusion =
  | { readonly status: 'accepted' | 'pending' }
  | { readonly status: 'undetermined'; readonly missing: Missing }
  | { readonly status: 'rejected'; readonly code: ErrorCode }

/** Judges a parsed receipt. Throws only for an aborted signal, a bad `require` or a verifier that breaks its contract. */
export async function verifyReceipt(receipt: Receipt, options: VerifyReceiptOptions): Promise<ReceiptVerdict> {
  const demand = options.require === undefined ? undefined : readDemand(options.require)
  const checked = checkStructure(receipt, claimDigest(receipt.signed.claim))
  const checks = checked.map(({ code: _, ...check }): Check => check)
  const settlements = await judgeSettlements(receipt, options)
  const failed = checked.find((c) => c.outcome === 'fail')
  if (failed !== undefined) {
    const nothing = { assumptions: [], covers: [], leaves: [], demands: [], evidence: [] }
    return { status: 'rejected', code: failed.code, checks, settlements, ...nothing }
  }
  const judge = judging(receipt, options)
  const judged: (LeafVerdict & Found)[] = []
  for (const [i, leaf] of leaves(receipt.requirement).entries()) {
    const found = await ofTier(receipt, options, judge, leaf.tier, receipt.policies[i]?.offchain ?? null)
    judged.push(...found.map((f) => ({ leaf, ...f })))
  }
  const demands: (DemandVerdict & Found & { readonly leaf: Leaf })[] = []
  for (const { leaf, policy } of demand?.leaves ?? []) {
    const found = await ofTier(receipt, options, judge, leaf.tier, policy)
    demands.push(...found.map((f) => ({ leaf, tier: leaf.tier, policy, ...f })))
  }
  const evidence: EvidenceVerdict[] = []
  for (const [index, { kind }] of receipt.evidence.entries()) {
    const own = judged.filter((j) => j.index === index)
    evidence.push(...own.map(({ leaf, verdict }) => ({ index, kind, leaf, verdict })))
    if (own.length === 0)
      evidence.push({ index, kind, leaf: undefined, verdict: (await judge(index, null)) ?? open('plugin') })
  }
  const accepted = [...judged, ...demands].map((j) => j.verdict).filter((v) => v.status === 'accepted')
  const common = {
    checks,
    assumptions: [...new Set(accepted.flatMap((v) => v.assumptions))],
    covers: receipt.signed.outputs.filter((c) => accepted.some((v) => v.covers.some((d) => sameCommitment(c, d)))),
    leaves: judged.map(({ leaf, kind, verdict }) => ({ leaf, kind, verdict })),
    demands: demands.map(({ tier, policy, kind, verdict }) => ({ tier, policy, kind, verdict })),
    evidence,
    settlements,
  }
  if (settlements.some((s) => s.status === 'refuted'))
    return { ...common, status: 'rejected', code: 'VS_CORE_SETTLEMENT_REFUTED' }
  const agreed = conclude(receipt.requirement, judged)
  if (agreed.status === 'rejected' || demand === undefined)
    return { ...common, ...covering(receipt, common.covers, agreed) }
  const demanded = conclude(demand.requirement, demands)
  if (demanded.status === 'rejected') return { ...common, status: 'rejected', code: 'VS_CORE_EVIDENCE_REFUSED' }
  // The weaker of the two: what is open stays open, and pending only what nothing else keeps from being accepted.
  const weaker =
    [agreed, demanded].find((c) => c.status === 'undetermined') ??
    [agreed, demanded].find((c) => c.status === 'pending')
  return { ...common, ...covering(receipt, common.covers, weaker ?? agreed) }
}

/** Accepted says of every output in the receipt that it may be relied on. */
function covering(receipt: Receipt, covers: readonly Commitment[], conclusion: Conclusion): Conclusion {
  const covered = new Set(covers.flatMap((c) => c.tensor.split(',')))
  const isOpen = conclusion.status === 'accepted' && receipt.outputs.some((t) => !covered.has(tensorSpec(t)))
  return isOpen ? { status: 'undetermined', missing: 'plugin' } : conclusion
}

const sameCommitment = (a: Commitment, b: Commitment): boolean =>
  a.tensor === b.tensor && a.scheme === b.scheme && a.value === b.value

/** The caller's form as a requirement whose leaves stand for the policies beside them. */
function readDemand(require: Require) {
  const found = new Map<string, { readonly leaf: Leaf; readonly policy: Json }>()
  const walk = (r: Require): Requirement => {
    if (typeof r !== 'string' && !('tier' in r)) {
      if ('all' in r) return { all: r.all.map(walk) }
      if ('any' in r) return { any: r.any.map(walk) }
      return { atLeast: r.atLeast, of: r.of.map(walk) }
    }
    const [tier, policy] = typeof r === 'string' ? [r, {}] : [r.tier, r.policy ?? {}]
    const leaf: Leaf = { tier, policy: jsonDigest(policy) }
    found.set(`${leaf.policy} ${tier}`, { leaf, policy })
    return leaf
  }
  return { requirement: checkRequirement(walk(require)), leaves: [...found.values()] }
}

/** A leaf is satisfied by any of the evidence that was judged for it. */
function conclude(
  requirement: Requirement,
  judged: readonly { readonly leaf: Leaf; readonly verdict: Verdict }[],
): Conclusion {
  const evaluate = (truth: (v: Verdict) => Ternary): Ternary =>
    evaluateRequirement(requirement, (leaf) => {
      const values = judged.filter((j) => sameLeaf(j.leaf, leaf)).map((j) => truth(j.verdict))
      return values.includes('true') ? 'true' : values.includes('unknown') ? 'unknown' : 'false'
    })
  const value = evaluate((v) => (v.status === 'accepted' ? 'true' : v.status === 'rejected' ? 'false' : 'unknown'))
  if (value === 'true') return { status: 'accepted' }
  const rejected = judged.map((j) => j.verdict).find((v) => v.status === 'rejected')
  if (value === 'false') return { status: 'rejected', code: rejected?.code ?? 'VS_CORE_EVIDENCE_REFUSED' }
  const withPending = evaluate((v) => (v.status === 'accepted' || v.status === 'pending' ? 'true' : 'false'))
  if (withPending === 'true') return { status: 'pending' }
  const undetermined = judged.map((j) => j.verdict).find((v) => v.status === 'undetermined')
  return { status: 'undetermined', missing: undetermined?.missing ?? 'blob' }
}

/** A verdict, and the place of its evidence where there is any. */
interface Found {
  readonly index: number | undefined
  readonly kind: EvidenceKind | undefined
  readonly verdict: Verdict
}

const open = (missing: Missing): Verdict => ({
  status: 'undetermined',
  missing,
  checks: [],
  assumptions: [],
  covers: [],
})

/** The verdict on one piece of evidence under a policy; undefined where no verifier here knows its kind. */
type Judge = (index: number, policy: Json) => Promise<Verdict | undefined>

async function ofTier(
  { evidence }: Receipt,
  { verifiers }: VerifyReceiptOptions,
  judge: Judge,
  tier: Tier,
  policy: Json,
): Promise<readonly Found[]> {
  const found: Found[] = []
  let unknown: EvidenceKind | undefined
  for (const [index, { kind }] of evidence.entries()) {
    const verifier = verifiers.find((v) => v.kind === kind)
    if (verifier === undefined) unknown ??= kind
    const verdict = verifier?.tier === tier ? await judge(index, policy) : undefined
    if (verdict !== undefined) found.push({ index, kind, verdict })
  }
  if (found.length > 0) return found
  // Evidence of a kind that nobody here can judge may be this leaf's; no evidence at all is an open leaf.
  return [{ index: undefined, kind: unknown, verdict: open(unknown === undefined ? 'blob' : 'plugin') }]
}

/** Evidence that several leaves with one policy ask for is judged once. */
function judging(receipt: Receipt, o: VerifyReceiptOptions): Judge {
  const known = new Map<string, Promise<Verdict>>()
  const subject = { signed: receipt.signed, outputs: receipt.outputs, salts: receipt.salts }
  const context: Omit<VerifyContext, 'policy'> = {
    now: o.now ?? BigInt(Math.floor(Date.now() / 1000)),
    anchors: typeof o.anchors === 'function' ? o.anchors : lookupAnchors(o.anchors ?? { version: 1, anchors: [] }),
    ...(o.chain === undefined ? {} : { chain: o.chain }),
    ...(o.blobs === undefined ? {} : { blobs: o.blobs }),
    ...(o.reexecute === undefined ? {} : { reexecute: o.reexecute }),
    ...(o.signal === undefined ? {} : { signal: o.signal }),
  }
  return async (index, policy) => {
    const evidence = receipt.evidence[index]
    const verifier = o.verifiers.find((v) => v.kind === evidence?.kind)
    if (evidence === undefined || verifier === undefined) return undefined
    const key = `${index} ${jsonDigest(policy)}`
    const verdict = known.get(key) ?? verifier.verify(subject, evidence, { ...context, policy })
    known.set(key, verdict)
    return verdict
  }
}

async function judgeSettlements(receipt: Receipt, o: VerifyReceiptOptions): Promise<readonly SettlementVerdict[]> {
  const judged: SettlementVerdict[] = []
  for (const settlement of receipt.settlements) {
    const { said, reason } = await ask(settlement, receipt, o)
    const status = said === 'unknown' ? 'undetermined: chain' : said
    judged.push({ settlement, status, ...(reason === undefined ? {} : { reason }) })
  }
  return judged
}

/** A chain that can not be asked has said nothing. */
async function ask(
  settlement: Settlement,
  receipt: Receipt,
  { confirm, signal }: VerifyReceiptOptions,
): Promise<{ readonly said: Confirmation; readonly reason?: string }> {
  if (confirm === undefined) return { said: 'unknown' }
  try {
    return { said: await confirm(settlement, receipt) }
  } catch (error) {
    signal?.throwIfAborted()
    const text = isVeristackError(error) ? error.shortMessage : error instanceof Error ? error.message : String(error)
    return { said: 'unknown', reason: text.split('\n', 1)[0] ?? '' }
  }
}
