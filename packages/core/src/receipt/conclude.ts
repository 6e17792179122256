import { type Commitment, isLeaf, type Leaf, type Requirement, requirementGroup, sameLeaf } from '../claim/index.ts'
import type { ErrorCode } from '../errors/base.ts'
import type { EvidenceKind, Missing, Verdict } from './verdict.ts'

export type Conclusion =
  | { readonly status: 'accepted' | 'pending' }
  | { readonly status: 'undetermined'; readonly missing: Missing }
  | { readonly status: 'rejected'; readonly code: ErrorCode }

/** A verdict for one leaf of a requirement. `kind` is absent where no evidence was found. */
export interface Judged {
  readonly leaf: Leaf
  readonly kind: EvidenceKind | undefined
  readonly verdict: Verdict
}

/** What the verdicts on its leaves make of a requirement. A leaf is satisfied by any of the evidence judged for it. */
export function conclude(requirement: Requirement, judged: readonly Judged[]): Conclusion {
  const met = (holds: (status: Verdict['status']) => boolean): boolean =>
    isMet(
      requirement,
      judged.filter((j) => holds(j.verdict.status)),
    )
  if (met((status) => status === 'accepted')) return { status: 'accepted' }
  const rejected = judged.map((j) => j.verdict).find((v) => v.status === 'rejected')
  if (!met((status) => status !== 'rejected'))
    return { status: 'rejected', code: rejected?.code ?? 'VS_CORE_EVIDENCE_REFUSED' }
  if (met((status) => status === 'accepted' || status === 'pending')) return { status: 'pending' }
  const undetermined = judged.map((j) => j.verdict).find((v) => v.status === 'undetermined')
  return { status: 'undetermined', missing: undetermined?.missing ?? 'blob' }
}

/** Answers whether accepted verdicts that speak of an output, `int32[1]:label`, meet the requirement by themselves. */
export function meetsFor(requirement: Requirement, judged: readonly Judged[]): (spec: string) => boolean {
  const spoken = new Map(judged.map(({ verdict }) => [verdict, new Set(verdict.covers.flatMap(namesOf))]))
  return (spec) =>
    isMet(
      requirement,
      judged.filter(({ verdict: v }) => v.status === 'accepted' && spoken.get(v)?.has(spec) === true),
    )
}

/** What holds for a leaf: evidence of this kind. */
type Held = Pick<Judged, 'leaf' | 'kind'>

/**
 * The innermost group that evidence of these kinds for every leaf could not meet, since one kind counts once; undefined
 * where there is none.
 */
export function groupBeyond(
  requirement: Requirement,
  planned: readonly Held[],
): Exclude<Requirement, Leaf> | undefined {
  if (isLeaf(requirement)) return undefined
  for (const inner of requirementGroup(requirement).of) {
    const found = groupBeyond(inner, planned)
    if (found !== undefined) return found
  }
  return isMet(requirement, planned) ? undefined : requirement
}

export const namesOf = (c: Commitment): readonly string[] => c.tensor.split(',')

/**
 * Under `atLeast`, evidence of one kind counts once: one proof that meets two policies, or is there twice in two forms, is
 * one reason to believe and not two. A group in a group takes every kind that it rests on. `all` counts nothing.
 */
function isMet(requirement: Requirement, held: readonly Held[]): boolean {
  const bits = new Map<string, number>()
  const bitOf = (name: string): number => {
    const bit = bits.get(name) ?? 2 ** bits.size
    bits.set(name, bit)
    return bit
  }
  /** The kinds, as sets of bits, by which a requirement can be met; none: it is not. */
  const ways = (r: Requirement): readonly number[] => {
    if (isLeaf(r)) {
      const own = held.filter((h) => sameLeaf(h.leaf, r))
      // What is still missing may be of any kind.
      return least(own.map(({ kind }) => bitOf(kind ?? `missing ${r.tier} ${r.policy}`)))
    }
    const { k, of } = requirementGroup(r)
    const each = of.map(ways)
    const counts = k > 1 && k < of.length
    let partial: readonly (readonly number[])[] = [[0], ...Array.from({ length: k }, () => [])]
    for (const own of each) {
      partial = partial.map((sets, count) => {
        const before = count === 0 ? [] : (partial[count - 1] ?? [])
        const joined = before.flatMap((a) => own.filter((b) => !counts || (a & b) === 0).map((b) => a | b))
        return least([...sets, ...joined])
      })
    }
    return partial[k] ?? []
  }
  return ways(requirement).length > 0
}

/** Without the sets that hold another one. */
function least(sets: readonly number[]): readonly number[] {
  const distinct = [...new Set(sets)]
  return distinct.filter((a) => !distinct.some((b) => b !== a && (a & b) === b))
}
