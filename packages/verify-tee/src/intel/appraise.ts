import { hexToBytes } from '@noble/hashes/utils.js'
import type { Ledger } from '../ledger.ts'
import { checkPlatform } from '../policy/index.ts'
import type { IntelCheck } from './checks.ts'
import { replayEventLog } from './event-log.ts'
import type { Quote } from './parse.ts'
import { FEATURES, type IntelAppraisal, type IntelRelyingParty, SGX_ATTRIBUTES, TD_ATTRIBUTES } from './policy.ts'
import type { SgxReport, TdReport } from './report.ts'
import type { TcbEvaluation } from './tcb.ts'

type Checks = Ledger<IntelCheck>

/** Whether such hardware and code are good enough. Every check is made, so that a reader sees all that is wrong. */
export function appraise(
  ledger: Checks,
  quote: Quote,
  tcb: TcbEvaluation,
  evaluationNumber: number,
  policy: IntelAppraisal,
): void {
  checkDebug(ledger, quote, policy)
  const asked = policy.minimumTcbEvaluationDataNumber
  ledger.note('evaluation-number', evaluationNumber >= asked, `${evaluationNumber}, at least ${asked}`)
  const allowed: readonly string[] = policy.tcbStatuses
  const parts = [
    `platform ${tcb.platform}`,
    ...(tcb.module ? [`module ${tcb.module}`] : []),
    ...(tcb.qe ? [`QE ${tcb.qe}`] : []),
  ]
  ledger.note('tcb-status', allowed.includes(tcb.converged), `${tcb.converged}: ${parts.join(', ')}`)
  const { advisories } = policy
  if (advisories === 'any')
    ledger.skip('advisories', `the policy allows any; open: ${tcb.advisories.join(', ') || 'none'}`)
  else {
    const open = tcb.advisories.filter((id) => !advisories.includes(id))
    ledger.note('advisories', open.length === 0, open.join(', '))
  }
  if (quote.body.tee === 'sgx') appraiseEnclave(ledger, quote.body.report, policy)
  else appraiseDomain(ledger, quote.body.report, policy)
}

function checkDebug(ledger: Checks, quote: Quote, policy: IntelAppraisal): void {
  const { body } = quote
  // TUD is the first byte: DEBUG, and what else puts a domain under test; the whole byte has to be zero.
  const debug =
    body.tee === 'sgx'
      ? hasBit(body.report.attributes, SGX_ATTRIBUTES.DEBUG)
      : !body.report.tdAttributes.startsWith('00')
  if (policy.allowDebug) ledger.skip('debug', `the policy allows debugging${debug ? '; it can be debugged' : ''}`)
  else ledger.note('debug', !debug, 'can be debugged')
}

/** Bits of MISCSELECT that have a meaning: what the enclave is told of its own faults. */
const MISC = { EXINFO: 0, CPINFO: 1 } as const

function appraiseEnclave(ledger: Checks, report: SgxReport, policy: IntelAppraisal): void {
  const flags = report.attributes.slice(0, 16)
  const bits = [SGX_ATTRIBUTES.INIT, SGX_ATTRIBUTES.MODE64BIT, SGX_ATTRIBUTES.DEBUG]
  const others = bitsBeyond(flags, [...bits, ...policy.sgxAttributes.map((name) => SGX_ATTRIBUTES[name])])
  const initialised = hasBit(flags, SGX_ATTRIBUTES.INIT)
  const misc = bitsBeyond(report.miscSelect, [MISC.EXINFO, MISC.CPINFO])
  ledger.note(
    'attributes',
    (initialised || policy.allowUninitialised === true) && others.length === 0 && misc.length === 0,
    `${describeBits(flags, others, initialised ? [] : ['INIT'])}; MISCSELECT ${describeBits(report.miscSelect, misc, [])}`,
  )
  checkFeatures(
    ledger,
    report.attributes.slice(16),
    policy.features,
    policy.allowUninitialised === true && !initialised,
  )
  ledger.skip('service-td', 'SGX has none')
  const { sgx } = policy
  if (sgx === 'any') {
    ledger.skip('measurements', 'the policy allows any enclave')
    return
  }
  const known = sgx.some(
    (code) =>
      ('mrSigner' in code
        ? code.mrSigner === report.mrSigner &&
          code.isvProdId === report.isvProdId &&
          report.isvSvn >= code.minimumIsvSvn
        : true) &&
      equalWhereNamed(code, report, ['mrEnclave', 'isvExtProdId', 'isvFamilyId']) &&
      // The host chooses it when it starts the enclave, and no measurement covers it.
      (code.configId === undefined
        ? report.configId === NO_CONFIG && report.configSvn === 0
        : report.configId === code.configId && report.configSvn >= (code.minimumConfigSvn ?? 0)),
  )
  const who = `MRSIGNER ${report.mrSigner}, product ${report.isvProdId}, version ${report.isvSvn}`
  ledger.note('measurements', known, `MRENCLAVE ${report.mrEnclave}, ${who}`)
}

