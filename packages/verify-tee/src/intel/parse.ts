import { Cursor } from '../bytes.ts'
import { malformed, Refusal } from '../ledger.ts'
import { type Certified, certifiedBy, type PckId, readPckId } from './certification.ts'
import { readChain } from './chain.ts'
import {
  readSgxReport,
  readTdReport,
  SGX_REPORT_BYTES,
  type SgxReport,
  TD_REPORT_BYTES,
  type TdReport,
} from './report.ts'

export type QuoteBody =
  | { readonly tee: 'sgx'; readonly report: SgxReport }
  | { readonly tee: 'tdx'; readonly module: '1.0' | '1.5'; readonly report: TdReport }

/** A quote of version 3, 4 or 5 whose lengths all agree. Byte arrays are views of the evidence. */
export interface Quote {
  readonly version: 3 | 4 | 5
  readonly qeVendorId: string
  readonly userData: string
  /** Of the quoting enclave and the provisioning certification enclave; versions 3, and 4 of SGX. */
  readonly headerSvn?: { readonly qe: number; readonly pce: number }
  readonly body: QuoteBody
  /** What the attestation key signed: header and body. */
  readonly signed: Uint8Array
  readonly signature: Uint8Array
  /** x || y. */
  readonly attestationKey: Uint8Array
  readonly qeReport: SgxReport
  readonly qeReportBytes: Uint8Array
  readonly qeReportSignature: Uint8Array
  readonly qeAuthData: Uint8Array
  /** Who vouches for the quoting enclave: a certificate with its chain, or the name of one that has to come from elsewhere. */
  readonly certification: Certified | PckId
  /** What follows the quote. */
  readonly trailing: Uint8Array
}

/** Larger than any quote with the chains that clouds append zeros to (8,000 bytes seen). */
export const MAX_QUOTE_BYTES = 65_536

const ECDSA_P256 = 2
const ECDSA_P384 = 3
const TEE_SGX = 0x00
const TEE_TDX = 0x81

const CERTIFICATION: Readonly<Record<number, string>> = {
  1: 'PPID in plain text',
  2: 'PPID encrypted with RSA-2048',
  3: 'PPID encrypted with RSA-3072',
  4: 'PCK certificate alone',
  5: 'PCK certificate chain',
  6: 'QE report certification data',
  7: 'platform manifest',
}

const unsupported = (field: string, expected: string, got: string): Refusal =>
  new Refusal('supported', 'VS_TEE_UNSUPPORTED', `${field}: expected ${expected}, got ${got}`)

/** Intel TDX DCAP Quoting Library API, appendix 3 (versions 4 and 5); SGX ECDSA QuoteLib reference, appendix A.4 (3). */
export function parseQuote(evidence: Uint8Array): Quote {
  if (evidence.length > MAX_QUOTE_BYTES)
    throw malformed('quote', `at most ${MAX_QUOTE_BYTES} bytes`, `${evidence.length}`)
  const c = new Cursor(evidence, 'quote')
  const version = c.u16('version')
  if (version !== 3 && version !== 4 && version !== 5) throw unsupported('quote.version', '3, 4 or 5', `${version}`)
  const keyType = c.u16('attestationKeyType')
  if (keyType !== ECDSA_P256)
    throw unsupported(
      'quote.attestationKeyType',
      '2 (ECDSA with P-256)',
      keyType === ECDSA_P384 ? '3 (ECDSA with P-384)' : `${keyType}`,
    )
  const teeType = c.u32('teeType')
  if (teeType !== TEE_SGX && (teeType !== TEE_TDX || version === 3))
    throw unsupported('quote.teeType', version === 3 ? '0 (SGX)' : '0 (SGX) or 0x81 (TDX)', `0x${teeType.toString(16)}`)
  const qe = c.u16('qeSvn')
  const pce = c.u16('pceSvn')
  if (teeType === TEE_TDX && (qe !== 0 || pce !== 0)) throw malformed('quote.reserved', 'zero', `${qe}, ${pce}`)
  const qeVendorId = c.hex(16, 'qeVendorId')
  const userData = c.hex(20, 'userData')
  const body = version === 5 ? readTypedBody(c, teeType) : readBody(c, teeType === TEE_SGX ? 'sgx' : '1.0')
  const signed = evidence.subarray(0, c.at)
  const size = c.u32('signatureDataLength')
  const authentication = readAuthentication(new Cursor(c.take(size, 'signatureData'), 'quote.signatureData'), version)
  return {
    version,
    qeVendorId,
    userData,
    ...(teeType === TEE_SGX ? { headerSvn: { qe, pce } } : {}),
    body,
    signed,
    ...authentication,
    trailing: c.rest(),
  }
}

