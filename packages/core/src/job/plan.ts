import { evaluateRequirement, type Leaf, type Requirement, sameLeaf, type Ternary } from '../claim/index.ts'
import type { EvidenceKind } from '../receipt/verdict.ts'
import type { Step } from './job.ts'

/** Which kind of evidence answers which leaf. */
export interface PlannedLeaf {
  readonly leaf: Leaf
  readonly kind: EvidenceKind
}

export const stepName = (step: Step): string =>
  'slot' in step ? `execute/${step.slot}` : 'kind' in step ? `${step.run}/${step.kind}` : step.run

/** All steps of a job: enough executions for the most demanding prover, one proof and one verification per kind. */
export function planSteps(planned: readonly PlannedLeaf[], executions: number, settled: boolean): readonly Step[] {
  const kinds = [...new Set(planned.map((p) => p.kind))]
  return [
    ...(settled ? [{ run: 'escrow' } as const] : []),
    ...Array.from({ length: executions }, (_, slot) => ({ run: 'execute', slot }) as const),
    { run: 'claim' },
    ...kinds.flatMap((kind) => [{ run: 'prove', kind } as const, { run: 'verify', kind } as const]),
    ...(settled ? [{ run: 'settle' } as const] : []),
  ]
}

/** The steps that must have ended before this one begins, out of those that the job has. */
export function dependencies(step: Step, all: readonly Step[]): readonly Step[] {
  switch (step.run) {
    case 'escrow':
    case 'execute':
      return []
    case 'claim':
      return all.filter((s) => s.run === 'execute')
    case 'prove':
      return all.filter((s) => s.run === 'claim')
    case 'verify':
      return all.filter((s) => s.run === 'claim' || (s.run === 'prove' && s.kind === step.kind))
    case 'settle':
      return all.filter((s) => s.run === 'escrow' || s.run === 'claim' || s.run === 'verify')
  }
}

/**
 * The steps that are not on record as done. Executions, proofs and the escrow are; the others are cheap and change nothing
 * when they are repeated, so a process that died between a record and the job's state does no harm.
 */
export async function remaining(
  all: readonly Step[],
  read: (name: `execution/${number}` | `evidence/${EvidenceKind}` | 'settlement/0') => Promise<unknown>,
): Promise<readonly Step[]> {
  const left: Step[] = []
  for (const step of all) {
    const name =
      step.run === 'execute'
        ? (`execution/${step.slot}` as const)
        : step.run === 'prove'
          ? (`evidence/${step.kind}` as const)
          : step.run === 'escrow'
            ? ('settlement/0' as const)
            : undefined
    if (name === undefined || (await read(name)) === undefined) left.push(step)
  }
  return left
}

/** The requirement's value, given what was found of each leaf for each kind that may answer it. */
export function evaluatePlanned(
  requirement: Requirement,
  planned: readonly PlannedLeaf[],
  value: (leaf: PlannedLeaf) => Ternary,
): Ternary {
  return evaluateRequirement(requirement, (leaf) => {
    const values = planned.filter((p) => sameLeaf(p.leaf, leaf)).map(value)
    if (values.includes('true')) return 'true'
    return values.length === 0 || values.includes('unknown') ? 'unknown' : 'false'
  })
}
