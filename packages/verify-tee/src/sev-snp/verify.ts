import { bytesToHex } from '@noble/hashes/utils.js'
import { equalBytes } from '../bytes.ts'
import { judged, Lack, type Ledger, Refusal } from '../ledger.ts'
import { readOptions, type VerifyOptions } from '../options.ts'
import { type Certificate, commonName, type SignatureBackend, verifyCrl, verifyPath } from '../pki/index.ts'
import { checkPlatform } from '../policy/index.ts'
import type { TeeVerdict } from '../verdict.ts'
import { appraise, compare, isMasked, text } from './appraise.ts'
import { SEV_SNP_CHECKS, type SevSnpCheck } from './checks.ts'
import { claimsOf, type SevSnpClaims } from './claims.ts'
import { checkCollateral, chooseCrl, chooseIssuer, chooseVek, type SevSnpCollateral } from './collateral.ts'
import { certificateTable, ECDSA_P384_SHA384, type Evidence, parseEvidence, VERSIONS } from './parse.ts'
import { POLICIES, type SevSnpAppraisal, type SevSnpRelyingParty } from './policy.ts'
import { HWID_BYTES, notAbove } from './product.ts'
import { pinnedRoot } from './roots.ts'
import type { CertificateTable } from './table.ts'
import { isNameOf, type Vek } from './vek.ts'

export interface SevSnpOptions extends VerifyOptions<SevSnpAppraisal, SevSnpRelyingParty> {
  readonly collateral?: SevSnpCollateral
}

const NOT_COVERED = [
  'when the report was made: it has no date; only report data that was asked for now says so',
  "endorsement keys that leaked: AMD's lists revoke their issuers alone",
]

/**
 * Judges a report of AMD's secure processor: 1184 bytes, and behind them nothing or the certificate table that the host
 * handed out with it. Throws `VS_TEE_INVALID_OPTION` for policies and options of the wrong form, and nothing for evidence.
 */
export async function verifySevSnp(evidence: Uint8Array, options: SevSnpOptions): Promise<TeeVerdict<SevSnpClaims>> {
  const { bytes, now, backend, ...asked } = readOptions(evidence, options, POLICIES)
  const { appraisal, relyingParty } = asked
  const collateral = checkCollateral(options.collateral)
  return judged<typeof SEV_SNP_CHECKS, SevSnpClaims>(
    'amd-sev-snp',
    SEV_SNP_CHECKS,
    async (ledger, found) => {
      const parsed = parseEvidence(bytes)
      const { report } = parsed
      found({ claims: claimsOf(report) })
      const table = form(ledger, parsed)
      const kind = report.signingKey
      if (kind !== 'vcek' && kind !== 'vlek')
        throw new Refusal('signing-key', 'VS_TEE_SIGNATURE', kind === 'none' ? 'nobody signed it' : `key ${kind}`)
      const vek = chooseVek(collateral, table, kind)
      if (vek === undefined) throw new Lack(`no certificate of the ${kind.toUpperCase()}`)
      found({ claims: claimsOf(report, vek), tcb: { status: tcbStatus(parsed), advisories: [] } })
      const platformId = platformIdOf(parsed, vek)
      if (platformId !== undefined) found({ platformId })
      ledger.require(
        'signing-key',
        vek.kind === kind,
        `the report names a ${kind}, the certificate is of a ${vek.kind}`,
      )
      const chain = chooseIssuer(collateral, table)
      if (chain === undefined) throw new Lack(`no certificate of the issuer, ${commonName(vek.certificate.issuer)}`)
      ledger.require('certificates', true)
      product(ledger, parsed, vek)
      const root = asked.root ?? pinnedRoot(vek.product)
      await path(ledger, vek, chain.issuer, chain.root, root, now, backend)
      const crl = chooseCrl(collateral, table)
      if (crl !== undefined) {
        const result = await verifyCrl(crl, root, now, backend)
        ledger.require('revocation', result.ok, result.ok ? undefined : result.detail)
        const revoked = crl.revoked.has(chain.issuer.serial)
        ledger.require('revocation', !revoked, `${commonName(chain.issuer.subject)}`, 'VS_TEE_REVOKED')
      }
      const signed = await backend.verify('ecdsa-p384-sha384', vek.certificate.key, parsed.signed, parsed.signature)
      ledger.note('report-signature', signed)
      binding(ledger, parsed, vek)
      appraise(ledger, report, vek, appraisal)
      question(ledger, parsed, relyingParty)
      checkPlatform(ledger, relyingParty.platforms, platformId)
      // Last: what is wrong with the rest is told before it.
      if (crl === undefined) withoutList(ledger, appraisal, commonName(root.subject))
    },
    NOT_COVERED,
  )
}

