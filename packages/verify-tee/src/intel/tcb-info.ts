import { parseJsonText } from '@veristack/core/receipt'
import * as z from 'zod'
import { malformed } from '../ledger.ts'
import { FOR_PEOPLE, faultOf } from '../policy/index.ts'

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

/** Bytes in hexadecimal of either case, as the services write it; lower case afterwards. */
const hex = (bytes: number) =>
  z
    .string()
    .regex(new RegExp(`^[0-9a-fA-F]{${2 * bytes}}$`), `${bytes} bytes in hexadecimal`)
    .toLowerCase()

const MOMENT = /^(\d{4})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\dZ$/

/** `2025-06-19T10:16:03Z`. */
const moment = z.string().refine((text) => {
  const [, year, month, day] = MOMENT.exec(text) ?? []
  if (day === undefined) return false
  // Dates that do not exist (30 February) are moved on by some engines.
  return Number(day) <= 28 || new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate() >= Number(day)
}, 'a time in Zulu with seconds')
/** As Unix seconds. */
const time = moment.transform((text) => BigInt(Date.parse(text) / 1000))

const count = (maximum: number) => z.int().min(0).max(maximum)
const advisories = z.array(z.string().regex(/^[A-Z0-9-]{1,64}$/)).max(1024)
const status = z.enum(LEVEL_STATUSES)
const level = { tcbDate: moment, tcbStatus: status, advisoryIDs: advisories.default([]) }

interface Component {
  readonly svn: number
}

/** Of our own: they are most of a TCB info, and a schema takes ten times as long over them. */
function isComponent(value: unknown): value is Component {
  if (typeof value !== 'object' || value === null) return false
  const { svn, category, type }: { readonly svn?: unknown; readonly category?: unknown; readonly type?: unknown } =
    value
  if (typeof svn !== 'number' || !Number.isInteger(svn) || svn < 0 || svn > 255) return false
  const known = 1 + (isLabel(category) ? 1 : 0) + (isLabel(type) ? 1 : 0)
  return Object.keys(value).length === known
}

const isLabel = (value: unknown): boolean => typeof value === 'string' && value.length <= 128

const components = z
  .custom<readonly Component[]>(
    (value) => Array.isArray(value) && value.length === 16 && value.every(isComponent),
    '16 components: each an SVN from 0 to 255, with category and type or without',
  )
  .transform((list) => list.map(({ svn }) => svn))

/** Highest first, as the services list them; the first that a platform reaches is its own. */
const svnLevels = z
  .array(z.strictObject({ tcb: z.strictObject({ isvsvn: count(65_535) }), ...level }))
  .min(1)
  .max(256)

const module_ = { mrsigner: hex(48), attributes: hex(8), attributesMask: hex(8) }

const dated = { issueDate: time, nextUpdate: time, tcbEvaluationDataNumber: count(2 ** 31) }
const platform = { ...dated, version: z.literal(3), fmspc: hex(6), pceId: hex(2), tcbType: z.literal(0) }
const platformLevels = <T extends z.ZodRawShape>(more: T) =>
  z
    .array(
      z.strictObject({
        tcb: z.strictObject({ sgxtcbcomponents: components, pcesvn: count(65_535), ...more }),
        ...level,
      }),
    )
    .min(1)
    .max(256)

const sgxTcbInfo = z.strictObject({ id: z.literal('SGX'), ...platform, tcbLevels: platformLevels({}) })
const tdxTcbInfo = z.strictObject({
  id: z.literal('TDX'),
  ...platform,
  tdxModule: z.strictObject(module_),
  tdxModuleIdentities: z
    .array(z.strictObject({ id: z.string().regex(/^TDX_[0-9A-Fa-f]{2}$/), ...module_, tcbLevels: svnLevels }))
    .max(256)
    .default([]),
  tcbLevels: platformLevels({ tdxtcbcomponents: components }),
})
const tcbInfo = z.discriminatedUnion('id', [sgxTcbInfo, tdxTcbInfo])
const qeIdentity = z.strictObject({
  id: z.enum(['QE', 'TD_QE']),
  version: z.literal(2),
  ...dated,
  miscselect: hex(4),
  miscselectMask: hex(4),
  attributes: hex(16),
  attributesMask: hex(16),
  mrsigner: hex(32),
  isvprodid: count(65_535),
  tcbLevels: svnLevels,
})

export type SgxTcbInfo = z.infer<typeof sgxTcbInfo> | z.infer<typeof oldTcbInfo>
export type TdxTcbInfo = z.infer<typeof tdxTcbInfo>
export type TcbInfo = SgxTcbInfo | TdxTcbInfo
export type QeIdentity = z.infer<typeof qeIdentity>
export type SvnLevel = QeIdentity['tcbLevels'][number]
export type ModuleIdentity = TdxTcbInfo['tdxModuleIdentities'][number]

const LIMITS = { maxBytes: 1 << 20, maxDepth: 10 }

/** Version 2 (Intel PCS APIs 2 and 3) is for SGX alone, and names the components one by one. */
const numbers = Array.from({ length: 16 }, (_, i) => `sgxtcbcomp${`${i + 1}`.padStart(2, '0')}svn`)
const namedComponents = z
  .strictObject({ pcesvn: count(65_535), ...Object.fromEntries(numbers.map((name) => [name, count(255)])) })
  .transform(({ pcesvn = 0, ...tcb }: Readonly<Record<string, number>>) => ({
    sgxtcbcomponents: numbers.map((name) => tcb[name] ?? 0),
    pcesvn,
  }))
const oldTcbInfo = z
  .strictObject({
    ...platform,
    version: z.literal(2),
    tcbLevels: z
      .array(z.strictObject({ tcb: namedComponents, ...level }))
      .min(1)
      .max(256),
  })
  .transform((info) => ({ id: 'SGX' as const, ...info }))

/** TCB info of version 3 (Intel PCS API version 4). Unknown fields are refused: they may restrict what the known ones say. */
export const readTcbInfo = (body: string): TcbInfo =>
  read<TcbInfo>((value) => (isVersion2(value) ? oldTcbInfo : tcbInfo), body, 'tcb_info')

const isVersion2 = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && 'version' in value && value.version === 2

/** QE identity of version 2 (Intel PCS API version 4). */
export const readQeIdentity = (body: string): QeIdentity => read(() => qeIdentity, body, 'qe_identity')

function read<T>(schemaOf: (value: unknown) => z.ZodType<T>, body: string, field: string): T {
  let value: unknown
  try {
    value = parseJsonText(body, field, LIMITS)
  } catch (error) {
    throw malformed(
      field,
      'JSON with each name once',
      error instanceof Error ? (error.message.split('\n')[1] ?? '') : '',
    )
  }
  const result = schemaOf(value).safeParse(value, FOR_PEOPLE)
  if (result.success) return result.data
  const { path, expected, got } = faultOf(result.error)
  throw malformed([field, ...path].join('.'), expected, got)
}
