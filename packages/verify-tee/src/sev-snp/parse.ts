import { bytesToHex } from '@noble/hashes/utils.js'
import { Cursor, isZero } from '../bytes.ts'
import { malformed } from '../ledger.ts'
import { type Cpuid, type Product, productOfCpuid } from './product.ts'
import { type CertificateTable, parseTable } from './table.ts'

/** ATTESTATION_REPORT of the SEV-SNP firmware ABI (56860). */
export const REPORT_BYTES = 0x4a0
/** What is signed: everything before the signature. */
export const SIGNED_BYTES = 0x2a0
/** A report and the pages of its certificate table. */
export const MAX_EVIDENCE_BYTES = 128 * 1024
export const VERSIONS = [2, 3, 5] as const
export const ECDSA_P384_SHA384 = 1

/** Which key signed. `none`: nothing is signed; a number: reserved. */
export type SigningKey = 'vcek' | 'vlek' | 'none' | number

/** What the guest's owner lets the host do, fixed at launch. */
export interface GuestPolicy {
  readonly abiMajor: number
  readonly abiMinor: number
  readonly smt: boolean
  readonly migrateMa: boolean
  readonly debug: boolean
  readonly singleSocket: boolean
  readonly cxl: boolean
  readonly memAes256Xts: boolean
  readonly raplDisabled: boolean
  readonly ciphertextHidingDram: boolean
  readonly pageSwapDisabled: boolean
}

/** How the machine is set up. `unknown`: further bits that are set, in hexadecimal; `0` when there are none. */
export interface PlatformInfo {
  readonly smt: boolean
  readonly tsme: boolean
  readonly ecc: boolean
  readonly raplDisabled: boolean
  readonly ciphertextHidingDram: boolean
  readonly aliasCheckComplete: boolean
  readonly iommuWriteSafe: boolean
  readonly tio: boolean
  readonly unknown: string
}

export interface FirmwareVersion {
  readonly major: number
  readonly minor: number
  readonly build: number
}

export const TCB_FIELDS = ['reported', 'committed', 'current', 'launch'] as const
export type TcbField = (typeof TCB_FIELDS)[number]

export interface Report {
  readonly version: number
  readonly guestSvn: number
  readonly policy: GuestPolicy
  readonly familyId: string
  readonly imageId: string
  readonly vmpl: number
  readonly signatureAlgorithm: number
  readonly platformInfo: PlatformInfo
  readonly authorKeyEnabled: boolean
  readonly maskChipKey: boolean
  readonly signingKey: SigningKey
  readonly reportData: string
  readonly measurement: string
  readonly hostData: string
  readonly idKeyDigest: string
  readonly authorKeyDigest: string
  readonly reportId: string
  readonly reportIdMa: string
  /** From version 3 on. */
  readonly cpuid?: Cpuid
  readonly chipId: string
  readonly current: FirmwareVersion
  readonly committed: FirmwareVersion
  /** From version 5 on: which mitigations were verified; bits are the firmware's. Hexadecimal, most significant first. */
  readonly mitigation?: { readonly launch: string; readonly current: string }
  /** The eight bytes of each TCB_VERSION as they lie in the report. */
  readonly tcb: Readonly<Record<TcbField, Uint8Array>>
  /** The product by CPUID, where there is one. */
  readonly product?: Product
}

export interface Evidence {
  readonly report: Report
  readonly signed: Uint8Array
  /** `r || s`, big-endian, 48 bytes each. */
  readonly signature: Uint8Array
  /** Whether all of the signature field that is neither r nor s is zero. */
  readonly signaturePadded: boolean
  /** Reserved fields and bits that are not as the ABI has them. */
  readonly reserved: readonly string[]
  /** What follows the report, unread. */
  readonly tail: Uint8Array
}

/** A report, and whatever follows it. */
export function parseEvidence(bytes: Uint8Array): Evidence {
  if (bytes.length < REPORT_BYTES) throw malformed('report', `${REPORT_BYTES} bytes`, `${bytes.length}`)
  if (bytes.length > MAX_EVIDENCE_BYTES)
    throw malformed('report', `at most ${MAX_EVIDENCE_BYTES} bytes`, `${bytes.length}`)
  const whole = new Cursor(bytes, 'report')
  const signed = whole.take(SIGNED_BYTES, 'signed')
  const field = whole.take(REPORT_BYTES - SIGNED_BYTES, 'signature')
  const { report, reserved } = parseReport(signed)
  const part = (from: number): Uint8Array => field.subarray(from, from + 48).toReversed()
  return {
    report,
    reserved,
    signed,
    signature: Uint8Array.from([...part(0), ...part(72)]),
    signaturePadded: isZero(field.subarray(48, 72)) && isZero(field.subarray(120)),
    tail: whole.rest(),
  }
}

/** The certificates that follow a report, or nothing. */
export const certificateTable = (evidence: Evidence): CertificateTable => parseTable(evidence.tail)

