import {
  type Commitment,
  claimDigest,
  commitmentsDigest,
  jsonDigest,
  policyDigest,
  RAW_SCHEME,
  type Request,
  type SignedClaim,
  type Signer,
  type Tensor,
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
import type { EvidenceKind, Verdict } from '../receipt/verdict.ts'
import { commitTensors, saltsFor } from './commit.ts'
import { requireMet } from './handle.ts'
import type { Step } from './job.ts'
import type { Assignment, Journal } from './journal.ts'
import { assembleReceipt } from './receipt.ts'

export interface StepContext {
  readonly host: Host
  readonly journal: Journal
  /** Signs claims; `secret` makes the salts of output commitments. */
  readonly claimant: Signer
  readonly secret: Uint8Array
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
  if ((await journal.read(a.request.id, `execution/${slot}`)) !== undefined) return
  await journal.update(a.request.id, () => ({ execution: 'running' }))
  const execution = await executorFor(host, a.program).execute(
    { request: a.request, node: node.address, claimant: claimant.address, program: a.program, inputs: a.inputs },
    call,
  )
  call.signal.throwIfAborted()
  await journal.write(a.request.id, `execution/${slot}`, execution)
  if (slot === 0) await journal.update(a.request.id, () => ({ execution: 'executed' }))
}

async function executions(journal: Journal, a: Assignment): Promise<readonly [Execution, ...Execution[]]> {
  const slots = a.steps.flatMap((s) => (s.run === 'execute' ? [s.slot] : []))
  const [first, ...rest] = await Promise.all(slots.map((slot) => journal.expect(a.request.id, `execution/${slot}`)))
  if (first === undefined)
    throw fail('VS_CORE_UNKNOWN_JOB', { details: { request: a.request.id, record: 'execution/0' } })
  return [first, ...rest]
}

async function claim({ host, journal, claimant, secret }: StepContext, a: Assignment, call: Call): Promise<void> {
  const id = a.request.id
  if ((await journal.read(id, 'signed')) === undefined) {
    const [execution] = await executions(journal, a)
    if (execution.signed === undefined) {
      const plan = outputPlan(a, execution)
      const salts = saltsFor(plan, execution.outputs, secret, id)
      const outputs = await commitTensors(host, a.program, plan, execution.outputs, salts)
      await journal.write(id, 'salts', salts)
      call.signal.throwIfAborted()
      await journal.write(id, 'signed', await signClaim(claimant, a.request, a.inputCommitments, outputs))
    } else {
      await journal.write(id, 'salts', {})
      await journal.write(id, 'signed', execution.signed)
    }
  }
  await journal.update(id, () => ({ execution: 'claimed' }))
}

const outputPlan = (a: Assignment, execution: Execution): readonly PlannedCommitment[] =>
  a.commitmentPlan.outputs === 'raw'
    ? execution.outputs.map((t) => ({ tensors: [t.name], scheme: RAW_SCHEME, salted: false }))
    : a.commitmentPlan.outputs

async function signClaim(
  claimant: Signer,
  request: Request,
  inputs: readonly Commitment[],
  outputs: readonly Commitment[],
): Promise<SignedClaim> {
  const claim = {
    request: request.id,
    program: request.program,
    inputs: request.inputs,
    outputs: commitmentsDigest(outputs),
    requirement: request.requirement,
    claimant: claimant.address,
    chainId: request.chainId,
    contract: request.contract,
    expiresAt: request.expiresAt,
  }
  return { claim, inputs, outputs, signature: await claimant.sign(claimDigest(claim)) }
}

async function prove({ host, journal }: StepContext, kind: EvidenceKind, a: Assignment, call: Call): Promise<void> {
  const id = a.request.id
  if ((await journal.read(id, `evidence/${kind}`)) === undefined) {
    const prover = host.all('prover').find((p) => p.kind === kind)
    if (prover === undefined) throw fail('VS_CORE_UNKNOWN_TIER', { details: { kind } })
    await journal.update(id, (job) => ({ tracks: { ...job.tracks, [kind]: 'proving' } }))
    const [signed, salts, artefacts, runs] = await Promise.all([
      journal.expect(id, 'signed'),
      journal.expect(id, 'salts'),
      journal.read(a.program.id, `artefacts/${kind}`),
      executions(journal, a),
    ])
    if (prover.setup !== undefined && artefacts === undefined)
      throw fail('VS_CORE_NOT_PUBLISHED', { details: { program: a.program.id, kind } })
    const evidence = await prover.prove(
      {
        request: a.request,
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
    await journal.write(id, `evidence/${kind}`, evidence)
  }
  await journal.update(id, (job) => ({ tracks: { ...job.tracks, [kind]: 'proved' } }))
}

async function verify(
  { host, journal, now }: StepContext,
  kind: EvidenceKind,
  a: Assignment,
  call: Call,
): Promise<void> {
  const id = a.request.id
  const verifier = host.all('verifier').find((v) => v.kind === kind)
  if (verifier === undefined) throw fail('VS_CORE_UNKNOWN_TIER', { details: { kind } })
  const [signed, salts, evidence, [execution], artefacts] = await Promise.all([
    journal.expect(id, 'signed'),
    journal.expect(id, 'salts'),
    journal.expect(id, `evidence/${kind}`),
    executions(journal, a),
    journal.read(a.program.id, `artefacts/${kind}`),
  ])
  const anchors =
    artefacts === undefined ? [] : [{ program: a.program.id, kind, digest: artefacts.anchor, origin: artefacts.origin }]
  const leaf = a.planned.find((p) => p.kind === kind)?.leaf
  const policy = a.policies.find((p) => leaf !== undefined && policyDigest(p) === leaf.policy)
  const [chain] = host.all('chain')
  const verdict: Verdict = await verifier.verify({ signed, outputs: execution.outputs, salts }, evidence, {
    now: now(),
    policy: policy?.offchain ?? null,
    anchors: lookupAnchors({ version: 1, anchors }),
    blobs: host.use('blobs'),
    signal: call.signal,
    ...(chain === undefined ? {} : { chain }),
  })
  await journal.write(id, `verdict/${kind}`, verdict)
  await journal.update(id, (job) => ({ tracks: { ...job.tracks, [kind]: verdict.status } }))
}

async function escrow({ host, journal }: StepContext, a: Assignment, call: Call): Promise<void> {
  const settlement = await host.use('settler').prepare(escrowJob(a), call)
  await journal.write(a.request.id, 'settlements', [settlement])
}

async function settle({ host, journal }: StepContext, a: Assignment, call: Call): Promise<void> {
  const id = a.request.id
  // What is only pending may be submitted: the contract holds the money until it is final.
  await requireMet(journal, a, true)
  const receipt = await assembleReceipt(journal, id)
  const onchain = new Map<EvidenceKind, OnChain>(host.all('onchain').map((o) => [o.kind, o]))
  const settlement = await host.use('settler').settle({ ...escrowJob(a), receipt, onchain }, call)
  const before = (await journal.read(id, 'settlements')) ?? []
  await journal.write(id, 'settlements', [...before.filter((s) => s.ref !== settlement.ref), settlement])
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
