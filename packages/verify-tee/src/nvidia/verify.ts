import { inspected } from '../inspection.ts'
import { judged, type Ledger } from '../ledger.ts'
import { evidenceOf, readOptions, type VerifyOptions } from '../options.ts'
import type { Certificate, SignatureBackend } from '../pki/index.ts'
import type { TeeVerdict } from '../verdict.ts'
import { type Appraisal, appraise, judgeAnswer, type RelyingParty } from './appraise.ts'
import { NVIDIA_CHECKS, type NvidiaCheck, OF_REPORTS, OF_TOKENS } from './checks.ts'
import { claimsOf, type NvidiaClaims } from './claims.ts'
import { checkCollateral, type NvidiaCollateral } from './collateral.ts'
import { nonceForCpu } from './cpu.ts'
import { type Evidence, parseEvidence } from './evidence.ts'
import { judgeReports } from './judge-reports.ts'
import { judgeTokens } from './judge-tokens.ts'
import { type NvidiaAppraisal, type NvidiaRelyingParty, POLICIES } from './policy.ts'
import { remembering } from './remember.ts'
import { pinnedRoot } from './roots.ts'

export interface NvidiaOptions extends VerifyOptions<NvidiaAppraisal, NvidiaRelyingParty> {
  readonly collateral?: NvidiaCollateral
}

const NOT_COVERED: readonly string[] = [
  'reference measurements (RIM): neither fetched nor read; NRAS compares with them, for reports the policy names the values',
  'which switches and GPUs are linked to each other: the identifiers are in the claims',
  'the certificates of the keys that sign tokens: NVIDIA publishes no root for them, so a key set is worth the channel that it came by',
  'that the CPU uses these devices, and these alone: for that its own measured code has to ask them, and its evidence has to name the nonce',
]

/**
 * Judges what NVIDIA's GPUs and NVLink switches say: tokens of its Remote Attestation Service about them, or reports that they
 * signed. Rejects with VS_TEE_INVALID_OPTION for options that can not be used; whatever is wrong with the evidence is in the
 * verdict.
 */
export async function verifyNvidia(evidence: Uint8Array, options: NvidiaOptions): Promise<TeeVerdict<NvidiaClaims>> {
  const { bytes, now, backend, root = pinnedRoot(), ...asked } = readOptions(evidence, options, POLICIES)
  const { appraisal, relyingParty } = asked
  if (relyingParty.cpu !== undefined) nonceForCpu(relyingParty.cpu.data, relyingParty.cpu.rule)
  const collateral = checkCollateral(options.collateral)
  return judged<typeof NVIDIA_CHECKS, NvidiaClaims>(
    'nvidia-gpu',
    NVIDIA_CHECKS,
    async (ledger, found) => {
      const parsed = parseEvidence(bytes, collateral.certificateChain)
      const claims = claimsOf(parsed)
      const [only, ...more] = claims.devices
      found({ claims, ...(only?.platformId === undefined || more.length > 0 ? {} : { platformId: only.platformId }) })
      if (claims.token !== undefined)
        found({
          tcb: { status: claims.token.result ? 'success' : 'failure', advisories: [], parts: resultsOf(claims) },
        })
      for (const id of ['form', 'trailing-bytes'] as const) ledger.require(id, true)
      skipOthers(ledger, parsed)
      const missing = await verifyEvidence(ledger, parsed, claims, {
        appraisal,
        relyingParty,
        collateral,
        now,
        backend,
        root,
      })
      appraise(ledger, claims, appraisal)
      judgeAnswer(ledger, claims, relyingParty, now)
      // Last: what is wrong with the rest is told before it.
      if (missing.length > 0)
        ledger.note(
          'revocation',
          false,
          `no list or OCSP answer about ${missing.join(', ')} was given, which the policy requires`,
        )
    },
    NOT_COVERED,
  )
}

/**
 * What evidence says, without any verification. `certificateChain`: PEM, for a report that comes without one. Throws
 * VS_TEE_MALFORMED, VS_TEE_TRAILING_BYTES or VS_TEE_UNSUPPORTED.
 */
export const inspectNvidia = (
  evidence: Uint8Array,
  { certificateChain }: { readonly certificateChain?: string } = {},
): NvidiaClaims => inspected('nvidia-gpu', () => claimsOf(parseEvidence(evidenceOf(evidence), certificateChain)))

const resultsOf = ({ devices }: NvidiaClaims): Readonly<Record<string, string>> =>
  Object.fromEntries(devices.map(({ name, nras }) => [name, nras?.measurements ?? 'unknown']))

function skipOthers(ledger: Ledger<NvidiaCheck>, { kind }: Evidence): void {
  const [others, why] =
    kind === 'tokens' ? [OF_REPORTS, 'the evidence is tokens'] : [OF_TOKENS, 'the evidence is reports of the devices']
  for (const id of others) ledger.skip(id, why)
}

interface Means {
  readonly appraisal: Appraisal
  readonly relyingParty: RelyingParty
  readonly collateral: NvidiaCollateral
  readonly now: bigint
  readonly backend: SignatureBackend
  readonly root: Certificate
}

/** Tells which certificates' status is missing and required. */
async function verifyEvidence(
  ledger: Ledger<NvidiaCheck>,
  evidence: Evidence,
  claims: NvidiaClaims,
  means: Means,
): Promise<readonly string[]> {
  const { appraisal, relyingParty, collateral, now, backend, root } = means
  const nonces =
    evidence.kind === 'tokens'
      ? [evidence.bundle.overall, ...evidence.bundle.devices]
      : evidence.devices.map(({ report }) => report)
  const strange = nonces.find(({ nonce }) => nonce !== claims.nonce)
  ledger.require('one-nonce', strange === undefined, `${claims.nonce} and ${strange?.nonce}`)
  const ids = claims.devices.flatMap(({ platformId }) => (platformId === undefined ? [] : [platformId]))
  const twice = ids.find((id, i) => ids.indexOf(id) !== i)
  ledger.require('distinct-devices', twice === undefined, `${twice} twice`)
  const policy = evidence.kind === 'tokens' ? appraisal.tokens : appraisal.reports
  ledger.require('kind', policy !== undefined, `the policy does not accept ${claims.kind}`)
  if (evidence.kind === 'tokens') {
    if (appraisal.tokens === undefined) throw new TypeError('no policy')
    const { keySet } = collateral
    await judgeTokens(ledger, evidence.bundle, { keySet, policy: appraisal.tokens, relyingParty, now, backend })
    return []
  }
  const { missing } = await judgeReports(ledger, evidence.devices, collateral, {
    root,
    now,
    backend: remembering(backend),
  })
  if (missing.length === 0) {
    ledger.note('revocation', true)
    return []
  }
  if (appraisal.reports?.revocation === 'required') return missing
  ledger.skip('revocation', `the policy does without; no list or OCSP answer about ${missing.join(', ')} was given`)
  return []
}
