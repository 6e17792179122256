// The pure half: what a relying party runs. No keys, no network, no clock.
import { type Check, claimDigest, recoverSigner, type Verdict, type Verifier } from '@veristack/core/receipt'
import { decodeEvidence, KIND, quorumAnchor, statement, VERSION } from './evidence.js'

export const quorumVerifier: Verifier = {
  kind: KIND,
  tier: KIND,
  async verify({ signed }, evidence, { anchors }): Promise<Verdict> {
    const checks: Check[] = []
    const rejected = (name: string): Verdict => ({
      status: 'rejected',
      code: 'VS_ACME_QUORUM_REJECTED',
      checks: [...checks, { name, outcome: 'fail' }],
      assumptions: [],
      covers: [],
    })
    const pass = (name: string): void => void checks.push({ name, outcome: 'pass' })

    const digest = claimDigest(signed.claim)
    if (evidence.kind !== KIND || evidence.version !== VERSION || evidence.blobs.length > 0)
      return rejected('kind and version')
    if (evidence.claim !== digest) return rejected('bound to this claim')
    const decoded = decodeEvidence(evidence.payload)
    if (decoded === undefined) return rejected('form')
    pass('form')

    const anchor = anchors(signed.claim.program, KIND)
    if (anchor === undefined) return { status: 'undetermined', missing: 'anchor', checks, assumptions: [], covers: [] }
    if (quorumAnchor(decoded.quorum) !== anchor.digest) return rejected('pinned membership')
    pass('pinned membership')

    const signers = decoded.signatures.map((s) => recoverSigner(statement(digest), s))
    const places = signers.map((s) => decoded.quorum.members.findIndex((m) => m === s))
    // Ascending places: every signer is a member and none counts twice.
    if (places.some((p, i) => p < 0 || (i > 0 && p <= (places[i - 1] ?? p))))
      return rejected('signatures of distinct members')
    if (places.length < decoded.quorum.threshold) return rejected('threshold')
    pass(`${places.length} of ${decoded.quorum.members.length} members, ${decoded.quorum.threshold} needed`)

    return {
      status: 'accepted',
      tier: KIND,
      checks,
      assumptions: [`of ${decoded.quorum.members.length} members, fewer than ${decoded.quorum.threshold} lie together`],
      covers: [...signed.inputs, ...signed.outputs],
    }
  },
}

export const verifiers: readonly Verifier[] = [quorumVerifier]