function parseReport(bytes: Uint8Array): { readonly report: Report; readonly reserved: readonly string[] } {
  const reserved: string[] = []
  const zero = (holds: boolean, field: string): void => {
    if (!holds) reserved.push(field)
  }
  const cursor = new Cursor(bytes, 'report')
  const gap = (length: number, field: string): void => zero(isZero(cursor.take(length, field)), field)
  const version = cursor.u32('version')
  const guestSvn = cursor.u32('guestSvn')
  const policy = cursor.u64('policy')
  zero(((policy >> 17n) & 1n) === 1n, 'policy bit 17, which is one,')
  zero(policy >> 26n === 0n, 'policy bits 26 to 63')
  const familyId = cursor.hex(16, 'familyId')
  const imageId = cursor.hex(16, 'imageId')
  const vmpl = cursor.u32('vmpl')
  const signatureAlgorithm = cursor.u32('signatureAlgorithm')
  const current = cursor.take(8, 'currentTcb')
  const platformInfo = cursor.u64('platformInfo')
  const keys = cursor.u32('keys')
  zero(keys >>> 5 === 0, 'key selection bits 5 to 31')
  gap(4, 'bytes 4ch to 4fh')
  const reportData = cursor.hex(64, 'reportData')
  const measurement = cursor.hex(48, 'measurement')
  const hostData = cursor.hex(32, 'hostData')
  const idKeyDigest = cursor.hex(48, 'idKeyDigest')
  const authorKeyDigest = cursor.hex(48, 'authorKeyDigest')
  const reportId = cursor.hex(32, 'reportId')
  const reportIdMa = cursor.hex(32, 'reportIdMa')
  const reported = cursor.take(8, 'reportedTcb')
  const cpu = cursor.take(3, 'cpuid')
  if (version < 3) zero(isZero(cpu), 'bytes 188h to 18ah')
  gap(21, 'bytes 18bh to 19fh')
  const chipId = cursor.hex(64, 'chipId')
  const committed = cursor.take(8, 'committedTcb')
  const firmware = (name: string): FirmwareVersion => {
    const [build = 0, minor = 0, major = 0] = cursor.take(3, name)
    gap(1, `the byte after the ${name} version`)
    return { major, minor, build }
  }
  const currentFirmware = firmware('current')
  const committedFirmware = firmware('committed')
  const launch = cursor.take(8, 'launchTcb')
  const vectors = [cursor.u64('launchMitigation'), cursor.u64('currentMitigation')].map((v) => wide(v))
  const [launchVector = '', currentVector = ''] = vectors
  if (version < 5) zero(BigInt(`0x${launchVector}${currentVector}`) === 0n, 'bytes 1f8h to 207h')
  gap(cursor.left, 'bytes 208h to 29fh')
  const [family = 0, model = 0, stepping = 0] = cpu
  const cpuid = version < 3 ? undefined : { family, model, stepping }
  const product = cpuid === undefined ? undefined : productOfCpuid(cpuid)
  const selector = (keys >>> 2) & 7
  const report: Report = {
    version,
    guestSvn,
    policy: guestPolicy(policy),
    familyId,
    imageId,
    vmpl,
    signatureAlgorithm,
    platformInfo: platform(platformInfo),
    authorKeyEnabled: (keys & 1) === 1,
    maskChipKey: (keys & 2) === 2,
    signingKey: selector === 0 ? 'vcek' : selector === 1 ? 'vlek' : selector === 7 ? 'none' : selector,
    reportData,
    measurement,
    hostData,
    idKeyDigest,
    authorKeyDigest,
    reportId,
    reportIdMa,
    ...(cpuid === undefined ? {} : { cpuid }),
    chipId,
    current: currentFirmware,
    committed: committedFirmware,
    ...(version < 5 ? {} : { mitigation: { launch: launchVector, current: currentVector } }),
    tcb: { reported, committed, current, launch },
    ...(product === undefined ? {} : { product }),
  }
  return { report, reserved }
}

const wide = (value: bigint): string => value.toString(16).padStart(16, '0')

function guestPolicy(bits: bigint): GuestPolicy {
  const has = (bit: bigint): boolean => ((bits >> bit) & 1n) === 1n
  return {
    abiMajor: Number((bits >> 8n) & 0xffn),
    abiMinor: Number(bits & 0xffn),
    smt: has(16n),
    migrateMa: has(18n),
    debug: has(19n),
    singleSocket: has(20n),
    cxl: has(21n),
    memAes256Xts: has(22n),
    raplDisabled: has(23n),
    ciphertextHidingDram: has(24n),
    pageSwapDisabled: has(25n),
  }
}

function platform(bits: bigint): PlatformInfo {
  const has = (bit: bigint): boolean => ((bits >> bit) & 1n) === 1n
  return {
    smt: has(0n),
    tsme: has(1n),
    ecc: has(2n),
    raplDisabled: has(3n),
    ciphertextHidingDram: has(4n),
    aliasCheckComplete: has(5n),
    iommuWriteSafe: has(6n),
    tio: has(7n),
    unknown: ((bits >> 8n) << 8n).toString(16),
  }
}

export const hexOfTcb = (version: Uint8Array): string => bytesToHex(version)
