import { bytesToHex } from '@noble/hashes/utils.js'
import { malformed } from '../ledger.ts'
import {
  type Certificate,
  type Der,
  DerFields,
  derBoolean,
  derOctets,
  derOid,
  derSmall,
  parseDer,
  TAG,
} from '../pki/index.ts'

export const SGX_EXTENSION = '1.2.840.113741.1.13.1'
/** The same as DER has it. */
const SGX_ARCS = [0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01] as const

/** What Intel says of a platform in the certificate of its provisioning key. Hexadecimal in lower case. */
export interface PckExtensions {
  /** Names the platform: 16 bytes. */
  readonly ppid: string
  /** SVNs of the 16 SGX TCB components, 0 to 255. */
  readonly components: readonly number[]
  readonly pceSvn: number
  readonly cpuSvn: string
  readonly pceId: string
  readonly fmspc: string
  readonly sgxType: 'standard' | 'scalable' | 'scalable-with-integrity'
  /** Of platforms of several packages. */
  readonly platformInstanceId?: string
  readonly configuration?: {
    readonly dynamicPlatform?: boolean
    readonly cachedKeys?: boolean
    readonly smtEnabled?: boolean
  }
}

const NAME = 'PCK certificate SGX extensions'
const TYPES = ['standard', 'scalable', 'scalable-with-integrity'] as const

/** Intel SGX PCK Certificate and CRL Profile Specification, section 1.3.5. Each field once, none that is not known. */
export function readPckExtensions(certificate: Certificate): PckExtensions {
  const extension = certificate.extensions.get(SGX_EXTENSION)
  if (extension === undefined) throw malformed(NAME, SGX_EXTENSION, 'none')
  const fields = table(parseDer(extension.value, NAME), SGX_ARCS, 7)
  const tcb = table(required(fields, 2), [...SGX_ARCS, 2], 18)
  const components = Array.from({ length: 16 }, (_, i) =>
    derSmall(required(tcb, i + 1), `${NAME}.component${i + 1}`, 255),
  )
  const sgxType = TYPES[derSmall(required(fields, 5), `${NAME}.sgxType`, 2, TAG.enumerated)]
  if (sgxType === undefined) throw malformed(`${NAME}.sgxType`, '0 to 2', 'another')
  const instance = fields.get(6)
  const configuration = fields.get(7)
  return {
    ppid: octets(required(fields, 1), 16, 'ppid'),
    components,
    pceSvn: derSmall(required(tcb, 17), `${NAME}.pceSvn`, 0xffff),
    cpuSvn: octets(required(tcb, 18), 16, 'cpuSvn'),
    pceId: octets(required(fields, 3), 2, 'pceId'),
    fmspc: octets(required(fields, 4), 6, 'fmspc'),
    sgxType,
    ...(instance === undefined ? {} : { platformInstanceId: octets(instance, 16, 'platformInstanceId') }),
    ...(configuration === undefined ? {} : { configuration: readConfiguration(configuration) }),
  }
}

function readConfiguration(value: Der): NonNullable<PckExtensions['configuration']> {
  const flags = table(value, [...SGX_ARCS, 7], 3)
  const names = ['dynamicPlatform', 'cachedKeys', 'smtEnabled'] as const
  const found: [string, boolean][] = []
  for (const [i, name] of names.entries()) {
    const flag = flags.get(i + 1)
    if (flag !== undefined) found.push([name, derBoolean(flag, `${NAME}.${name}`)])
  }
  return Object.fromEntries(found)
}

/** `SEQUENCE OF SEQUENCE { OID under parent, value }`, by the last arc. */
function table(list: Der, parent: readonly number[], maximum: number): ReadonlyMap<number, Der> {
  const found = new Map<number, Der>()
  for (const rows = new DerFields(list, NAME); rows.more; ) {
    const row = new DerFields(rows.next('field'), NAME)
    const id = row.next('identifier')
    const value = row.next('value')
    row.end()
    const arc = lastArc(id, parent)
    if (arc < 1 || arc > maximum) throw malformed(NAME, `fields 1 to ${maximum} of a list`, derOid(id, NAME))
    if (found.has(arc)) throw malformed(NAME, 'each field once', `${derOid(id, NAME)} twice`)
    found.set(arc, value)
  }
  return found
}

/** Of an identifier that has one arc more than `parent`, a small one; else 0. */
function lastArc({ tag, source, from, end }: Der, parent: readonly number[]): number {
  const arc = source[end - 1] ?? 0
  const isBelow =
    tag === TAG.oid && end - from === parent.length + 1 && parent.every((byte, i) => source[from + i] === byte)
  return isBelow && arc < 0x80 ? arc : 0
}

function required(fields: ReadonlyMap<number, Der>, arc: number): Der {
  const value = fields.get(arc)
  if (value === undefined) throw malformed(NAME, `field ${arc}`, 'none')
  return value
}

function octets(value: Der, length: number, field: string): string {
  const bytes = derOctets(value, `${NAME}.${field}`)
  if (bytes.length !== length) throw malformed(`${NAME}.${field}`, `${length} bytes`, `${bytes.length}`)
  return bytesToHex(bytes)
}
