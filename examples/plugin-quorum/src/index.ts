import {
  type Artefacts,
  claimDigest,
  commitmentsDigest,
  commitTensors,
  type Execution,
  type Hex,
  type Host,
  isVeristackError,
  type Plugin,
  type ProveJob,
  parseTensorSpecs,
  type Quote,
  type Signer,
} from '@veristack/core'
import { fail } from './errors.js'
import { encodeEvidence, KIND, type Quorum, quorumAnchor, statement, VERSION } from './evidence.js'
import { quorumOnChain } from './onchain.js'
import { quorumVerifier } from './verify.js'

export { KIND, type Quorum, quorumAnchor } from './evidence.js'
export { quorumOnChain } from './onchain.js'
export { quorumVerifier } from './verify.js'

// Members must get the same bits; floating point promises none.
const SEMANTICS = 'integer/v1'

export interface QuorumOptions {
  readonly threshold: number
  /** The nodes' own signers; the stack's `nodes` must have the same ones. */
  readonly members: readonly Signer[]
}

/** The tier `acme/quorum`: every member runs the program, and signs where its own outputs are what the claim states. */
export function quorum({ threshold, members }: QuorumOptions): Plugin {
  const sorted = [...members].sort((a, b) => (a.address < b.address ? -1 : 1))
  const distinct = new Set(sorted.map((m) => m.address)).size === sorted.length
  if (
    !distinct ||
    sorted.length < 1 ||
    sorted.length > 255 ||
    !Number.isInteger(threshold) ||
    threshold < 1 ||
    threshold > sorted.length
  ) {
    throw fail('VS_ACME_QUORUM_OPTIONS', { details: { members: sorted.length, threshold, distinct } })
  }
  const who: Quorum = { threshold, members: sorted.map((m) => m.address) }
  return {
    specificationVersion: 'v1',
    name: 'acme-veristack-quorum',
    version: '0.1.0',
    provides: ['prover', 'verifier', 'onchain'],
    register(host) {
      host.provide('verifier', () => quorumVerifier)
      host.provide('onchain', () => quorumOnChain)
      host.provide('prover', () => ({
        kind: KIND,
        tier: KIND,
        semantics: [SEMANTICS],
        executions: sorted.length,
        quote: async ({ program: { semantics } }): Promise<Quote> =>
          semantics === SEMANTICS
            ? { ok: true, executeMs: 10, proveMs: 5, finalMs: 0, gas: 0n, priceWei: 0n, bondWei: 0n }
            : { ok: false, code: 'VS_ACME_QUORUM_SEMANTICS', reasons: [`members run ${SEMANTICS}, not ${semantics}`] },
        setup: async (program): Promise<Artefacts> => ({
          kind: KIND,
          program: program.id,
          anchor: quorumAnchor(who),
          origin: 'none',
          blobs: {},
        }),
        prove: async (job, { signal }) => {
          if (job.artefacts?.anchor !== quorumAnchor(who)) throw fail('VS_ACME_QUORUM_MEMBERSHIP')
          const digest = claimDigest(job.signed.claim)
          const signatures: Hex[] = []
          for (const member of sorted) {
            signal.throwIfAborted()
            const own = job.executions.find((e) => e.executor === member.address)
            if (own !== undefined && (await agrees(host, job, own)))
              signatures.push(await member.sign(statement(digest)))
          }
          if (signatures.length < threshold) {
            throw fail('VS_ACME_QUORUM_NOT_REACHED', { details: { agreed: signatures.length, needed: threshold } })
          }
          return {
            kind: KIND,
            version: VERSION,
            claim: digest,
            payload: encodeEvidence({ quorum: who, signatures }),
            blobs: [],
          }
        },
      }))
    },
  }
}

/** A member recomputes the claim's commitments from what it computed itself, and takes nobody's word for them. */
async function agrees(host: Host, { signed, program, inputs, salts }: ProveJob, own: Execution): Promise<boolean> {
  const list = (entries: typeof signed.outputs) =>
    entries.map((c) => ({
      tensors: parseTensorSpecs(c.tensor).map((t) => t.name),
      scheme: c.scheme,
      salted: false,
    }))
  try {
    const [ins, outs] = [
      await commitTensors(host, program, list(signed.inputs), inputs, salts),
      await commitTensors(host, program, list(signed.outputs), own.outputs, salts),
    ]
    return commitmentsDigest(ins) === signed.claim.inputs && commitmentsDigest(outs) === signed.claim.outputs
  } catch (error) {
    // Outputs of other names or out of range have no commitment here: that member disagrees, and stops nobody.
    if (isVeristackError(error)) return false
    throw error
  }
}
