import {
  commitmentKey,
  commitmentsDigest,
  type Hex,
  leaves,
  policyDigest,
  type Request,
  type Requirement,
  requestId,
  requirementDigest,
  type Tensor,
  type Terms,
  tensorSpecs,
  termsDigest,
} from '../claim/index.ts'
import { fail, isVeristackError } from '../errors/index.ts'
import { commitTensors } from '../job/commit.ts'
import type { JobListener } from '../job/events.ts'
import type { Step } from '../job/job.ts'
import type { Assignment } from '../job/journal.ts'
import { type PlannedLeaf, planSteps } from '../job/plan.ts'
import { executorFor } from '../job/steps.ts'
import type { Settlement } from '../receipt/settlement.ts'
import { checkPlainData } from '../receipt/wire/json-text.ts'
import { type AssignContext, agreeOnCommitments } from './assign.ts'
import { beyondKinds, pin } from './require.ts'
import type { Call, EscrowJob, Program, Prover, Settler } from './roles.ts'

/** A request that somebody else made and paid for, with everything that opens its digests. */
export interface TakeOptions extends Pick<EscrowJob, 'request' | 'requirement' | 'policies'> {
  /** The settler's terms, as its `terms` gives them. */
  readonly settlement: EscrowJob['terms']
  /** Facts of the application that the request pins. */
  readonly application: Terms['application']
  readonly program: Program
  /** Real or integer tensors, as the executor's `prepare` takes them. */
  readonly inputs: readonly Tensor[]
  /** Of salted input commitments, by `commitmentKey`: whoever committed hands them over with the inputs. */
  readonly salts?: Readonly<Record<string, Hex>>
  /** The least to work for, in the unit of `request.priceWei`; default 0. */
  readonly minimumPriceWei?: bigint
  readonly onEvent?: JobListener
  /** Only these sorts of steps are run here; `resume` runs the rest, in this process or another one. */
  readonly steps?: readonly Step['run'][]
  readonly signal?: AbortSignal
}

const refuse = (field: string, expected: string, got: string, cause?: unknown) =>
  fail('VS_CORE_NOT_TAKEN', { details: { field, expected, got }, ...(cause === undefined ? {} : { cause }) })

function same(field: string, expected: string, got: string): void {
  if (expected !== got) throw refuse(field, expected, got)
}

/**
 * The assignment of a request that stands on chain, or `VS_CORE_NOT_TAKEN` with the field that stands in the way. Nothing
 * in it is taken on somebody's word: every digest is made anew, and each leaf must be decided by the very contract that this
 * stack would pin itself. A leaf of any other contract is refused also where the requirement could do without it: a
 * contract that accepts anything would let the payer have the answer for nothing.
 */
export async function takeUp(
  context: AssignContext,
  o: TakeOptions,
  call: Call,
): Promise<{ readonly assignment: Assignment; readonly escrowed: Settlement }> {
  const { host } = context
  const { request, requirement, policies, settlement } = o
  const [settler] = host.all('settler')
  if (settler === undefined) throw fail('VS_CORE_MISSING_ROLE', { details: { role: 'settler' } })

  checkPlainData(o.application, 'application', 32)
  const terms: Terms = { application: o.application, settlement: settlement.digest }
  checkRequest(request, o, terms, settler, context.now)
  const escrowed = await checkEscrowed(settler, request)

  const provers = await checkLeaves(context, o, settler, call)
  const inputs = await executorFor(host, o.program).prepare(o.program, o.inputs, call)
  const planned = await quoteLeaves(o, provers, inputs)
  const beyond = beyondKinds(requirement, planned)
  if (beyond !== undefined) throw refuse('requirement', beyond.expected, beyond.got)
  const commitmentPlan = await agreeOnCommitments(o.program, [...new Set(provers)], inputs)
  const inputSalts = saltsOf(commitmentPlan.inputs, inputs, o.salts ?? {})
  const inputCommitments = await commitTensors(host, o.program, commitmentPlan.inputs, inputs, inputSalts)
  same('inputs', request.inputs, commitmentsDigest(inputCommitments))

  const executions = Math.max(1, ...provers.map((p) => p.executions))
  const assignment: Assignment = {
    request,
    requirement,
    policies,
    terms,
    settlementTerms: settlement,
    program: o.program,
    inputs,
    commitmentPlan,
    inputCommitments,
    inputSalts,
    planned,
    // It is escrowed already: no step of this job pays.
    steps: planSteps(planned, executions, true).filter((s) => s.run !== 'escrow'),
  }
  return { assignment, escrowed }
}

