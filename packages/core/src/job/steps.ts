import {
  type Commitment,
  claimDigest,
  commitmentsDigest,
  type Digest,
  jsonDigest,
  policyDigest,
  type Request,
  recoverSigner,
  type SignedClaim,
  type Signer,
} from '../claim/index.ts'
import { fail } from '../errors/index.ts'
import type {
  Call,
  EscrowJob,
  Execution,
  Executor,
  Host,
  OnChain,
  PlannedCommitment,
  Program,
} from '../plugin/roles.ts'
import { lookupAnchors } from '../receipt/anchors.ts'
import { serialiseReceipt } from '../receipt/parse.ts'
import type { EvidenceKind } from '../receipt/verdict.ts'
import { commitTensors, publicPlan, saltsFor } from './commit.ts'
import type { Step } from './job.ts'
import type { Assignment, Journal, JudgedLeaf } from './journal.ts'
import { requireMet, trackState } from './outcome.ts'
import { assembleReceipt } from './receipt.ts'

export interface StepContext {
  readonly host: Host
  readonly journal: Journal
  /** Signs claims; `secret` makes the salts of output commitments. */
  readonly claimant: Signer
  readonly secret: Uint8Array
  /** Unix seconds. */
  readonly now: () => bigint
}

/** Runs one step on behalf of a node. Every step reads its input from the journal and may be repeated. */
export async function runStep(
  context: StepContext,
  node: Signer,
  step: Step,
  id: Request['id'],
  call: Call,
): Promise<void> {
  const assignment = await context.journal.expect(id, 'assignment')
  call.signal.throwIfAborted()
  switch (step.run) {
    case 'execute':
      return execute(context, node, step.slot, assignment, call)
    case 'claim':
      return claim(context, assignment, call)
    case 'prove':
      return prove(context, step.kind, assignment, call)
    case 'verify':
      return verify(context, step.kind, assignment, call)
    case 'escrow':
      return escrow(context, assignment, call)
    case 'settle':
      return settle(context, assignment, call)
  }
}

export function executorFor(host: Host, program: Program): Executor {
  const found = host.all('executor').find((e) => e.semantics.includes(program.semantics))
  if (found === undefined) {
    throw fail('VS_CORE_MISSING_ROLE', {
      message: `No executor runs ${program.semantics}`,
      details: { role: 'executor', semantics: program.semantics },
    })
  }
  return found
}

async function execute(
  { host, journal, claimant }: StepContext,
  node: Signer,
  slot: number,
  a: Assignment,
  call: Call,
): Promise<void> {
  const { id } = a.request
  if ((await journal.read(id, `execution/${slot}`)) === undefined) {
    for (const other of executionSlots(a)) {
      const ran = other === slot ? undefined : await journal.read(id, `execution/${other}`)
      if (ran?.executor === node.address) {
        throw fail('VS_CORE_NO_NODE', {
          message: 'The executions of a job are by distinct nodes',
          details: { step: `execute/${slot}`, node: node.address },
        })
      }
    }
    await journal.update(id, (job) => (job.execution === 'queued' ? { execution: 'running' } : undefined))
    const execution = await executorFor(host, a.program).execute(
      { request: a.request, node: node.address, claimant: claimant.address, program: a.program, inputs: a.inputs },
      call,
    )
    call.signal.throwIfAborted()
    await journal.once(id, `execution/${slot}`, execution)
  }
  if (slot === 0)
    await journal.update(id, (job) => (job.execution === 'claimed' ? undefined : { execution: 'executed' }))
}

const executionSlots = (a: Assignment): readonly number[] =>
  a.steps.flatMap((s) => (s.run === 'execute' ? [s.slot] : []))

async function executions(journal: Journal, a: Assignment): Promise<readonly [Execution, ...Execution[]]> {
  const [first, ...rest] = await Promise.all(
    executionSlots(a).map((slot) => journal.expect(a.request.id, `execution/${slot}`)),
  )
  if (first === undefined)
    throw fail('VS_CORE_UNKNOWN_JOB', { details: { request: a.request.id, record: 'execution/0' } })
  return [first, ...rest]
}

async function claim({ host, journal, claimant, secret }: StepContext, a: Assignment, call: Call): Promise<void> {
  const { id } = a.request
  if ((await journal.read(id, 'claimed')) === undefined) {
    const [execution] = await executions(journal, a)
    if (execution.signed === undefined) {
      const plan = outputPlan(a, execution)
      const salts = saltsFor(plan, execution.outputs, secret, id)
      const outputs = await commitTensors(host, a.program, plan, execution.outputs, salts)
      call.signal.throwIfAborted()
      await journal.once(id, 'claimed', { signed: await signClaim(claimant, a, outputs), salts })
    } else {
      await journal.once(id, 'claimed', { signed: checkSigned(execution.signed, a), salts: {} })
    }
  }
  await journal.update(id, () => ({ execution: 'claimed' }))
}

const outputPlan = (a: Assignment, execution: Execution): readonly PlannedCommitment[] =>
  a.commitmentPlan.outputs === 'raw' ? publicPlan(execution.outputs) : a.commitmentPlan.outputs

/** The claim of this request, but for who claims and what came out. */
const claimOf = ({ request }: Assignment) => ({
  request: request.id,
  program: request.program,
  inputs: request.inputs,
  requirement: request.requirement,
  chainId: request.chainId,
  contract: request.contract,
  expiresAt: request.expiresAt,
})

async function signClaim(claimant: Signer, a: Assignment, outputs: readonly Commitment[]): Promise<SignedClaim> {
  const claim = { ...claimOf(a), outputs: commitmentsDigest(outputs), claimant: claimant.address }
  return { claim, inputs: a.inputCommitments, outputs, signature: await claimant.sign(claimDigest(claim)) }
}

