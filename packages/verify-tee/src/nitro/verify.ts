import { equalBytes } from '../bytes.ts'
import { inspected } from '../inspection.ts'
import { judged, type Ledger, Refusal } from '../ledger.ts'
import { evidenceOf, readOptions, type VerifyOptions } from '../options.ts'
import { type Certificate, parseCertificate, type SignatureBackend, verifyPath } from '../pki/index.ts'
import type { TeeVerdict } from '../verdict.ts'
import { appraise, judgeAnswer } from './appraise.ts'
import { NITRO_CHECKS, type NitroCheck } from './checks.ts'
import { type NitroClaims, nitroClaims } from './claims.ts'
import { type CoseSign1, MAX_CERTIFICATES, type NitroDocument, parseCose, parseDocument } from './parse.ts'
import { type NitroAppraisal, type NitroRelyingParty, POLICIES } from './policy.ts'
import { pinnedRoot } from './roots.ts'

export type NitroOptions = VerifyOptions<NitroAppraisal, NitroRelyingParty>

const NOT_COVERED: readonly string[] = [
  'which machine it was: the document names the EC2 instance, which AWS may move',
  'revocation: AWS publishes no lists for these certificates and relies on their lives of hours',
]

interface Parsed {
  readonly cose: CoseSign1
  readonly document: NitroDocument
  /** Leaf first, root last. */
  readonly chain: readonly Certificate[]
  readonly claims: NitroClaims
}

/**
 * Judges an attestation document of an AWS Nitro enclave. Rejects with VS_TEE_INVALID_OPTION for options that can not be
 * used; whatever is wrong with the evidence is in the verdict.
 */
export async function verifyNitro(evidence: Uint8Array, options: NitroOptions): Promise<TeeVerdict<NitroClaims>> {
  const { bytes, now, backend, root = pinnedRoot(), ...asked } = readOptions(evidence, options, POLICIES)
  const { appraisal, relyingParty } = asked
  return judged<typeof NITRO_CHECKS, NitroClaims>(
    'aws-nitro',
    NITRO_CHECKS,
    async (ledger, found) => {
      const parsed = parse(bytes)
      const { claims } = parsed
      found({ claims, ...(claims.instanceId === undefined ? {} : { platformId: claims.instanceId }) })
      for (const id of ['form', 'trailing-bytes', 'algorithm'] as const) ledger.require(id, true)
      await verifyEvidence(ledger, parsed, root, backend)
      appraise(ledger, claims, appraisal)
      judgeAnswer(ledger, claims, relyingParty, now)
    },
    NOT_COVERED,
  )
}

/** What a document says, without any verification. Throws VS_TEE_MALFORMED, VS_TEE_TRAILING_BYTES or VS_TEE_UNSUPPORTED. */
export const inspectNitro = (evidence: Uint8Array): NitroClaims =>
  inspected('aws-nitro', () => parse(evidenceOf(evidence)).claims)

function parse(evidence: Uint8Array): Parsed {
  const cose = parseCose(evidence)
  const document = parseDocument(cose.payload)
  const bundle = document.cabundle.map((der, i) => parseCertificate(der, `document.cabundle.${i}`))
  const chain = [parseCertificate(document.certificate, 'document.certificate'), ...bundle.reverse()]
  return { cose, document, chain, claims: nitroClaims(document, chain) }
}

/** AWS's section 3.2.3, at the time that the document says; `age` bounds that time. */
async function verifyEvidence(
  ledger: Ledger<NitroCheck>,
  { cose, document, chain }: Parsed,
  root: Certificate,
  backend: SignatureBackend,
): Promise<void> {
  const [leaf] = chain
  const top = chain.at(-1)
  if (leaf === undefined || top === undefined) throw new Refusal('certificate-chain', 'VS_TEE_CHAIN', 'no certificate')
  ledger.require('certificate-chain', equalBytes(top.der, root.der), 'the bundle does not begin with the pinned root')
  const strange = chain.find(({ algorithm }) => algorithm !== 'ecdsa-p384-sha384')
  ledger.require('certificate-chain', strange === undefined, `signed with ${strange?.algorithm}`)
  const path = await verifyPath(chain, {
    at: BigInt(document.timestamp) / 1000n,
    backend,
    root,
    maxIntermediates: MAX_CERTIFICATES - 1,
  })
  if (path.ok) ledger.require('certificate-chain', true)
  else ledger.require('certificate-chain', false, path.detail, path.code)
  ledger.require(
    'signing-key',
    leaf.ca === undefined &&
      leaf.keyUsage?.has('digitalSignature') === true &&
      leaf.key.type === 'ec' &&
      leaf.key.curve === 'P-384',
  )
  ledger.require('signature', await backend.verify('ecdsa-p384-sha384', leaf.key, cose.signed, cose.signature))
}
