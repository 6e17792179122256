/**
 * `@veristack/verify-zkml/verify`: judges zkml evidence. Pure: no Node, no container, no proving library; runs in a browser.
 */
import {
  bigints,
  type Check,
  claimDigest,
  commitmentKey,
  commitmentsDigest,
  type ErrorCode,
  type Evidence,
  isIntegerType,
  isVeristackError,
  type Json,
  RAW_SCHEME,
  type SignedClaim,
  type Tensor,
  tensorSpec,
  type Verdict,
  type Verifier,
  type VerifyContext,
} from '@veristack/core/receipt'
import { POSEIDON_SCHEME, poseidonCommitment } from '@veristack/integer-model/commit'
import { anchorDigest, circuitId, type LayoutEntry, SEMANTICS } from './circuit/layout.ts'
import { listsMatch, publicSignals } from './circuit/public-signals.ts'
import { decodeEvidence, EVIDENCE_KIND, EVIDENCE_VERSION, type ParsedEvidence } from './evidence.ts'
import { refuseProof } from './groth16/verify.ts'

export {
  anchorDigest,
  type CircuitLayout,
  circuitId,
  decodeLayout,
  encodeLayout,
  type LayoutEntry,
  type LayoutTensor,
} from './circuit/layout.ts'
export { publicSignals } from './circuit/public-signals.ts'
export {
  decodeEvidence,
  EVIDENCE_KIND,
  EVIDENCE_VERSION,
  encodeEvidence,
  type ParsedEvidence,
  signalCount,
  type ZkmlEvidence,
} from './evidence.ts'
export type { Proof, VerifyingKey } from './groth16/backend.ts'
export {
  PROOF_BYTES,
  parseProof,
  parseVerifyingKey,
  proofBytes,
  verifyingKeyBytes,
  verifyingKeyLength,
} from './groth16/bytes.ts'
export { type ProofRefusal, refuseProof } from './groth16/verify.ts'

/** What a relying party takes for granted when it relies on an accepted verdict. */
const ASSUMPTIONS = [
  'Groth16 over BN254 is sound: about 100 bits of security',
  'Poseidon (circomlib parameters) and keccak256 are collision resistant',
]
const ORIGIN_ASSUMPTION = {
  development: 'whoever made the development key does not forge: one party knew its secrets',
  ceremony: 'one participant of the ceremony and one contributor to the key destroyed their secrets',
  none: 'whoever made the key does not forge: its origin is not known',
} as const

/** `policy` of a zkml leaf: nothing, or the least origin that the key must have. */
type PolicyDemand = 'development' | 'ceremony'

class Rejection {
  readonly code: ErrorCode
  constructor(code: ErrorCode) {
    this.code = code
  }
}

/** The verifier of `zkml/groth16-bn254`. */
export const zkmlVerifier = (): Verifier => ({
  kind: EVIDENCE_KIND,
  tier: 'zkml',
  verify: async (subject, evidence, context) => judge(subject, evidence, context),
})

type Subject = Parameters<Verifier['verify']>[0]

/** Cheap checks first; the pairing is last. */
function judge(subject: Subject, evidence: Evidence, context: VerifyContext): Verdict {
  const checks: Check[] = []
  const check = (name: string, ok: boolean, code: ErrorCode, detail?: string): void => {
    checks.push({ name, outcome: ok ? 'pass' : 'fail', ...(ok || detail === undefined ? {} : { detail }) })
    if (!ok) throw new Rejection(code)
  }
  const open = { checks, assumptions: [], covers: [] }
  try {
    const { signed } = subject
    const parsed = readEvidence(evidence, check)
    const once = context.once ?? ((_name, _of, make) => make())
    const bound = once(`${EVIDENCE_KIND} claim`, signed, () => bind(signed))
    const { digest } = bound
    check('evidence binds the claim', evidence.claim === digest, 'VS_ZKML_CLAIM_MISMATCH')
    check('input list opens the claim', bound.inputs, 'VS_ZKML_CLAIM_MISMATCH')
    check('output list opens the claim', bound.outputs, 'VS_ZKML_CLAIM_MISMATCH')
    check('lists are those of the circuit', listsMatch(parsed.layout, signed), 'VS_ZKML_LISTS_MISMATCH')
    const signals = publicSignals(parsed.layout, digest, signed)
    if (signals === undefined) {
      check('every value has one meaning', false, 'VS_ZKML_LISTS_MISMATCH', 'a commitment or output outside its range')
      return { ...open, status: 'rejected', code: 'VS_ZKML_LISTS_MISMATCH' }
    }
    const demand = readPolicy(context.policy)
    check(
      'policy is understood',
      demand !== 'unknown',
      'VS_ZKML_POLICY',
      'a zkml policy is {} or { "origin": "development" | "ceremony" }',
    )

    const anchors = context.anchors(signed.claim.program, EVIDENCE_KIND)
    if (anchors.length === 0) {
      checks.push({ name: 'anchor', outcome: 'skipped', detail: 'no anchor is pinned for this program' })
      return { ...open, status: 'undetermined', missing: 'anchor' }
    }
    const circuit = circuitId(signed.claim.program, parsed.layoutBytes, parsed.r1csHash)
    const own = anchorDigest(circuit, parsed.verifyingKey)
    const origins = new Set(anchors.filter((a) => a.digest === own).map((a) => a.origin))
    check('circuit and key are pinned ones', origins.size > 0, 'VS_ZKML_ANCHOR_MISMATCH')
    // A key that is pinned as several counts as the least of them.
    const met =
      demand === undefined ||
      (demand === 'ceremony' ? origins.size === 1 && origins.has('ceremony') : !origins.has('none'))
    check(
      'origin of the key',
      met,
      'VS_ZKML_POLICY',
      `the policy demands ${demand}, the pinned key is ${[...origins].join(' and ')}`,
    )
    checkOutputs(subject, parsed, check)
    const { key, proof } = parsed.points
    const refusal = once(`${EVIDENCE_KIND} proof`, evidence, () => refuseProof(key, signals, proof))
    check('proof', refusal === undefined, 'VS_ZKML_PROOF_INVALID', refusal)
    return {
      status: 'accepted',
      tier: 'zkml',
      checks,
      assumptions: [...ASSUMPTIONS, ...[...origins].map((origin) => ORIGIN_ASSUMPTION[origin])],
      covers: [...signed.inputs, ...signed.outputs],
    }
  } catch (error) {
    if (error instanceof Rejection) return { ...open, status: 'rejected', code: error.code }
    // Whatever else goes wrong was caused by data from outside that no parser above expected.
    checks.push({
      name: 'form',
      outcome: 'fail',
      detail: error instanceof Error ? (error.message.split('\n', 1)[0] ?? '') : 'unreadable',
    })
    return { ...open, status: 'rejected', code: 'VS_ZKML_MALFORMED' }
  }
}

