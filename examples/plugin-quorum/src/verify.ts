// The pure half: what a relying party runs. No keys, no network, no clock.
import {
  type Check,
  type Commitment,
  claimDigest,
  commitmentsDigest,
  type Json,
  opensPublic,
  recoverSigner,
  tensorSpec,
  type Verdict,
  type Verifier,
} from '@veristack/core/receipt'
import { decodeEvidence, KIND, quorumAnchor, statement, VERSION } from './evidence.js'

export const quorumVerifier: Verifier = {
  kind: KIND,
  tier: KIND,
  async verify({ signed, outputs }, evidence, { anchors, policy }): Promise<Verdict> {
    const checks: Check[] = []
    const rejected = (name: string): Verdict => ({
      status: 'rejected',
      code: 'VS_ACME_QUORUM_REJECTED',
      checks: [...checks, { name, outcome: 'fail' }],
      assumptions: [],
      covers: [],
    })
    const pass = (name: string): void => void checks.push({ name, outcome: 'pass' })

    const { claim } = signed
    const digest = claimDigest(claim)
    if (evidence.kind !== KIND || evidence.version !== VERSION || evidence.blobs.length > 0)
      return rejected('kind and version')
    if (evidence.claim !== digest) return rejected('bound to this claim')
    if (commitmentsDigest(signed.inputs) !== claim.inputs || commitmentsDigest(signed.outputs) !== claim.outputs)
      return rejected('lists that the claim hashes')
    // Outputs in the open can be checked here. Other schemes are for the tier that has them, and are not covered.
    const stated = new Map(outputs.map((t) => [tensorSpec(t), t]))
    const inTheOpen = signed.outputs.filter((c) => opensPublic(c, stated) !== undefined)
    const isStated = (c: Commitment): boolean => c.tensor.split(',').some((spec) => stated.has(spec))
    if (inTheOpen.some((c) => isStated(c) && opensPublic(c, stated) !== true)) return rejected('outputs in the open')
    const decoded = decodeEvidence(evidence.payload)
    if (decoded === undefined) return rejected('form')
    pass('form')
    const demanded = signaturesDemanded(policy)
    if (demanded === undefined) return rejected('a policy of {} or { "signatures": n }')

    const pinned = anchors(claim.program, KIND)
    if (pinned.length === 0) return { status: 'undetermined', missing: 'anchor', checks, assumptions: [], covers: [] }
    const { members, threshold } = decoded.quorum
    if (!pinned.some((a) => a.digest === quorumAnchor(decoded.quorum))) return rejected('pinned membership')
    pass('pinned membership')

    const signers = decoded.signatures.map((s) => recoverSigner(statement(digest), s))
    const places = signers.map((s) => (s === undefined ? -1 : members.indexOf(s)))
    // Ascending places: every signer is a member and none counts twice.
    if (places.some((p, i) => p < 0 || (i > 0 && p <= (places[i - 1] ?? p))))
      return rejected('signatures of distinct members')
    const needed = Math.max(threshold, demanded)
    if (places.length < needed) return rejected(`${places.length} signatures, ${needed} needed`)
    pass(`${places.length} of ${members.length} members, ${needed} needed`)

    return {
      status: 'accepted',
      tier: KIND,
      checks,
      assumptions: [`fewer than ${needed} of the ${members.length} members sign what they did not compute`],
      covers: [...signed.inputs, ...inTheOpen],
    }
  },
}

/** More signatures than the threshold, where the requirement asks for more. Undefined: a policy that nobody here knows. */
function signaturesDemanded(policy: Json): number | undefined {
  if (policy === null) return 0
  if (typeof policy !== 'object' || Array.isArray(policy)) return undefined
  const { signatures = 0, ...unknown } = policy as { readonly [key: string]: Json }
  const known = Object.keys(unknown).length === 0 && typeof signatures === 'number' && Number.isInteger(signatures)
  return known ? signatures : undefined
}

export const verifiers: readonly Verifier[] = [quorumVerifier]
