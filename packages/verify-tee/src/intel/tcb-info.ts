import { parseJsonText } from '@veristack/core/receipt'
import { malformed } from '../ledger.ts'
import { shown } from '../policy/index.ts'
import { count, hex, listOf, listOrNone, literal, moment, type Read, record, textLike, time } from './strict.ts'

/** The statuses that Intel gives to levels, in the spelling of its services. */
export const LEVEL_STATUSES = [
  'UpToDate',
  'SWHardeningNeeded',
  'ConfigurationNeeded',
  'ConfigurationAndSWHardeningNeeded',
  'OutOfDate',
  'OutOfDateConfigurationNeeded',
  'Revoked',
] as const
export type LevelStatus = (typeof LEVEL_STATUSES)[number]

interface Component {
  readonly svn: number
}

/** Most of a TCB info: no record of its own. */
function isComponent(value: unknown): value is Component {
  if (typeof value !== 'object' || value === null) return false
  const { svn, category, type }: { readonly svn?: unknown; readonly category?: unknown; readonly type?: unknown } =
    value
  if (typeof svn !== 'number' || !Number.isInteger(svn) || svn < 0 || svn > 255) return false
  const known = 1 + (isLabel(category) ? 1 : 0) + (isLabel(type) ? 1 : 0)
  return Object.keys(value).length === known
}

const isLabel = (value: unknown): boolean => typeof value === 'string' && value.length <= 128

const components: Read<readonly number[]> = (value, at) => {
  if (!Array.isArray(value) || value.length !== 16 || !value.every(isComponent))
    throw malformed(
      at,
      '16 components: each an SVN from 0 to 255, with category and type or without',
      Array.isArray(value) ? `${value.length} others` : shown(value),
    )
  return value.map(({ svn }) => svn)
}

const MOST = 256
const advisories = listOrNone(listOf(textLike(/^[A-Z0-9-]{1,64}$/, 'an advisory such as INTEL-SA-00615'), 0, 1024))
/** Highest first, as the services list them; the first that a platform reaches is its own. */
const levelsOf = <T>(tcb: Read<T>) =>
  listOf(record({ tcb, tcbDate: moment, tcbStatus: literal(...LEVEL_STATUSES), advisoryIDs: advisories }), 1, MOST)

const svnLevels = levelsOf(record({ isvsvn: count(65_535) }))
const moduleFields = { mrsigner: hex(48), attributes: hex(8), attributesMask: hex(8) }
const dated = { issueDate: time, nextUpdate: time, tcbEvaluationDataNumber: count(2 ** 31) }
const platform = { ...dated, fmspc: hex(6), pceId: hex(2), tcbType: literal(0) }
const sgxTcb = { sgxtcbcomponents: components, pcesvn: count(65_535) }

const sgxTcbInfo = record({
  id: literal('SGX'),
  version: literal(3),
  ...platform,
  tcbLevels: levelsOf(record(sgxTcb)),
})
const tdxTcbInfo = record({
  id: literal('TDX'),
  version: literal(3),
  ...platform,
  tdxModule: record(moduleFields),
  tdxModuleIdentities: listOrNone(
    listOf(
      record({
        id: textLike(/^TDX_[0-9A-Fa-f]{2}$/, 'an id such as TDX_01'),
        ...moduleFields,
        tcbLevels: svnLevels,
      }),
      0,
      MOST,
    ),
  ),
  tcbLevels: levelsOf(record({ ...sgxTcb, tdxtcbcomponents: components })),
})

/** Version 2 (Intel PCS APIs 2 and 3) is for SGX alone, and names the components one by one. */
const NUMBERS = Array.from({ length: 16 }, (_, i) => `sgxtcbcomp${`${i + 1}`.padStart(2, '0')}svn`)
const named = record({ ...Object.fromEntries(NUMBERS.map((name) => [name, count(255)])), pcesvn: count(65_535) })
const namedComponents: Read<ReturnType<typeof sgxTcbOf>> = (value, at) => sgxTcbOf(named(value, at))
const sgxTcbOf = ({ pcesvn = 0, ...tcb }: { readonly [name: string]: number }) => ({
  sgxtcbcomponents: NUMBERS.map((name) => tcb[name] ?? 0),
  pcesvn,
})
const oldTcbInfo = record({ version: literal(2), ...platform, tcbLevels: levelsOf(namedComponents) })

const qeIdentity = record({
  id: literal('QE', 'TD_QE'),
  version: literal(2),
  ...dated,
  miscselect: hex(4),
  miscselectMask: hex(4),
  attributes: hex(16),
  attributesMask: hex(16),
  mrsigner: hex(32),
  isvprodid: count(65_535),
  tcbLevels: svnLevels,
})

export type TdxTcbInfo = ReturnType<typeof tdxTcbInfo>
export type SgxTcbInfo = ReturnType<typeof sgxTcbInfo> | ({ readonly id: 'SGX' } & ReturnType<typeof oldTcbInfo>)
export type TcbInfo = SgxTcbInfo | TdxTcbInfo
export type QeIdentity = ReturnType<typeof qeIdentity>
export type SvnLevel = QeIdentity['tcbLevels'][number]
export type ModuleIdentity = TdxTcbInfo['tdxModuleIdentities'][number]

/** TCB info of version 3 (Intel PCS API version 4). Unknown fields are refused: they may restrict what the known ones say. */
export function readTcbInfo(body: string): TcbInfo {
  const value = parsed(body, 'tcb_info')
  const { id, version }: { readonly id?: unknown; readonly version?: unknown } = Object(value)
  if (version === 2) return { id: 'SGX', ...oldTcbInfo(value, 'tcb_info') }
  return id === 'TDX' ? tdxTcbInfo(value, 'tcb_info') : sgxTcbInfo(value, 'tcb_info')
}

/** QE identity of version 2 (Intel PCS API version 4). */
export const readQeIdentity = (body: string): QeIdentity => qeIdentity(parsed(body, 'qe_identity'), 'qe_identity')

const LIMITS = { maxBytes: 1 << 20, maxDepth: 10 }

function parsed(body: string, field: string): unknown {
  try {
    return parseJsonText(body, field, LIMITS)
  } catch (error) {
    const details: unknown = error instanceof Error && 'details' in error ? error.details : undefined
    const { expected, got } = (details ?? {}) as { readonly expected?: unknown; readonly got?: unknown }
    throw malformed(field, String(expected ?? 'JSON within limits'), String(got ?? 'other text').slice(0, 80))
  }
}
