import { hexToBytes } from '@noble/hashes/utils.js'
import type { PckExtensions } from './pck.ts'
import type { SgxReport, TdReport } from './report.ts'
import {
  LEVEL_STATUSES,
  type LevelStatus,
  type ModuleIdentity,
  type QeIdentity,
  type SvnLevel,
  type TcbInfo,
  type TdxTcbInfo,
} from './tcb-info.ts'

/** What the levels come to, in Intel's words. `TCBNotSupported`: below every level that Intel lists. */
export const TCB_STATUSES = [
  ...LEVEL_STATUSES,
  'TDRelaunchAdvised',
  'TDRelaunchAdvisedConfigurationNeeded',
  'TCBNotSupported',
] as const
export type TcbStatus = (typeof TCB_STATUSES)[number]

export interface TcbEvaluation {
  readonly platform: TcbStatus
  /** Absent for SGX; `TCBNotSupported` for a version of the module that the TCB info does not list. */
  readonly module?: TcbStatus
  /** Absent where there is no QE identity for this TEE. */
  readonly qe?: TcbStatus
  readonly converged: TcbStatus
  /** Of the matched levels of platform, module and quoting enclave; sorted. */
  readonly advisories: readonly string[]
}

/**
 * Intel's algorithm (Quote Verification Library, TcbLevelCheck, TdxModuleCheck, TDRelaunchCheck): the levels of the
 * platform, of the TDX module and of the quoting enclave, and what they come to together.
 */
export function evaluateTcb(
  pck: PckExtensions,
  tcbInfo: TcbInfo,
  td: TdReport | undefined,
  qe: { readonly report: SgxReport; readonly identity: QeIdentity } | undefined,
): TcbEvaluation {
  const qeLevel = qe && firstReached(qe.identity.tcbLevels, qe.report.isvSvn)
  const qeStatus: TcbStatus | undefined = qe && (qeLevel?.tcbStatus ?? 'TCBNotSupported')
  const advisories = (...levels: ({ readonly advisoryIDs: readonly string[] } | undefined)[]) =>
    [...new Set(levels.flatMap((level) => level?.advisoryIDs ?? []))].sort()
  const common = qeStatus === undefined ? {} : { qe: qeStatus }
  if (tcbInfo.id === 'SGX') {
    const level = tcbInfo.tcbLevels.find((l) => reachesSgx(pck, l.tcb))
    const platform = level?.tcbStatus ?? 'TCBNotSupported'
    const converged = withQe(platform, qeStatus)
    return { ...common, platform, converged, advisories: advisories(level, qeLevel) }
  }
  if (td === undefined) throw new TypeError('TCB info of TDX needs the report of a domain')
  const svn = hexToBytes(td.teeTcbSvn)
  const sgxLevel = tcbInfo.tcbLevels.find((l) => reachesSgx(pck, l.tcb))
  const level = tcbInfo.tcbLevels.find((l) => reachesSgx(pck, l.tcb) && reachesTdx(svn, l.tcb.tdxtcbcomponents))
  const moduleLevel = matchModule(tcbInfo, svn)
  const module: TcbStatus = moduleLevel === 'none' ? 'UpToDate' : (moduleLevel?.tcbStatus ?? 'TCBNotSupported')
  const found = {
    ...common,
    module,
    advisories: advisories(level, moduleLevel === 'none' ? undefined : moduleLevel, qeLevel),
  }
  const platform = level?.tcbStatus ?? 'TCBNotSupported'
  if (level === undefined || module === 'TCBNotSupported') return { ...found, platform, converged: 'TCBNotSupported' }
  // The level that the SGX side alone reaches stands above; when Intel revoked it, nothing below it counts.
  if (sgxLevel?.tcbStatus === 'Revoked') return { ...found, platform: 'Revoked', converged: 'Revoked' }
  const both = worse(level.tcbStatus, module)
  const current = qeStatus === undefined || qeStatus === 'UpToDate' ? td.teeTcbSvn2 : undefined
  const domain =
    current === undefined || sgxLevel === undefined
      ? both
      : withRelaunch(hexToBytes(current), tcbInfo, sgxLevel.tcbStatus, both, module)
  return { ...found, platform, converged: withQe(domain, qeStatus) }
}