function readTypedBody(c: Cursor, teeType: number): QuoteBody {
  const type = c.u16('bodyType')
  const known = ({ 1: 'sgx', 2: '1.0', 3: '1.5', 4: '1.5ex' } as const)[type]
  if (known === undefined) throw unsupported('quote.bodyType', '1 to 4', `${type}`)
  if ((known === 'sgx') !== (teeType === TEE_SGX))
    throw malformed('quote.bodyType', 'the type of body that the TEE type has', `${type}`)
  const size = c.u32('bodySize')
  const expected = known === 'sgx' ? SGX_REPORT_BYTES : TD_REPORT_BYTES[known]
  if (size !== expected) throw malformed('quote.bodySize', `${expected}`, `${size}`)
  return readBody(c, known)
}

const readBody = (c: Cursor, kind: 'sgx' | keyof typeof TD_REPORT_BYTES): QuoteBody =>
  kind === 'sgx'
    ? { tee: 'sgx', report: readSgxReport(c) }
    : { tee: 'tdx', module: kind === '1.0' ? '1.0' : '1.5', report: readTdReport(c, kind) }

function readAuthentication(c: Cursor, version: 3 | 4 | 5) {
  const signature = c.take(64, 'signature')
  const attestationKey = c.take(64, 'attestationKey')
  if (version === 3) return { signature, attestationKey, ...readQe(c) }
  const outer = readCertification(c)
  if (outer.type !== 6) throw certificationType(outer.type, 6)
  return { signature, attestationKey, ...readQe(new Cursor(outer.data, 'quote.certificationData')) }
}

function readQe(c: Cursor) {
  const qeReportBytes = c.take(SGX_REPORT_BYTES, 'qeReport')
  const qeReport = readSgxReport(new Cursor(qeReportBytes, 'quote.qeReport'))
  const qeReportSignature = c.take(64, 'qeReportSignature')
  const qeAuthData = c.take(c.u16('qeAuthDataLength'), 'qeAuthData')
  const { type, data } = readCertification(c)
  if (type === 1 || type === 2 || type === 3)
    return { qeReportBytes, qeReport, qeReportSignature, qeAuthData, certification: readPckId(type, data) }
  if (type !== 5) throw certificationType(type, 5)
  const text = new TextDecoder('latin1').decode(data)
  const certification = certifiedBy(readChain(text, 'quote.pckChain', 'quote'), 'quote.pckChain')
  return { qeReportBytes, qeReport, qeReportSignature, qeAuthData, certification }
}

/** Nothing may follow it: it is what ends the part that it is in. */
function readCertification(c: Cursor): { readonly type: number; readonly data: Uint8Array } {
  const type = c.u16('certificationDataType')
  const data = c.take(c.u32('certificationDataSize'), 'certificationData')
  if (c.left !== 0) throw malformed(c.name, 'nothing after the certification data', `${c.left} bytes`)
  return { type, data }
}

function certificationType(type: number, expected: 5 | 6): Refusal {
  const named = (n: number): string => `${n} (${CERTIFICATION[n] ?? 'unknown'})`
  return unsupported('quote.certificationDataType', named(expected), named(type))
}