/** A claim that an executor made itself is taken only where it answers this request and is signed by its claimant. */
function checkSigned(signed: SignedClaim, a: Assignment): SignedClaim {
  const { claim } = signed
  const expected = { ...claimOf(a), outputs: commitmentsDigest(signed.outputs), claimant: claim.claimant }
  const digest: Digest = claimDigest(expected)
  const honest =
    claimDigest(claim) === digest &&
    commitmentsDigest(signed.inputs) === claim.inputs &&
    recoverSigner(digest, signed.signature) === claim.claimant
  if (!honest) {
    throw fail('VS_CORE_COMMITMENT_MISMATCH', {
      message: 'An executor returned a claim that is not of this request or not signed by its claimant',
      details: { request: a.request.id, claimant: claim.claimant },
    })
  }
  return signed
}

async function prove({ host, journal }: StepContext, kind: EvidenceKind, a: Assignment, call: Call): Promise<void> {
  const { id } = a.request
  if ((await journal.read(id, `evidence/${kind}`)) === undefined) {
    const prover = host.all('prover').find((p) => p.kind === kind)
    if (prover === undefined) throw fail('VS_CORE_UNKNOWN_TIER', { details: { kind } })
    await journal.update(id, (job) => ({ tracks: { ...job.tracks, [kind]: 'proving' } }))
    const [{ signed, salts }, artefacts, runs] = await Promise.all([
      journal.expect(id, 'claimed'),
      journal.read(a.program.id, `artefacts/${kind}`),
      executions(journal, a),
    ])
    if (prover.setup !== undefined && artefacts === undefined)
      throw fail('VS_CORE_NOT_PUBLISHED', { details: { program: a.program.id, kind } })
    const evidence = await prover.prove(
      {
        request: a.request,
        policies: policiesFor(kind, a),
        signed,
        program: a.program,
        inputs: a.inputs,
        executions: runs,
        salts: { ...a.inputSalts, ...salts },
        ...(artefacts === undefined ? {} : { artefacts }),
      },
      call,
    )
    call.signal.throwIfAborted()
    await journal.once(id, `evidence/${kind}`, evidence)
  }
  await journal.update(id, (job) => ({ tracks: { ...job.tracks, [kind]: 'proved' } }))
}

const policiesFor = (kind: EvidenceKind, a: Assignment) =>
  a.planned
    .filter((p) => p.kind === kind)
    .flatMap(({ leaf }) => a.policies.filter((p) => policyDigest(p) === leaf.policy))

async function verify(
  { host, journal, now }: StepContext,
  kind: EvidenceKind,
  a: Assignment,
  call: Call,
): Promise<void> {
  const { id } = a.request
  const evidence = await journal.read(id, `evidence/${kind}`)
  // Nothing was proved: the track says so already.
  if (evidence === undefined) return
  const verifier = host.all('verifier').find((v) => v.kind === kind)
  if (verifier === undefined) throw fail('VS_CORE_UNKNOWN_TIER', { details: { kind } })
  const [{ signed, salts }, [execution], artefacts] = await Promise.all([
    journal.expect(id, 'claimed'),
    executions(journal, a),
    journal.read(a.program.id, `artefacts/${kind}`),
  ])
  const anchors =
    artefacts === undefined ? [] : [{ program: a.program.id, kind, digest: artefacts.anchor, origin: artefacts.origin }]
  const [chain] = host.all('chain')
  const judged: JudgedLeaf[] = []
  for (const { leaf } of a.planned.filter((p) => p.kind === kind)) {
    const policy = a.policies.find((p) => policyDigest(p) === leaf.policy)
    const verdict = await verifier.verify({ signed, outputs: execution.outputs, salts }, evidence, {
      now: now(),
      policy: policy?.offchain ?? null,
      anchors: lookupAnchors({ version: 1, anchors }),
      blobs: host.use('blobs'),
      signal: call.signal,
      ...(chain === undefined ? {} : { chain }),
    })
    judged.push({ leaf, verdict })
  }
  await journal.write(id, `verdicts/${kind}`, judged)
  await journal.update(id, (job) => ({ tracks: { ...job.tracks, [kind]: trackState(judged) } }))
}

async function escrow({ host, journal }: StepContext, a: Assignment, call: Call): Promise<void> {
  const settlement = await host.use('settler').prepare(escrowJob(a), call)
  await journal.addSettlement(a.request.id, settlement)
  await journal.update(a.request.id, (job) =>
    job.settlement === 'none' ? { settlement: settlement.state } : undefined,
  )
}

async function settle({ host, journal }: StepContext, a: Assignment, call: Call): Promise<void> {
  const { id } = a.request
  // What is only pending may be submitted: the contract holds the money until it is final.
  await requireMet(journal, a, true)
  const receipt = await assembleReceipt(journal, id)
  // What can not be written down must not be paid for.
  serialiseReceipt(receipt)
  const onchain = new Map<EvidenceKind, OnChain>(host.all('onchain').map((o) => [o.kind, o]))
  const settlement = await host.use('settler').settle({ ...escrowJob(a), receipt, onchain }, call)
  await journal.addSettlement(id, settlement)
  await journal.update(id, () => ({ settlement: settlement.state }))
}

function escrowJob(a: Assignment): EscrowJob {
  if (a.settlementTerms === null) throw fail('VS_CORE_STAGE_NOT_PLANNED', { details: { stage: 'settled' } })
  return {
    request: a.request,
    requirement: a.requirement,
    policies: a.policies,
    application: jsonDigest(a.terms.application),
    terms: a.settlementTerms,
  }
}
