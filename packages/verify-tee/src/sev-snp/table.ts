import { bytesToHex } from '@noble/hashes/utils.js'
import { Cursor, isZero } from '../bytes.ts'
import { Refusal } from '../ledger.ts'

const ENTRY_BYTES = 24
const MAX_ENTRIES = 32

/**
 * Keys of the table that a host hands out with a report (GHCB standardization, 56421, section 4.1.8.1), as they are
 * written. Hosts lay the bytes out in this order, or with the first three groups little-endian as in UEFI.
 */
const NAMES = {
  '63da758de6644564adc5f4b93be8accd': 'vcek',
  a8074bc2a25a483eaae639c045a0b8a1: 'vlek',
  '4ab7b379bbac4fe4a02f05aef327c782': 'ask',
  c0b406a4a803495297433fb6014cd0ae: 'ark',
  '92f81bc358114d3d97ffd19f88dc67ea': 'crl',
} as const

type Name = (typeof NAMES)[keyof typeof NAMES]

/** Certificates as the host gave them: nobody signed the table. */
export interface CertificateTable extends Readonly<Partial<Record<Name, Uint8Array>>> {
  /** Keys that are not known here: their entries are not read. */
  readonly others: readonly string[]
}

const refuse = (detail: string): Refusal => new Refusal('trailing-bytes', 'VS_TEE_TRAILING_BYTES', detail)

/**
 * What follows a report: nothing, or a table whose entries (key, offset, length) end with one of zeros, lie behind the
 * table, do not overlap, and have nothing but zeros around them. Pages of zeros are a table without entries.
 */
export function parseTable(bytes: Uint8Array): CertificateTable {
  const found: Partial<Record<Name, Uint8Array>> = {}
  const others: string[] = []
  if (bytes.length === 0) return { others }
  const header = new Cursor(bytes, 'certificateTable')
  const ranges: { readonly from: number; readonly to: number }[] = []
  for (;;) {
    if (header.left < ENTRY_BYTES) throw refuse(`${bytes.length} bytes follow the report, and are no certificate table`)
    const key = bytesToHex(header.take(16, 'key'))
    const offset = header.u32('offset')
    const length = header.u32('length')
    if (/^0+$/.test(key) && offset === 0 && length === 0) break
    if (ranges.length === MAX_ENTRIES) throw refuse(`the certificate table has more than ${MAX_ENTRIES} entries`)
    if (offset + length > bytes.length) throw refuse(`entry ${key} ends behind the certificate table`)
    ranges.push({ from: offset, to: offset + length })
    const name = NAME_OF.get(key)
    if (name === undefined) others.push(key)
    else if (found[name] !== undefined) throw refuse(`the certificate table has two entries ${name}`)
    else found[name] = bytes.subarray(offset, offset + length)
  }
  let at = header.at
  for (const { from, to } of ranges.toSorted((a, b) => a.from - b.from || a.to - b.to)) {
    if (from < at) throw refuse('entries of the certificate table overlap')
    if (!isZero(bytes.subarray(at, from))) throw refuse('there are bytes between the entries of the certificate table')
    at = to
  }
  if (!isZero(bytes.subarray(at))) throw refuse('there are bytes after the certificate table')
  return { ...found, others }
}

const NAME_OF: ReadonlyMap<string, Name> = new Map(
  Object.entries(NAMES).flatMap(([key, name]) => [
    [key, name],
    [mixed(key), name],
  ]),
)

function mixed(key: string): string {
  const turned = (from: number, to: number): string => (key.slice(from, to).match(/../g) ?? []).toReversed().join('')
  return `${turned(0, 8)}${turned(8, 12)}${turned(12, 16)}${key.slice(16)}`
}
