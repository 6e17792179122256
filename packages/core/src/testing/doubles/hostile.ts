// Each passes every check of its suite but one. A suite that lets one of them through does not guard what it is for.
import { numbers, type RequestId, tensor } from '../../claim/index.ts'
import { fail } from '../../errors/index.ts'
import type { Executor, Prover, Scheduler, Settler } from '../../plugin/roles.ts'
import type { Verifier } from '../../receipt/verdict.ts'
import type { SettlerUnderTest } from '../settler.ts'
import { fakeExecutor } from './fake-executor.ts'
import { FAKE_KIND, fakeAnchor, fakeProver, fakeVerifier, holds } from './fake-tier.ts'

/** Looks at the form of the evidence, its labels and its checksum, and accepts, whoever made it. */
export function acceptsEverything(): Verifier {
  const honest = fakeVerifier()
  return {
    ...honest,
    verify: async (subject, evidence, context) => {
      const verdict = await honest.verify(subject, evidence, context)
      const failed = verdict.checks.filter((c) => c.outcome === 'fail').map((c) => c.name)
      const { program } = subject.signed.claim
      // The anchor is looked at, but never compared with who signed.
      const pinned = context.anchors(program, FAKE_KIND).some((a) => a.digest === fakeAnchor(program))
      if (failed.join() !== 'notary' || !pinned) return verdict
      const checks = verdict.checks.map((c) => ({ ...c, outcome: 'pass' as const }))
      return { status: 'accepted', tier: honest.tier, checks, assumptions: [], covers: subject.signed.outputs }
    },
  }
}

/** Runs another model, deterministically and with good manners. */
export const anotherModelsOutput = (): Executor =>
  fakeExecutor({
    compute: (inputs) =>
      inputs.map((t) =>
        tensor(
          'y',
          'int32',
          t.shape,
          numbers(t).map((v) => 2 * v + 2),
        ),
      ),
  })

/** Looks at the first commitment of the list only: the others may hold another output. */
export function twoOutputsUnderTwoCommitments(): Prover {
  const honest = fakeProver()
  return {
    ...honest,
    prove: async (job, call) => {
      const [first] = job.signed.outputs
      if (first === undefined || !job.executions.every((e) => holds(first, e.outputs, job.salts) === true)) {
        throw fail('VS_CORE_COMMITMENT_MISMATCH')
      }
      return honest.prove({ ...job, signed: { ...job.signed, outputs: [first] } }, call)
    },
  }
}

/** Answers a repeated settlement with the first one's transaction, and credits the claimant again. */
export function paysTwice(honest: SettlerUnderTest): SettlerUnderTest {
  const settled = new Set<RequestId>()
  let extra = 0n
  const settler: Settler = {
    ...honest.settler,
    settle: async (job, call) => {
      const settlement = await honest.settler.settle(job, call)
      if (settled.has(job.request.id)) extra += job.request.priceWei
      settled.add(job.request.id)
      return settlement
    },
  }
  return { settler, taken: honest.taken, credited: async (account) => (await honest.credited(account)) + extra }
}

/** Accepts every job, and forgets the thirteenth. */
export function losesAJob(honest: Scheduler): Scheduler {
  const seen = new Set<RequestId>()
  return {
    ...honest,
    submit: async (request, steps, needs) => {
      seen.add(request.id)
      return seen.size === 13 ? { accepted: true } : honest.submit(request, steps, needs)
    },
  }
}
