import {
  type Commitment,
  checkRequirement,
  claimDigest,
  type Json,
  jsonDigest,
  type Leaf,
  leaves,
  type Require,
  type Requirement,
  type Tier,
  tensorSpec,
} from '../claim/index.ts'
import { isVeristackError } from '../errors/base.ts'
import { type AnchorLookup, type AnchorSet, lookupAnchors } from './anchors.ts'
import { type Conclusion, conclude, meetsFor, namesOf } from './conclude.ts'
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
  /** Output commitments of outputs for which accepted leaves, and accepted demands, are enough by themselves. */
  readonly covers: readonly Commitment[]
  readonly leaves: readonly LeafVerdict[]
  /** Of `require`; empty without it. */
  readonly demands: readonly DemandVerdict[]
  /** All of the receipt's evidence, also what no leaf asks for. */
  readonly evidence: readonly EvidenceVerdict[]
  readonly settlements: readonly SettlementVerdict[]
} & Conclusion

/** Judges a parsed receipt. Throws only for an aborted signal, a bad `require` or a verifier that breaks its contract. */
export async function verifyReceipt(receipt: Receipt, options: VerifyReceiptOptions): Promise<ReceiptVerdict> {
  options.signal?.throwIfAborted()
  const demand = options.require === undefined ? undefined : readDemand(options.require)
  const checked = checkStructure(receipt, claimDigest(receipt.signed.claim))
  const checks = checked.map(({ code: _, ...check }): Check => check)
  const failed = checked.find((c) => c.outcome === 'fail')
  if (failed !== undefined) {
    const nothing = { assumptions: [], covers: [], leaves: [], demands: [], evidence: [] }
    // No chain is asked about a receipt that contradicts itself.
    const settlements = receipt.settlements.map((settlement) => ({
      settlement,
      status: 'undetermined: chain' as const,
    }))
    return { status: 'rejected', code: failed.code, checks, settlements, ...nothing }
  }
  const settlements = await judgeSettlements(receipt, options)
  const judge = judging(receipt, options)
  const judged: (LeafVerdict & Found)[] = []
  for (const [i, leaf] of leaves(receipt.requirement).entries()) {
    const found = await ofTier(receipt, options, judge, leaf, receipt.policies[i]?.offchain ?? null)
    judged.push(...found.map((f) => ({ leaf, ...f })))
  }
  const demands: (DemandVerdict & Found & { readonly leaf: Leaf })[] = []
  for (const { leaf, policy } of demand?.leaves ?? []) {
    const found = await ofTier(receipt, options, judge, leaf, policy)
    demands.push(...found.map((f) => ({ leaf, tier: leaf.tier, policy, ...f })))
  }
  const evidence: EvidenceVerdict[] = []
  for (const [index, { kind }] of receipt.evidence.entries()) {
    const own = judged.filter((j) => j.index === index)
    evidence.push(...own.map(({ leaf, verdict }) => ({ index, kind, leaf, verdict })))
    if (own.length === 0)
      evidence.push({ index, kind, leaf: undefined, verdict: (await judge(index, null, '')) ?? open('plugin') })
  }
  const accepted = [...judged, ...demands].map((j) => j.verdict).filter((v) => v.status === 'accepted')
  const agreedFor = meetsFor(receipt.requirement, judged)
  const demandedFor = demand === undefined ? () => true : meetsFor(demand.requirement, demands)
  const specs = new Set(receipt.signed.outputs.flatMap(namesOf))
  const covered = new Set([...specs].filter((spec) => agreedFor(spec) && demandedFor(spec)))
  const isCovered = (c: Commitment): boolean =>
    namesOf(c).every((spec) => covered.has(spec)) && accepted.some((v) => v.covers.some((d) => sameCommitment(c, d)))
  const common = {
    checks,
    assumptions: [...new Set(accepted.flatMap((v) => v.assumptions))],
    covers: receipt.signed.outputs.filter(isCovered),
    leaves: judged.map(({ leaf, kind, verdict }) => ({ leaf, kind, verdict })),
    demands: demands.map(({ tier, policy, kind, verdict }) => ({ tier, policy, kind, verdict })),
    evidence,
    settlements,
  }
  if (settlements.some((s) => s.status === 'refuted'))
    return { ...common, status: 'rejected', code: 'VS_CORE_SETTLEMENT_REFUTED' }
  const agreed = conclude(receipt.requirement, judged)
  if (agreed.status === 'rejected' || demand === undefined) return { ...common, ...covering(receipt, covered, agreed) }
  const demanded = conclude(demand.requirement, demands)
  if (demanded.status === 'rejected') return { ...common, status: 'rejected', code: 'VS_CORE_EVIDENCE_REFUSED' }
  // The weaker of the two: what is open stays open, and pending only what nothing else keeps from being accepted.
  const weaker =
    [agreed, demanded].find((c) => c.status === 'undetermined') ??
    [agreed, demanded].find((c) => c.status === 'pending')
  return { ...common, ...covering(receipt, covered, weaker ?? agreed) }
}

/** Accepted says of every output in the receipt that it may be relied on. */
function covering(receipt: Receipt, covered: ReadonlySet<string>, conclusion: Conclusion): Conclusion {
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

/** The verdict on one piece of evidence under a policy, known by its digest; undefined where no verifier here knows its kind. */
type Judge = (index: number, policy: Json, digest: string) => Promise<Verdict | undefined>

async function ofTier(
  { evidence }: Receipt,
  { verifiers }: VerifyReceiptOptions,
  judge: Judge,
  leaf: Leaf,
  policy: Json,
): Promise<readonly Found[]> {
  const found: Found[] = []
  let unknown: EvidenceKind | undefined
  for (const [index, { kind }] of evidence.entries()) {
    const verifier = verifiers.find((v) => v.kind === kind)
    if (verifier === undefined) unknown ??= kind
    const verdict = verifier?.tier === leaf.tier ? await judge(index, policy, leaf.policy) : undefined
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
    once: rememberer(),
  }
  return async (index, policy, digest) => {
    const evidence = receipt.evidence[index]
    const verifier = o.verifiers.find((v) => v.kind === evidence?.kind)
    if (evidence === undefined || verifier === undefined) return undefined
    const key = `${index} ${digest}`
    const before = known.get(key)
    if (before !== undefined) return before
    // Whoever wants to stop this has a chance to, between two pieces of evidence.
    await turn()
    o.signal?.throwIfAborted()
    const verdict = verifier.verify(subject, evidence, { ...context, policy })
    known.set(key, verdict)
    return verdict
  }
}

/** What a verifier did once for an object of this verification, by the verifier's own name for it. */
function rememberer(): NonNullable<VerifyContext['once']> {
  const done = new WeakMap<object, Map<string, unknown>>()
  return <T>(name: string, of: object, make: () => T): T => {
    const own = done.get(of) ?? new Map<string, unknown>()
    done.set(of, own)
    if (!own.has(name)) own.set(name, make())
    return own.get(name) as T
  }
}

/** Lets timers and signals in; where there are no timers there is nobody to wait for. */
const turn = (): Promise<void> =>
  new Promise((done) => {
    if (typeof setTimeout === 'function') setTimeout(done, 0)
    else done()
  })

async function judgeSettlements(receipt: Receipt, o: VerifyReceiptOptions): Promise<readonly SettlementVerdict[]> {
  const judged: SettlementVerdict[] = []
  for (const settlement of receipt.settlements) {
    o.signal?.throwIfAborted()
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
