import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, concatBytes, hexToBytes } from '@noble/hashes/utils.js'
import { isZero } from '../bytes.ts'
import { judged, Lack, type Ledger, Refusal } from '../ledger.ts'
import { readOptions, type VerifyOptions } from '../options.ts'
import { type Certificate, commonName, type SignatureBackend } from '../pki/index.ts'
import type { TcbReport, TeeVerdict } from '../verdict.ts'
import { answers, appraise } from './appraise.ts'
import { authenticate, type Trust } from './authenticate.ts'
import { type Certified, certifiedBy, differences } from './certification.ts'
import { equalChains, verifyChain } from './chain.ts'
import { INTEL_CHECKS, type IntelCheck } from './checks.ts'
import { claimsOf, type IntelClaims } from './claims.ts'
import { type IntelCollateral, idOf, readCollateral, within } from './collateral.ts'
import { memoryOf } from './memory.ts'
import { MAX_QUOTE_BYTES, parseQuote, type Quote } from './parse.ts'
import { SGX_EXTENSION } from './pck.ts'
import { type IntelAppraisal, type IntelRelyingParty, POLICIES } from './policy.ts'
import { pinnedRoot } from './roots.ts'
import { evaluateTcb, moduleIdentity } from './tcb.ts'
import type { QeIdentity, TcbInfo } from './tcb-info.ts'

type Checks = Ledger<IntelCheck>

export interface IntelOptions extends VerifyOptions<IntelAppraisal, IntelRelyingParty> {
  /** Without it a quote that is in order stays `undetermined`. */
  readonly collateral?: IntelCollateral
}

const INTEL_QE_VENDOR = '939a7233f79c4ca9940a0db3957f0607'

/** Judges an SGX or TDX quote. Throws `VS_TEE_INVALID_OPTION` for options of another form, and nothing else. */
export async function verifyIntel(evidence: Uint8Array, options: IntelOptions): Promise<TeeVerdict<IntelClaims>> {
  const {
    bytes,
    now,
    backend,
    root = pinnedRoot(),
    ...asked
  } = readOptions(evidence, options, POLICIES, MAX_QUOTE_BYTES + 1)
  const { appraisal, relyingParty } = asked
  const { collateral } = options
  const memory = memoryOf(backend)
  const trust: Trust = { root, at: now, backend: memory.backend }
  const vendor = isTdx(bytes) ? 'intel-tdx' : 'intel-sgx'
  return judged<typeof INTEL_CHECKS, IntelClaims>(vendor, INTEL_CHECKS, async (ledger, found) => {
    const quote = parseQuote(bytes)
    const { certification } = quote
    found({ claims: claimsOf(quote) })
    ledger.note('form', true)
    ledger.require('supported', quote.qeVendorId === INTEL_QE_VENDOR, `QE vendor ${quote.qeVendorId}`)
    checkTrailing(ledger, quote, appraisal)
    const inQuote = certification.kind === 'chain' ? certification : undefined
    if (inQuote !== undefined) {
      found({ platformId: inQuote.pck.ppid })
      await checkQuote(ledger, quote, inQuote, trust, backend)
    }
    if (collateral === undefined) throw new Lack('TCB info, QE identity and revocation lists of this platform')
    const read = readCollateral(collateral, memory.collateral)
    const { pckChain } = read.decoded
    const sameChain = pckChain.length === 0 || inQuote === undefined || equalChains(pckChain, inQuote.chain)
    ledger.require(
      'collateral',
      sameChain,
      sameChain ? undefined : 'pck_certificate_chain is not the chain in the quote',
    )
    const certified = inQuote ?? named(pckChain)
    if (inQuote === undefined) {
      found({ claims: claimsOf(quote, certified), platformId: certified.pck.ppid })
      await checkQuote(ledger, quote, certified, trust, backend)
    }
    const { tcbInfo, qeIdentity } = await authenticate(ledger, read.decoded, quote, certified, trust)
    memory.collateral.set(idOf(read.given), read)
    const sameTee = tcbInfo.id === (quote.body.tee === 'sgx' ? 'SGX' : 'TDX')
    const sameQe = qeIdentity.id === (quote.body.tee === 'sgx' ? 'QE' : 'TD_QE')
    if (sameQe) checkQe(ledger, quote, qeIdentity)
    else ledger.skip('qe-identity', 'the QE identity is for another TEE')
    if (!sameTee) throw new Refusal('tcb-info-kind', 'VS_TEE_COLLATERAL', `${tcbInfo.id} for ${quote.body.tee}`)
    checkModule(ledger, quote, tcbInfo)
    const td = quote.body.tee === 'tdx' ? quote.body.report : undefined
    const qe = sameQe ? { report: quote.qeReport, identity: qeIdentity } : undefined
    const tcb = evaluateTcb(certified.pck, tcbInfo, td, qe)
    const parts = { platform: tcb.platform, ...(tcb.module && { module: tcb.module }), ...(tcb.qe && { qe: tcb.qe }) }
    const report: TcbReport = { status: tcb.converged, advisories: tcb.advisories, parts }
    found({ tcb: report })
    const evaluation = Math.min(tcbInfo.tcbEvaluationDataNumber, qeIdentity.tcbEvaluationDataNumber)
    appraise(ledger, quote, tcb, evaluation, appraisal)
    answers(ledger, quote, certified.pck.ppid, relyingParty)
  })
}

/** As far as can be told from what may not be a quote at all. */
const isTdx = (evidence: Uint8Array): boolean => evidence[4] === 0x81