/** Nobody can tell then whether the issuer was revoked. */
function withoutList(ledger: Ledger<SevSnpCheck>, { revocation }: SevSnpAppraisal, root = 'the root'): void {
  if (revocation === 'optional') ledger.skip('revocation', `the policy does without; no list of ${root} was given`)
  else ledger.note('revocation', false, `no revocation list of ${root} was given, which the policy requires`)
}

/** What the bytes alone say. */
function form(ledger: Ledger<SevSnpCheck>, parsed: Evidence): CertificateTable {
  const { report, reserved } = parsed
  ledger.require('form', true)
  ledger.require(
    'version',
    VERSIONS.some((version) => version === report.version),
    `version ${report.version}`,
  )
  const table = certificateTable(parsed)
  ledger.require('trailing-bytes', true)
  ledger.require('reserved-fields', reserved.length === 0, reserved.join(', ') || undefined)
  const algorithm = report.signatureAlgorithm
  ledger.require('signature-algorithm', algorithm === ECDSA_P384_SHA384, `algorithm ${algorithm}`)
  ledger.require('signature-padding', parsed.signaturePadded)
  return table
}

function product(ledger: Ledger<SevSnpCheck>, { report }: Evidence, vek: Vek): void {
  ledger.require('product', isNameOf(vek.productName, vek.product), `${vek.productName} under ${vek.product}'s root`)
  if (report.cpuid === undefined) return
  const { family, model, stepping } = report.cpuid
  const cpu = [family, model, stepping].map((n) => n.toString(16)).join('/')
  ledger.require('product', report.product === vek.product, `CPUID ${cpu}, certificate of ${vek.product}`)
}

async function path(
  ledger: Ledger<SevSnpCheck>,
  vek: Vek,
  issuer: Certificate,
  given: Certificate | undefined,
  root: Certificate,
  at: bigint,
  backend: SignatureBackend,
): Promise<void> {
  const same = given === undefined || equalBytes(given.der, root.der)
  ledger.require('chain', same, 'the root that was given is not the pinned one')
  const result = await verifyPath([vek.certificate, issuer], { at, backend, root, maxIntermediates: 1 })
  if (result.ok) ledger.require('chain', true)
  else ledger.require('chain', false, result.detail, result.code)
}

/** That report and certificate belong together, and that the report agrees with itself. */
function binding(ledger: Ledger<SevSnpCheck>, { report }: Evidence, vek: Vek): void {
  const { reported, committed, current } = report.tcb
  const [said, certified] = [bytesToHex(reported), bytesToHex(vek.tcb)]
  ledger.note('certificate-tcb', said === certified, `reported ${said}, certificate ${certified}`)
  if (vek.hwid === undefined) ledger.skip('chip-id', 'a VLEK is of no chip')
  else if (isMasked(report)) ledger.note('chip-id', true, 'masked')
  else ledger.note('chip-id', report.chipId === vek.hwid.padEnd(128, '0'), `certificate ${vek.hwid}`)
  const ordered = notAbove(reported, current) && notAbove(committed, current)
  const versions = compare(report.committed, report.current) <= 0
  ledger.note('tcb-order', ordered && versions, `firmware ${text(report.current)}, committed ${text(report.committed)}`)
}

function question(ledger: Ledger<SevSnpCheck>, { report }: Evidence, asked: SevSnpRelyingParty): void {
  const { reportData } = asked
  if (reportData === 'any') ledger.skip('report-data', 'the policy allows any')
  else ledger.note('report-data', report.reportData === reportData.padEnd(128, '0'), report.reportData)
  if (asked.reportIds === undefined) ledger.skip('report-id', 'the policy does not ask')
  else ledger.note('report-id', asked.reportIds.includes(report.reportId), report.reportId)
}

/** AMD publishes no statuses: whether the host can roll back below what is reported, a report says itself. */
const tcbStatus = ({ report: { tcb } }: Evidence): string =>
  notAbove(tcb.reported, tcb.committed) ? 'Committed' : 'Provisional'

/** As AMD's key service names the chip. */
function platformIdOf({ report }: Evidence, vek: Vek): string | undefined {
  if (vek.hwid !== undefined) return vek.hwid
  return isMasked(report) ? undefined : report.chipId.slice(0, 2 * HWID_BYTES[vek.product])
}
