import { type Artefacts, claimDigest, type OnChain, toHex } from '@veristack/core'
import { quorumClaimVerifierBytecode } from './bindings/QuorumClaimVerifier.js'
import { fail } from './errors.js'
import { KIND, VERSION } from './evidence.js'

/**
 * The tier on a chain. The contract's one constructor argument is the anchor, so that its code says who may sign; it reads
 * the evidence's payload as it is.
 */
export const quorumOnChain: OnChain = {
  kind: KIND,
  proofSystem: 'acme-quorum',
  deployment: async ({ anchor }: Artefacts) => ({
    bytecode: quorumClaimVerifierBytecode,
    constructorArgs: anchor,
  }),
  params: () => '0x',
  encode: ({ claim }, _outputs, evidence) => {
    if (evidence.kind !== KIND || evidence.version !== VERSION || evidence.claim !== claimDigest(claim))
      throw fail('VS_ACME_QUORUM_EVIDENCE', { details: { kind: evidence.kind, version: evidence.version } })
    return toHex(evidence.payload)
  },
}
