import { Cursor } from '../bytes.ts'
import { malformed } from '../ledger.ts'
import type { Certificate } from '../pki/index.ts'
import { type PckExtensions, readPckExtensions } from './pck.ts'

/** The certificate of a platform's provisioning key (PCK), with what it says, its CA, and all of its chain, leaf first. */
export interface Certified {
  readonly kind: 'chain'
  readonly chain: readonly Certificate[]
  readonly leaf: Certificate
  readonly ca: Certificate
  readonly pck: PckExtensions
}

/** What names a PCK certificate at Intel's service. Hexadecimal in lower case. */
export interface PckId {
  readonly kind: 'id'
  /** 16 bytes; where it is not encrypted. */
  readonly ppid?: string
  /** To a key of Intel's, with RSA-2048 or RSA-3072. */
  readonly encryptedPpid?: string
  readonly cpuSvn: string
  readonly pceSvn: number
  /** Older quoting enclaves leave it away. */
  readonly pceId?: string
}

export function certifiedBy(chain: readonly Certificate[], name: string): Certified {
  const [leaf, ca] = chain
  if (leaf === undefined || ca === undefined)
    throw malformed(name, 'a PCK certificate and its issuer', `${chain.length} certificates`)
  return { kind: 'chain', chain, leaf, ca, pck: readPckExtensions(leaf) }
}

const PPID_BYTES = { 1: 16, 2: 256, 3: 384 } as const

/** SGX ECDSA QuoteLib reference, appendix A.4, certification data of types 1 to 3. */
export function readPckId(type: 1 | 2 | 3, data: Uint8Array): PckId {
  const c = new Cursor(data, 'quote.pckId')
  const ppid = c.hex(PPID_BYTES[type], 'ppid')
  const cpuSvn = c.hex(16, 'cpuSvn')
  const pceSvn = c.u16('pceSvn')
  const pceId = c.left === 0 ? undefined : c.hex(2, 'pceId')
  if (c.left !== 0) throw malformed(c.name, 'nothing after the PCE id', `${c.left} bytes`)
  return {
    kind: 'id',
    ...(type === 1 ? { ppid } : { encryptedPpid: ppid }),
    cpuSvn,
    pceSvn,
    ...(pceId === undefined ? {} : { pceId }),
  }
}

/** Where the certificate is not the one that is named. */
export function differences(id: PckId, pck: PckExtensions): readonly string[] {
  return (['ppid', 'cpuSvn', 'pceSvn', 'pceId'] as const).flatMap((field) =>
    id[field] === undefined || id[field] === pck[field] ? [] : [`${field} ${pck[field]} for ${id[field]}`],
  )
}
