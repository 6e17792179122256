import type { Address, Request } from '../claim/index.ts'
import type { Step } from '../job/job.ts'
import type { JobNeeds, NodeOffer } from '../plugin/roles.ts'

export interface Exclusion {
  readonly node: string
  readonly reasons: readonly string[]
  /** True where the node is only busy: it may take the step later. */
  readonly passing: boolean
}

export type Match =
  | { readonly node: NodeOffer; readonly excluded: readonly Exclusion[] }
  | { readonly node: undefined; readonly excluded: readonly Exclusion[] }

export interface Candidate {
  readonly offer: NodeOffer
  /** Whether a worker is attached and says that it can run the step. */
  readonly canRun: boolean
}

export interface MatchTerms {
  readonly step: Step
  readonly request: Request
  readonly needs: JobNeeds
  /** Nodes that ran another execution of this job: the executions of one job are by distinct nodes. */
  readonly taken: ReadonlySet<Address>
  /** Unix milliseconds, and how old an offer may be. */
  readonly now: bigint
  readonly maxAgeMs: bigint
}

/** Why this node can not take the step; empty where it can. */
function reasonsAgainst({ offer, canRun }: Candidate, t: MatchTerms): readonly string[] {
  const reasons: string[] = []
  if (t.step.run === 'execute') {
    if (!offer.semantics.includes(t.needs.semantics))
      reasons.push(`does not run ${t.needs.semantics}, only ${offer.semantics.join(', ') || 'nothing'}`)
    if (t.taken.has(offer.address)) reasons.push('already runs another execution of this job')
  }
  if ((t.step.run === 'prove' || t.step.run === 'verify') && !offer.kinds.includes(t.step.kind)) {
    reasons.push(`does not offer ${t.step.kind}, only ${offer.kinds.join(', ') || 'nothing'}`)
  }
  if (offer.priceWei > t.request.priceWei)
    reasons.push(`asks ${offer.priceWei} wei, the request pays ${t.request.priceWei}`)
  if (isFull(offer)) reasons.push(`is full (load ${offer.load})`)
  if (t.now - offer.seenAt > t.maxAgeMs) reasons.push(`was last seen ${t.now - offer.seenAt} ms ago`)
  if (!canRun) reasons.push('has no worker here that can run the step')
  return reasons
}

const isFull = (offer: NodeOffer): boolean => !(offer.load < 1)

const compare = (a: NodeOffer, b: NodeOffer): number =>
  a.priceWei !== b.priceWei
    ? a.priceWei < b.priceWei
      ? -1
      : 1
    : a.load !== b.load
      ? a.load - b.load
      : a.id < b.id
        ? -1
        : a.id > b.id
          ? 1
          : 0

/** The cheapest able node; of equally cheap ones the least loaded, then the lowest id. The same answer every time. */
export function match(candidates: readonly Candidate[], terms: MatchTerms): Match {
  const judged = candidates.map((c) => ({ offer: c.offer, reasons: reasonsAgainst(c, terms) }))
  const excluded = judged
    .filter((j) => j.reasons.length > 0)
    .map((j) => ({ node: j.offer.id, reasons: j.reasons, passing: j.reasons.length === 1 && isFull(j.offer) }))
  const [node] = judged
    .filter((j) => j.reasons.length === 0)
    .map((j) => j.offer)
    .sort(compare)
  return { node, excluded: excluded.sort((a, b) => (a.node < b.node ? -1 : a.node > b.node ? 1 : 0)) }
}