function checkRequest(request: Request, o: TakeOptions, terms: Terms, settler: Settler, now: bigint): void {
  same('request.id', requestId(request), request.id)
  same('program', request.program, o.program.id)
  same('requirement', request.requirement, digestOf(o.requirement))
  same('settlement', settler.terms(o.settlement.preimage).digest, o.settlement.digest)
  same('terms', request.terms, termsDigest(terms))
  same('chainId', String(settler.chainId), String(request.chainId))
  same('contract', settler.contract, request.contract)
  if (request.expiresAt < now) throw refuse('expiresAt', `not before ${now}`, String(request.expiresAt))
  const least = o.minimumPriceWei ?? 0n
  if (request.priceWei < least) throw refuse('priceWei', `at least ${least}`, String(request.priceWei))
}

function digestOf(requirement: Requirement): string {
  try {
    return requirementDigest(requirement)
  } catch (cause) {
    if (!isVeristackError(cause)) throw cause
    throw refuse('requirement', 'one that can be met', cause.shortMessage, cause)
  }
}

async function checkEscrowed(settler: Settler, request: Request): Promise<Settlement> {
  const found = await settler.status(request.id)
  if (found?.state === 'submitted' || found?.state === 'pending') return found
  throw refuse('state', 'a request that is escrowed and open', found?.state ?? 'not on chain')
}

/** The prover of each leaf; its policy is the one that this stack would pin. */
async function checkLeaves(
  { host, artefactsOf }: AssignContext,
  o: TakeOptions,
  settler: Settler,
  call: Call,
): Promise<readonly Prover[]> {
  const wanted = leaves(o.requirement)
  if (wanted.length !== o.policies.length)
    throw refuse('policies', `one for each of ${wanted.length} leaves`, String(o.policies.length))
  const provers: Prover[] = []
  for (const [i, leaf] of wanted.entries()) {
    const field = `policies[${i}]`
    const policy = o.policies[i]
    if (policy === undefined || policy.tier !== leaf.tier) throw refuse(`${field}.tier`, leaf.tier, `${policy?.tier}`)
    same(field, leaf.policy, policyDigest(policy))
    const prover = host.all('prover').find((p) => p.tier === leaf.tier && p.semantics.includes(o.program.semantics))
    if (prover === undefined) throw refuse(`${field}.tier`, 'a tier that this stack proves', leaf.tier)
    const artefacts = await artefactsOf(prover)
    if (artefacts === undefined) throw refuse('program', `published for ${prover.kind}`, 'no artefacts')
    const own = await pin(host, settler, prover, artefacts, call)
    same(`${field}.verifier`, own.verifier, policy.verifier)
    same(`${field}.codeHash`, own.codeHash, policy.codeHash)
    same(`${field}.params`, own.params, policy.params)
    if (!host.all('onchain').some((a) => a.kind === prover.kind))
      throw refuse(`${field}.tier`, 'a tier with a contract', leaf.tier)
    provers.push(prover)
  }
  return provers
}

async function quoteLeaves(
  o: TakeOptions,
  provers: readonly Prover[],
  inputs: readonly Tensor[],
): Promise<readonly PlannedLeaf[]> {
  const inputShapes = Object.fromEntries(inputs.map((t) => [t.name, t.shape]))
  const planned: PlannedLeaf[] = []
  for (const [i, leaf] of leaves(o.requirement).entries()) {
    const [policy, prover] = [o.policies[i], provers[i]]
    if (policy === undefined || prover === undefined) continue
    const quote = await prover.quote({ program: o.program, leaf, policy, inputShapes })
    if (!quote.ok) throw refuse(`policies[${i}]`, 'one that the prover takes', quote.reasons.join('; '))
    planned.push({ leaf, kind: prover.kind })
  }
  return planned
}

/** Only the salts that the plan asks for; a salted entry without its salt can not be opened. */
function saltsOf(
  plan: readonly { readonly tensors: readonly string[]; readonly scheme: string; readonly salted: boolean }[],
  inputs: readonly Tensor[],
  given: Readonly<Record<string, Hex>>,
): Readonly<Record<string, Hex>> {
  const salts: Record<string, Hex> = {}
  for (const { tensors, scheme, salted } of plan) {
    if (!salted) continue
    const tensor = tensorSpecs(tensors.flatMap((name) => inputs.filter((t) => t.name === name)))
    const key = commitmentKey({ scheme, tensor })
    const salt = Object.hasOwn(given, key) ? given[key] : undefined
    // A salt is a secret: what is wrong with one is not shown.
    if (salt === undefined || !/^0x00[0-9a-f]{62}$/.test(salt))
      throw refuse('salts', `32 bytes below 2^248 for ${key}`, salt === undefined ? 'none' : 'another form')
    salts[key] = salt
  }
  return salts
}
