import type { RequestId } from '../claim/index.ts'
import type { Receipt } from '../receipt/receipt.ts'
import type { Journal } from './journal.ts'

/** The receipt as far as the job has come; it needs a claim. */
export async function assembleReceipt(journal: Journal, id: RequestId): Promise<Receipt> {
  const assignment = await journal.expect(id, 'assignment')
  const kinds = [...new Set(assignment.planned.map((p) => p.kind))]
  const [{ signed, salts }, execution, settlements, ...evidence] = await Promise.all([
    journal.expect(id, 'claimed'),
    journal.expect(id, 'execution/0'),
    journal.settlements(id),
    ...kinds.map((kind) => journal.read(id, `evidence/${kind}`)),
  ])
  return {
    version: 1,
    request: assignment.request,
    requirement: assignment.requirement,
    policies: assignment.policies,
    terms: assignment.terms,
    signed,
    outputs: execution.outputs,
    salts,
    evidence: evidence.filter((e) => e !== undefined),
    settlements,
  }
}
