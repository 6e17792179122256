import {
  checkRequirement,
  type Json,
  leaves,
  type Policy,
  policyDigest,
  type Require,
  type Requirement,
  requirementGroup,
  sameLeaf,
  type Tier,
  ZERO_ADDRESS,
  ZERO_DIGEST,
} from '../claim/index.ts'
import { fail } from '../errors/index.ts'
import type { PlannedLeaf } from '../job/plan.ts'
import { groupBeyond } from '../receipt/conclude.ts'
import type { Artefacts, Call, Host, Need, Program, Prover, Settler } from './roles.ts'

export interface Resolved {
  readonly requirement: Requirement
  readonly policies: readonly Policy[]
  readonly planned: readonly PlannedLeaf[]
  readonly provers: readonly Prover[]
}

/** What a relying party accepts unless it says otherwise: any key origin, any settings the tier's verifier allows. */
const NO_POLICY: Json = {}

export interface RequireContext {
  readonly host: Host
  readonly program: Program
  readonly inputShapes: Need['inputShapes']
  readonly artefactsOf: (prover: Prover) => Promise<Artefacts | undefined>
  /** Absent where the request is not to be settled; then nothing is pinned. */
  readonly settler: Settler | undefined
}

/** Turns what the caller asks for into data that request and claim can pin: each leaf's policy, and who proves it. */
export async function resolveRequire(context: RequireContext, require: Require, call: Call): Promise<Resolved> {
  const { host, program, artefactsOf, settler } = context
  const found = new Map<string, { readonly policy: Policy; readonly prover: Prover }>()

  const leaf = async (tier: Tier, offchain: Json): Promise<Requirement> => {
    const prover = host.all('prover').find((p) => p.tier === tier && p.semantics.includes(program.semantics))
    if (prover === undefined) {
      const known = host
        .all('prover')
        .map((p) => `${p.tier} (${p.semantics.join(', ')})`)
        .join('; ')
      throw fail('VS_CORE_UNKNOWN_TIER', {
        details: { tier, semantics: program.semantics, available: known || 'none' },
      })
    }
    const artefacts = await artefactsOf(prover)
    if (prover.setup !== undefined && artefacts === undefined) {
      throw fail('VS_CORE_NOT_PUBLISHED', { details: { program: program.id, kind: prover.kind } })
    }
    const policy: Policy = { tier, offchain, ...(await pin(host, settler, prover, artefacts, call)) }
    const digest = policyDigest(policy)
    const quote = await prover.quote({
      program,
      leaf: { tier, policy: digest },
      policy,
      inputShapes: context.inputShapes,
    })
    if (!quote.ok) {
      throw fail('VS_CORE_QUOTE_REFUSED', {
        details: { tier, kind: prover.kind, code: quote.code, reasons: quote.reasons.join('; ') },
      })
    }
    found.set(`${tier}/${digest}`, { policy, prover })
    return { tier, policy: digest }
  }

  const walk = async (r: Require): Promise<Requirement> => {
    if (typeof r === 'string') return leaf(r, NO_POLICY)
    if ('tier' in r) return leaf(r.tier, r.policy ?? NO_POLICY)
    if ('all' in r) return { all: await each(r.all) }
    if ('any' in r) return { any: await each(r.any) }
    return { atLeast: r.atLeast, of: await each(r.of) }
  }
  // One after the other: the same leaf twice must not deploy its verifier twice.
  const each = async (list: readonly Require[]): Promise<readonly Requirement[]> => {
    const out: Requirement[] = []
    for (const r of list) out.push(await walk(r))
    return out
  }

  const requirement = checkRequirement(await walk(require))
  const entries = leaves(requirement).flatMap((l) => {
    const entry = found.get(`${l.tier}/${l.policy}`)
    return entry === undefined ? [] : [{ leaf: l, ...entry }]
  })
  const planned = entries.map((e) => ({ leaf: e.leaf, kind: e.prover.kind }))
  const beyond = beyondKinds(requirement, planned)
  if (beyond !== undefined)
    throw fail('VS_CORE_REQUIREMENT_INVALID', {
      message: 'A group of the requirement asks for more kinds of evidence than serve it, and one kind counts once',
      details: { field: 'require', ...beyond },
    })
  return {
    requirement,
    policies: entries.map((e) => e.policy),
    planned,
    provers: [...new Set(entries.map((e) => e.prover))],
  }
}

/** What is wrong with a requirement that no receipt could meet: see `verifyReceipt`, which counts one kind once. */
export function beyondKinds(requirement: Requirement, planned: readonly PlannedLeaf[]) {
  const group = groupBeyond(requirement, planned)
  if (group === undefined) return undefined
  const own = leaves(group)
  const kinds = [...new Set(planned.filter((p) => own.some((l) => sameLeaf(l, p.leaf))).map((p) => p.kind))]
  const { k } = requirementGroup(group)
  return { expected: `evidence of more kinds for at least ${k} of a group`, got: kinds.join(', ') }
}

const OFF_CHAIN: Pick<Policy, 'verifier' | 'codeHash' | 'params'> = {
  verifier: ZERO_ADDRESS,
  codeHash: ZERO_DIGEST,
  params: '0x',
}

/** The contract that decides this leaf, or zeros where the stack settles nowhere or the tier has no contract. */
export async function pin(
  host: Host,
  settler: Settler | undefined,
  prover: Prover,
  artefacts: Artefacts | undefined,
  call: Call,
) {
  const onchain = host.all('onchain').find((o) => o.kind === prover.kind)
  if (settler === undefined || onchain === undefined || artefacts === undefined) return OFF_CHAIN
  return settler.pin(artefacts, onchain, call)
}