const NO_CONFIG = '00'.repeat(64)

function appraiseDomain(ledger: Checks, report: TdReport, policy: IntelAppraisal): void {
  const bits = [...TUD, TD_ATTRIBUTES.SEPT_VE_DISABLE, ...policy.tdAttributes.map((name) => TD_ATTRIBUTES[name])]
  const others = bitsBeyond(report.tdAttributes, bits)
  const lacking = policy.requireSeptVeDisable && !hasBit(report.tdAttributes, TD_ATTRIBUTES.SEPT_VE_DISABLE)
  const detail = describeBits(report.tdAttributes, others, lacking ? ['SEPT_VE_DISABLE'] : [])
  ledger.note('attributes', others.length === 0 && !lacking, detail)
  const features = policy.features.filter((name) => !name.startsWith('MPX'))
  checkFeatures(ledger, report.xfam, features)
  const { mrServiceTd: service, extended } = report
  if (service === undefined) ledger.skip('service-td', 'TDX 1.0 does not report one')
  else {
    const bound = [service, ...(extended ? [extended.initServiceTd, extended.currentServiceTd] : [])]
    const strange = bound.find((one) => !/^0*$/.test(one) && !policy.serviceTds.includes(one))
    ledger.note('service-td', strange === undefined, strange ?? service)
  }
  const { tdx } = policy
  if (tdx === 'any') {
    ledger.skip('measurements', 'the policy allows any trust domain')
    return
  }
  const [rtmr0, rtmr1, rtmr2, rtmr3] = report.rtmr
  const got = { ...report, rtmr0, rtmr1, rtmr2, rtmr3 }
  const known = tdx.some((code) => equalWhereNamed(code, got, DOMAIN_FIELDS))
  ledger.note('measurements', known, `MRTD ${report.mrTd}, RTMR ${report.rtmr.join(', ')}`)
}

const DOMAIN_FIELDS = [
  'mrTd',
  'rtmr0',
  'rtmr1',
  'rtmr2',
  'rtmr3',
  'mrSeam',
  'mrConfigId',
  'mrOwner',
  'mrOwnerConfig',
] as const

/** Judged by the check `debug`. */
const TUD = [0, 1, 2, 3, 4, 5, 6, 7] as const

function checkFeatures(ledger: Checks, xfam: string, allowed: IntelAppraisal['features'], none = false): void {
  const { X87, SSE } = FEATURES
  const others = bitsBeyond(xfam, [X87, SSE, ...allowed.map((name) => FEATURES[name])])
  const lacking = [...(hasBit(xfam, X87) ? [] : ['X87']), ...(hasBit(xfam, SSE) ? [] : ['SSE'])]
  const enough = lacking.length === 0 || (none && /^0*$/.test(xfam))
  ledger.note('xfam', others.length === 0 && enough, describeBits(xfam, others, lacking))
}

/** Whether it answers this relying party. */
export function answers(ledger: Checks, quote: Quote, ppid: string, policy: IntelRelyingParty): void {
  const { body } = quote
  if (policy.eventLog === undefined) ledger.skip('event-log', 'none was given')
  else if (body.tee === 'sgx') ledger.note('event-log', false, 'SGX has no runtime measurements')
  else {
    const replayed = replayEventLog(policy.eventLog)
    const differ = replayed.flatMap((value, i) => (value === body.report.rtmr[i] ? [] : [`RTMR${i} is ${value}`]))
    ledger.note('event-log', differ.length === 0, differ.join(', ') || `${policy.eventLog.length} events`)
  }
  if (policy.reportData === 'any') ledger.skip('report-data', 'the policy allows any')
  else ledger.note('report-data', body.report.reportData === policy.reportData.padEnd(128, '0'), body.report.reportData)
  checkPlatform(ledger, policy.platforms, ppid)
}

function equalWhereNamed<K extends string>(
  wanted: { readonly [P in K]?: string | undefined },
  got: { readonly [P in K]: string },
  fields: readonly K[],
): boolean {
  return fields.every((field) => wanted[field] === undefined || wanted[field] === got[field])
}

/** Of little-endian hexadecimal. */
const hasBit = (hex: string, bit: number): boolean => bitsOf(hex).includes(bit)

const bitsBeyond = (hex: string, allowed: readonly number[]): number[] =>
  bitsOf(hex).filter((bit) => !allowed.includes(bit))

/** The places of the bits that are set. */
function bitsOf(hex: string): number[] {
  const found: number[] = []
  for (const [i, byte] of hexToBytes(hex).entries())
    for (let bit = 0; bit < 8; bit++) if ((byte >> bit) & 1) found.push(8 * i + bit)
  return found
}

function describeBits(hex: string, others: readonly number[], lacking: readonly string[]): string {
  const parts = [hex]
  if (others.length > 0) parts.push(`not allowed: bits ${others.join(', ')}`)
  if (lacking.length > 0) parts.push(`not set: ${lacking.join(', ')}`)
  return parts.join('; ')
}