function checkTrailing(ledger: Checks, { trailing }: Quote, policy: IntelAppraisal): void {
  const zeros = isZero(trailing)
  const allowed = trailing.length === 0 || (policy.trailingBytes === 'zeros' && zeros)
  const kind = zeros
    ? 'zero bytes: the appraisal policy can let them follow (trailingBytes: "zeros")'
    : 'bytes, not all zero'
  ledger.note('trailing-bytes', allowed, trailing.length === 0 ? undefined : `${trailing.length} ${kind}`)
}

/** The certificate that a quote only names, which comes with the collateral. */
function named(chain: readonly Certificate[]): Certified {
  if (chain.length === 0) throw new Lack('the PCK certificate, which the quote only names: pck_certificate_chain')
  return within('collateral', 'VS_TEE_COLLATERAL', () => certifiedBy(chain, 'pck_certificate_chain'))
}

/** What the quote proves by itself, given its PCK certificate and the root. */
async function checkQuote(
  ledger: Checks,
  quote: Quote,
  { chain, leaf, ca, pck }: Certified,
  { root, at, backend: remembered }: Trust,
  backend: SignatureBackend,
): Promise<void> {
  const { certification, qeReport, qeReportBytes, attestationKey } = quote
  const path = await verifyChain(chain, {
    at,
    backend: remembered,
    root,
    understood: [SGX_EXTENSION],
    maxIntermediates: 1,
  })
  const wrong = path.ok ? [] : ([path.detail, path.code] as const)
  if (!path.ok && path.code === 'VS_TEE_CERTIFICATE_DATE') ledger.note('pck-chain', false, ...wrong)
  else ledger.require('pck-chain', path.ok, ...wrong)
  const [leafName, caName] = [commonName(leaf.subject), commonName(ca.subject)]
  const ofIntel =
    leafName === 'Intel SGX PCK Certificate' && /^Intel SGX PCK (?:Platform|Processor) CA$/.test(caName ?? '')
  const signs = leaf.ca === undefined && (leaf.keyUsage === undefined || leaf.keyUsage.has('digitalSignature'))
  ledger.require(
    'pck-certificate',
    ofIntel && signs,
    `${leafName} of ${caName}${signs ? '' : ', whose key is not for signatures'}`,
  )
  const others = certification.kind === 'id' ? differences(certification, pck) : []
  ledger.require('pck-certificate', others.length === 0, others.join(', ') || undefined, 'VS_TEE_BINDING')

  const p256 = 'ecdsa-p256-sha256'
  const byPck = await backend.verify(p256, leaf.key, qeReportBytes, quote.qeReportSignature)
  ledger.require('qe-report-signature', byPck)
  const binding = `${bytesToHex(sha256(concatBytes(attestationKey, quote.qeAuthData)))}${'00'.repeat(32)}`
  ledger.require('qe-binding', qeReport.reportData === binding, `report data ${qeReport.reportData}`)
  const point = concatBytes(Uint8Array.of(4), attestationKey)
  const byQe = await backend.verify(p256, { type: 'ec', curve: 'P-256', point }, quote.signed, quote.signature)
  ledger.require('quote-signature', byQe)
}

function checkQe(ledger: Checks, { qeReport }: Quote, identity: QeIdentity): void {
  const wrong: string[] = []
  if (qeReport.mrSigner !== identity.mrsigner) wrong.push(`MRSIGNER ${qeReport.mrSigner}`)
  if (qeReport.isvProdId !== identity.isvprodid) wrong.push(`ISVPRODID ${qeReport.isvProdId}`)
  if (mask(qeReport.miscSelect, identity.miscselectMask) !== identity.miscselect)
    wrong.push(`MISCSELECT ${qeReport.miscSelect}`)
  if (mask(qeReport.attributes, identity.attributesMask) !== identity.attributes)
    wrong.push(`ATTRIBUTES ${qeReport.attributes}`)
  // Whatever the mask leaves open.
  if (((hexToBytes(qeReport.attributes)[0] ?? 0) & 2) !== 0) wrong.push('DEBUG')
  ledger.note('qe-identity', wrong.length === 0, wrong.join(', ') || undefined)
}

function checkModule(ledger: Checks, { body }: Quote, tcbInfo: TcbInfo): void {
  if (body.tee === 'sgx' || tcbInfo.id === 'SGX') {
    ledger.skip('tdx-module', 'SGX has none')
    return
  }
  const { report } = body
  const svn = hexToBytes(report.teeTcbSvn)
  const version = svn[1] ?? 0
  const module = version > 0 ? moduleIdentity(tcbInfo, svn) : tcbInfo.tdxModule
  if (module === undefined) {
    ledger.note('tdx-module', false, `version ${version} is not listed`)
    return
  }
  const wrong: string[] = []
  if (report.mrSignerSeam !== module.mrsigner) wrong.push(`MRSIGNERSEAM ${report.mrSignerSeam}`)
  const masked = mask(report.seamAttributes, module.attributesMask)
  if (masked !== module.attributes || !/^0*$/.test(report.seamAttributes))
    wrong.push(`SEAMATTRIBUTES ${report.seamAttributes}`)
  ledger.note('tdx-module', wrong.length === 0, wrong.join(', ') || `version ${version}, SVN ${svn[0]}`)
}

function mask(value: string, by: string): string {
  const bits = hexToBytes(by)
  return bytesToHex(hexToBytes(value).map((byte, i) => byte & (bits[i] ?? 0)))
}
