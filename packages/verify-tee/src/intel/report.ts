import { type Cursor, isZero } from '../bytes.ts'
import { malformed } from '../ledger.ts'

/*
 * The bodies that hardware signs. Byte strings are lower-case hexadecimal in the order in which they stand in the quote;
 * numbers are little-endian there.
 */

/** The report of an SGX enclave, 384 bytes (Intel SDM volume 3D, section 37.15, REPORT). */
export interface SgxReport {
  readonly cpuSvn: string
  readonly miscSelect: string
  readonly isvExtProdId: string
  /** FLAGS (8 bytes) and XFRM (8 bytes). */
  readonly attributes: string
  readonly mrEnclave: string
  readonly mrSigner: string
  readonly configId: string
  readonly isvProdId: number
  readonly isvSvn: number
  readonly configSvn: number
  readonly isvFamilyId: string
  readonly reportData: string
}

/**
 * The report of a trust domain, 584 bytes (TDX module 1.0), 648 (1.5, with `teeTcbSvn2` and `mrServiceTd`) or 885 (1.5, with
 * `extended` too).
 */
export interface TdReport {
  readonly teeTcbSvn: string
  readonly mrSeam: string
  readonly mrSignerSeam: string
  readonly seamAttributes: string
  readonly tdAttributes: string
  readonly xfam: string
  readonly mrTd: string
  readonly mrConfigId: string
  readonly mrOwner: string
  readonly mrOwnerConfig: string
  readonly rtmr: readonly [string, string, string, string]
  readonly reportData: string
  /** What the module is now; `teeTcbSvn` is what it was when the domain was launched. */
  readonly teeTcbSvn2?: string
  readonly mrServiceTd?: string
  readonly extended?: TdReportExtension
}

/** What newer modules say besides; of service domains only where the attribute SERVTD_EXT is set, else zeros. */
export interface TdReportExtension {
  /** Which virtual machine within a partitioned domain: 1 to 3; 0: the domain itself. */
  readonly vmId: number
  /** Drawn for each launch of a domain; it keeps it when it is moved. */
  readonly tdId: string
  /** What devices are in the domain, hashed. */
  readonly deviceInfo: string
  /** What was bound, and what the domain ran on, when it was created. */
  readonly initServiceTd: string
  readonly initServiceTdAttributes: string
  readonly initCpuSvn: string
  readonly initTeeTcbSvn: string
  readonly initTeeFmspc: string
  /** What is bound now. */
  readonly currentServiceTd: string
  readonly currentServiceTdAttributes: string
}

export const SGX_REPORT_BYTES = 384
/** `1.5ex`: Intel's `sgx_report2_body_v1_5_ex_t`. */
export const TD_REPORT_BYTES = { '1.0': 584, '1.5': 648, '1.5ex': 885 } as const

export function readSgxReport(c: Cursor): SgxReport {
  const reserved = (length: number, field: string): void => {
    if (!isZero(c.take(length, field))) throw malformed(`${c.name}.${field}`, 'zero', 'another value')
  }
  const cpuSvn = c.hex(16, 'cpuSvn')
  const miscSelect = c.hex(4, 'miscSelect')
  reserved(12, 'reserved1')
  const isvExtProdId = c.hex(16, 'isvExtProdId')
  const attributes = c.hex(16, 'attributes')
  const mrEnclave = c.hex(32, 'mrEnclave')
  reserved(32, 'reserved2')
  const mrSigner = c.hex(32, 'mrSigner')
  reserved(32, 'reserved3')
  const configId = c.hex(64, 'configId')
  const isvProdId = c.u16('isvProdId')
  const isvSvn = c.u16('isvSvn')
  const configSvn = c.u16('configSvn')
  reserved(42, 'reserved4')
  const isvFamilyId = c.hex(16, 'isvFamilyId')
  const reportData = c.hex(64, 'reportData')
  return {
    cpuSvn,
    miscSelect,
    isvExtProdId,
    attributes,
    mrEnclave,
    mrSigner,
    configId,
    isvProdId,
    isvSvn,
    configSvn,
    isvFamilyId,
    reportData,
  }
}

export function readTdReport(c: Cursor, version: keyof typeof TD_REPORT_BYTES): TdReport {
  const base = {
    teeTcbSvn: c.hex(16, 'teeTcbSvn'),
    mrSeam: c.hex(48, 'mrSeam'),
    mrSignerSeam: c.hex(48, 'mrSignerSeam'),
    seamAttributes: c.hex(8, 'seamAttributes'),
    tdAttributes: c.hex(8, 'tdAttributes'),
    xfam: c.hex(8, 'xfam'),
    mrTd: c.hex(48, 'mrTd'),
    mrConfigId: c.hex(48, 'mrConfigId'),
    mrOwner: c.hex(48, 'mrOwner'),
    mrOwnerConfig: c.hex(48, 'mrOwnerConfig'),
    rtmr: [c.hex(48, 'rtmr0'), c.hex(48, 'rtmr1'), c.hex(48, 'rtmr2'), c.hex(48, 'rtmr3')] as const,
    reportData: c.hex(64, 'reportData'),
  }
  if (version === '1.0') return base
  const more = { ...base, teeTcbSvn2: c.hex(16, 'teeTcbSvn2'), mrServiceTd: c.hex(48, 'mrServiceTd') }
  return version === '1.5' ? more : { ...more, extended: readExtension(c) }
}

const readExtension = (c: Cursor): TdReportExtension => ({
  vmId: c.u8('vmId'),
  tdId: c.hex(32, 'tdId'),
  deviceInfo: c.hex(48, 'deviceInfo'),
  initServiceTd: c.hex(48, 'initServiceTd'),
  initServiceTdAttributes: c.hex(8, 'initServiceTdAttributes'),
  initCpuSvn: c.hex(16, 'initCpuSvn'),
  initTeeTcbSvn: c.hex(16, 'initTeeTcbSvn'),
  initTeeFmspc: c.hex(12, 'initTeeFmspc'),
  currentServiceTd: c.hex(48, 'currentServiceTd'),
  currentServiceTdAttributes: c.hex(8, 'currentServiceTdAttributes'),
})
