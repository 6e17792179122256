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

/** The report of a trust domain, 584 bytes (TDX module 1.0) or 648 (1.5, with `teeTcbSvn2` and `mrServiceTd`). */
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
}

export const SGX_REPORT_BYTES = 384
export const TD_REPORT_BYTES = { '1.0': 584, '1.5': 648 } as const

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

export function readTdReport(c: Cursor, version: '1.0' | '1.5'): TdReport {
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
  return { ...base, teeTcbSvn2: c.hex(16, 'teeTcbSvn2'), mrServiceTd: c.hex(48, 'mrServiceTd') }
}