type Level = TcbInfo['tcbLevels'][number]

/** Every component, and the PCE: one that is lower makes the whole lower. */
const reachesSgx = (pck: PckExtensions, level: Level['tcb']): boolean =>
  level.sgxtcbcomponents.every((needed, i) => (pck.components[i] ?? -1) >= needed) && pck.pceSvn >= level.pcesvn

/** Components 0 and 1 are the module's SVN and version: judged by its own identity when it has one. */
const reachesTdx = (svn: Uint8Array, needed: readonly number[]): boolean =>
  needed.every((n, i) => (i < 2 && hasIdentity(svn)) || (svn[i] ?? -1) >= n)

const hasIdentity = (svn: Uint8Array): boolean => (svn[1] ?? 0) > 0

const firstReached = (levels: readonly SvnLevel[], svn: number): SvnLevel | undefined =>
  levels.find((level) => svn >= level.tcb.isvsvn)

export function moduleIdentity(tcbInfo: TdxTcbInfo, svn: Uint8Array): ModuleIdentity | undefined {
  const id = `TDX_${(svn[1] ?? 0).toString(16).padStart(2, '0')}`.toUpperCase()
  return tcbInfo.tdxModuleIdentities.find((identity) => identity.id.toUpperCase() === id)
}

/** `none`: a module of version 0 has no identity of its own, and is judged with the platform. */
function matchModule(tcbInfo: TdxTcbInfo, svn: Uint8Array): SvnLevel | 'none' | undefined {
  if (!hasIdentity(svn)) return 'none'
  return firstReached(moduleIdentity(tcbInfo, svn)?.tcbLevels ?? [], svn[0] ?? 0)
}

const needsConfiguration = (status: TcbStatus): boolean =>
  status === 'ConfigurationNeeded' ||
  status === 'OutOfDateConfigurationNeeded' ||
  status === 'ConfigurationAndSWHardeningNeeded' ||
  status === 'TDRelaunchAdvisedConfigurationNeeded'

/** Module and quoting enclave have three statuses that matter: up to date, out of date (any other), revoked. */
function worse<S extends TcbStatus>(
  status: S,
  part: TcbStatus,
): S | 'Revoked' | 'OutOfDate' | 'OutOfDateConfigurationNeeded' {
  if (part === 'UpToDate') return status
  if (part === 'Revoked') return 'Revoked'
  switch (status) {
    case 'UpToDate':
    case 'SWHardeningNeeded':
      return 'OutOfDate'
    case 'ConfigurationNeeded':
    case 'ConfigurationAndSWHardeningNeeded':
      return 'OutOfDateConfigurationNeeded'
    default:
      return status
  }
}

function withQe(status: TcbStatus, qe: TcbStatus | undefined): TcbStatus {
  if (status === 'TCBNotSupported' || status === 'Revoked' || qe === undefined) return status
  return qe === 'TCBNotSupported' ? qe : worse(status, qe)
}

/** A module that was updated below a running domain, to its newest level: the domain's next launch would be up to date. */
function withRelaunch(
  now: Uint8Array,
  tcbInfo: TdxTcbInfo,
  sgx: LevelStatus,
  tdx: TcbStatus,
  module: TcbStatus,
): TcbStatus {
  const late = (tdx === 'OutOfDate' || tdx === 'OutOfDateConfigurationNeeded') && module === 'OutOfDate'
  if (!late || sgx.startsWith('OutOfDate') || sgx === 'Revoked') return tdx
  const newest = tcbInfo.tcbLevels[0]?.tcb.tdxtcbcomponents
  const needed = hasIdentity(now) ? moduleIdentity(tcbInfo, now)?.tcbLevels[0]?.tcb.isvsvn : newest?.[0]
  const microcode = newest?.[2]
  // What runs now is of a version that the TCB info does not list.
  if (needed === undefined || microcode === undefined) return 'TCBNotSupported'
  if ((now[0] ?? -1) < needed || (now[2] ?? -1) < microcode) return tdx
  return needsConfiguration(sgx) || needsConfiguration(tdx)
    ? 'TDRelaunchAdvisedConfigurationNeeded'
    : 'TDRelaunchAdvised'
}
