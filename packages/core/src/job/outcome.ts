import type { Ternary } from '../claim/index.ts'
import { sameLeaf } from '../claim/index.ts'
import { fail } from '../errors/index.ts'
import type { EvidenceKind, Verdict } from '../receipt/verdict.ts'
import type { Job } from './job.ts'
import type { Assignment, Journal, JudgedLeaf } from './journal.ts'
import { evaluatePlanned } from './plan.ts'

export const plannedKinds = (a: Assignment): readonly EvidenceKind[] => [...new Set(a.planned.map((p) => p.kind))]

/** Throws `VS_CORE_EVIDENCE_REFUSED` unless the verdicts in the journal meet the requirement. */
export async function requireMet(journal: Journal, a: Assignment, alsoPending = false): Promise<void> {
  const verdicts = new Map<EvidenceKind, readonly JudgedLeaf[]>()
  for (const kind of plannedKinds(a)) verdicts.set(kind, (await journal.read(a.request.id, `verdicts/${kind}`)) ?? [])
  const value = evaluatePlanned(a.requirement, a.planned, ({ leaf, kind }) => {
    const status = verdicts.get(kind)?.find((j) => sameLeaf(j.leaf, leaf))?.verdict.status
    return status === 'accepted' || (alsoPending && status === 'pending') ? 'true' : 'false'
  })
  if (value === 'true') return
  const found = [...verdicts].map(([kind, judged]) => [
    kind,
    judged.map((j) => statusLine(j.verdict)).join(', ') || 'no verdict',
  ])
  throw fail('VS_CORE_EVIDENCE_REFUSED', {
    message: 'The verdicts do not meet the requirement',
    details: { request: a.request.id, ...Object.fromEntries(found) },
  })
}

const statusLine = (v: Verdict): string => (v.status === 'rejected' ? `rejected: ${v.code}` : v.status)

/** Whether the requirement can still be met when tracks have failed or been rejected. */
export const canStillBeMet = (a: Assignment, tracks: Job['tracks']): boolean =>
  evaluatePlanned(a.requirement, a.planned, ({ kind }): Ternary => {
    const state = tracks[kind]
    return state === 'failed' || state === 'rejected' ? 'false' : 'unknown'
  }) !== 'false'

/** A track with several leaves shows the least that was found. */
export function trackState(judged: readonly JudgedLeaf[]): Verdict['status'] {
  const found = new Set(judged.map((j) => j.verdict.status))
  for (const status of ['rejected', 'undetermined', 'pending'] as const) if (found.has(status)) return status
  return 'accepted'
}
