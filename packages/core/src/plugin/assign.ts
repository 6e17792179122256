import { randomBytes } from '@noble/hashes/utils.js'
import {
  type Address,
  commitmentsDigest,
  type Digest,
  fromHex,
  keccak,
  keccakText,
  makeRequest,
  requirementDigest,
  type Signer,
  type Tensor,
  termsDigest,
  toHex,
  ZERO_ADDRESS,
  ZERO_DIGEST,
} from '../claim/index.ts'
import { fail } from '../errors/index.ts'
import { commitTensors, publicPlan, saltsFor } from '../job/commit.ts'
import type { Assignment } from '../job/journal.ts'
import { planSteps } from '../job/plan.ts'
import { executorFor } from '../job/steps.ts'
import { checkPlainData } from '../receipt/wire/json-text.ts'
import { resolveRequire } from './require.ts'
import type { Artefacts, Call, CommitmentPlan, Host, Program, Prover } from './roles.ts'
import type { InferOptions } from './stack.ts'

export interface AssignContext {
  readonly host: Host
  readonly artefactsOf: (prover: Prover) => Promise<Artefacts | undefined>
  readonly secret: Uint8Array
  /** Unix seconds. */
  readonly now: bigint
  readonly claimant: Address
}

const DEFAULT_LIFETIME_SECONDS = 3600n

/** Everything about a job that is fixed before it runs: the request, what it commits to, and the steps. */
export async function assign(context: AssignContext, o: InferOptions, call: Call): Promise<Assignment> {
  const { host, secret } = context
  const [settler] = o.settlement === false ? [] : host.all('settler')
  const inputs = await executorFor(host, o.program).prepare(o.program, o.inputs, call)
  const inputShapes = Object.fromEntries(inputs.map((t) => [t.name, t.shape]))
  const resolved = await resolveRequire({ ...context, program: o.program, inputShapes, settler }, o.require, call)
  const commitmentPlan = await agreeOnCommitments(o.program, resolved.provers, inputs)
  const nonce = toHex(randomBytes(32))
  const inputSalts = saltsFor(commitmentPlan.inputs, inputs, secret, nonce)
  const inputCommitments = await commitTensors(host, o.program, commitmentPlan.inputs, inputs, inputSalts)
  // A tier without a contract is judged by whoever reads the receipt; there is nothing to settle by.
  const settled = settler !== undefined && resolved.policies.every((p) => p.verifier !== ZERO_ADDRESS)
  const settlementTerms = settled
    ? settler.terms(o.settlement === undefined || o.settlement === false ? {} : o.settlement)
    : null
  checkPlainData(o.application ?? {}, 'application', 32)
  const terms = { application: o.application ?? {}, settlement: settlementTerms?.digest ?? ZERO_DIGEST }
  const request = makeRequest({
    program: o.program.id,
    inputs: commitmentsDigest(inputCommitments),
    requirement: requirementDigest(resolved.requirement),
    terms: termsDigest(terms),
    payer: settled ? settler.payer : context.claimant,
    priceWei: o.priceWei ?? 0n,
    nonce,
    chainId: settled ? settler.chainId : 0n,
    contract: settled ? settler.contract : ZERO_ADDRESS,
    expiresAt: context.now + (o.lifetimeSeconds ?? DEFAULT_LIFETIME_SECONDS),
  })
  const executions = Math.max(1, ...resolved.provers.map((p) => p.executions))
  return {
    request,
    requirement: resolved.requirement,
    policies: resolved.policies,
    terms,
    settlementTerms,
    program: o.program,
    inputs,
    commitmentPlan,
    inputCommitments,
    inputSalts,
    planned: resolved.planned,
    steps: planSteps(resolved.planned, executions, settled),
  }
}

/** Provers that need particular commitments must need the same ones: a claim has one list each of inputs and outputs. */
export async function agreeOnCommitments(
  program: Program,
  provers: readonly Prover[],
  inputs: readonly Tensor[],
): Promise<CommitmentPlan> {
  const wanted: { readonly kind: string; readonly plan: CommitmentPlan }[] = []
  for (const prover of provers) {
    if (prover.commitments !== undefined) wanted.push({ kind: prover.kind, plan: await prover.commitments(program) })
  }
  const [first, ...rest] = wanted
  if (first === undefined) return { inputs: publicPlan(inputs), outputs: 'raw' }
  const other = rest.find((w) => JSON.stringify(w.plan) !== JSON.stringify(first.plan))
  if (other !== undefined) {
    throw fail('VS_CORE_REQUIREMENT_INVALID', {
      message: 'Two tiers of the requirement need different commitments, so no claim can serve both',
      details: { field: 'require', [first.kind]: JSON.stringify(first.plan), [other.kind]: JSON.stringify(other.plan) },
    })
  }
  return first.plan
}

const SECRET_DOMAIN = toHex(keccakText('veristack/salt-secret/v1')) as Digest

/** A secret that lasts as long as the claimant's key, for signers that sign deterministically (RFC 6979). */
export const secretOf = async (signer: Signer): Promise<Uint8Array> => keccak(fromHex(await signer.sign(SECRET_DOMAIN)))