type CheckThat = (name: string, ok: boolean, code: ErrorCode, detail?: string) => void

function readEvidence(evidence: Evidence, check: CheckThat): ParsedEvidence {
  check('kind', evidence.kind === EVIDENCE_KIND, 'VS_ZKML_MALFORMED', evidence.kind)
  check('version', evidence.version === EVIDENCE_VERSION, 'VS_ZKML_MALFORMED', String(evidence.version))
  check('no blobs', evidence.blobs.length === 0, 'VS_ZKML_MALFORMED')
  const parsed = decodeEvidence(evidence.payload)
  if (parsed === undefined) {
    check('payload', false, 'VS_ZKML_MALFORMED', 'not proof, layout, R1CS hash and verifying key')
    throw new Rejection('VS_ZKML_MALFORMED')
  }
  check('payload', true, 'VS_ZKML_MALFORMED')
  return parsed
}

/** Hashing the lists is most of the work beside the pairing. */
function bind({ claim, inputs, outputs }: SignedClaim) {
  return {
    digest: claimDigest(claim),
    inputs: commitmentsDigest(inputs) === claim.inputs,
    outputs: commitmentsDigest(outputs) === claim.outputs,
  }
}

function readPolicy(policy: Json): PolicyDemand | undefined | 'unknown' {
  if (policy === null) return undefined
  if (typeof policy !== 'object' || Array.isArray(policy)) return 'unknown'
  const entries = Object.entries(policy)
  if (entries.length === 0) return undefined
  const [[key, value] = ['', null]] = entries
  return entries.length === 1 && key === 'origin' && (value === 'development' || value === 'ceremony')
    ? value
    : 'unknown'
}

/** Outputs that are stated must open their commitments; an entry none of whose tensors is stated is left closed. */
function checkOutputs({ signed, outputs, salts }: Subject, { layout }: ParsedEvidence, check: CheckThat): void {
  const specs = outputs.map(tensorSpec)
  const known = new Set(layout.outputs.flatMap((e) => e.tensor.split(',')))
  const foreign = specs.find((spec, i) => !known.has(spec) || specs.indexOf(spec) !== i)
  check('outputs are those of the claim', foreign === undefined, 'VS_ZKML_OUTPUT_MISMATCH', foreign)
  for (const [i, entry] of layout.outputs.entries()) {
    const stated = entry.tensor.split(',').map((spec) => outputs[specs.indexOf(spec)])
    const present = stated.filter((t): t is Tensor => t !== undefined)
    if (present.length === 0) continue
    const value = signed.outputs[i]?.value
    const opens =
      present.length === stated.length && opened(entry, present, salts[commitmentKey(entry)], signed) === value
    check(`output ${entry.tensor}`, opens, 'VS_ZKML_OUTPUT_MISMATCH')
  }
}

/** The commitment of the tensors in the entry's scheme, or undefined where they have none. */
function opened(
  entry: LayoutEntry,
  tensors: readonly Tensor[],
  salt: `0x${string}` | undefined,
  signed: SignedClaim,
): string | undefined {
  if (!tensors.every((t) => isIntegerType(t.type)) || (salt !== undefined) !== entry.salted) return undefined
  const values = tensors.flatMap((t) => bigints(t))
  if (values.length !== entry.count) return undefined
  if (entry.scheme === RAW_SCHEME)
    return `0x${values.map((v) => BigInt.asUintN(256, v).toString(16).padStart(64, '0')).join('')}`
  if (entry.scheme !== POSEIDON_SCHEME) return undefined
  const { count, width, signed: twosComplement } = entry
  try {
    return poseidonCommitment({
      programId: signed.claim.program,
      count,
      width,
      signed: twosComplement,
      values,
      ...(salt === undefined ? {} : { salt }),
    })
  } catch (error) {
    // A value or salt outside its range opens nothing.
    if (isVeristackError(error, 'VS_MODEL_INVALID_COMMITMENT')) return undefined
    throw error
  }
}

export { SEMANTICS }

/** What the command line takes from this package: see the `veristack` field of its package.json. */
export const verifiers: readonly Verifier[] = [zkmlVerifier()]
