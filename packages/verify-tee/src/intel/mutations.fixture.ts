import { concatBytes } from '@noble/hashes/utils.js'
import fc from 'fast-check'
import type { IntelCollateral } from './index.ts'
import { certificate, issuerOf, makeCollateral, pem } from './platform.fixture.ts'

/** One thing that is done to bytes: places and lengths are taken modulo what there is. */
export interface Mutation {
  readonly kind: 'bit' | 'byte' | 'cut' | 'insert' | 'truncate' | 'splice' | 'swap'
  readonly at: number
  readonly from: number
  readonly length: number
  readonly value: number
}

export const mutation: fc.Arbitrary<Mutation> = fc.record({
  kind: fc.constantFrom('bit', 'byte', 'cut', 'insert', 'truncate', 'splice', 'swap'),
  at: fc.nat(1 << 20),
  from: fc.nat(1 << 20),
  length: fc.nat(700),
  value: fc.nat(255),
})

/** `other` is what parts are spliced from: bytes of the same kind. */
export function mutate(bytes: Uint8Array, other: Uint8Array, m: Mutation): Uint8Array {
  const at = m.at % Math.max(1, bytes.length)
  const from = m.from % Math.max(1, other.length)
  if (bytes.length === 0) return m.kind === 'splice' ? other.slice(from, from + m.length) : Uint8Array.of(m.value)
  switch (m.kind) {
    case 'bit':
      return bytes.with(at, (bytes[at] ?? 0) ^ (1 << (m.value & 7)))
    case 'byte':
      return bytes.with(at, m.value)
    case 'cut':
      return concatBytes(bytes.subarray(0, at), bytes.subarray(at + 1 + (m.length % 64)))
    case 'insert':
      return concatBytes(bytes.subarray(0, at), Uint8Array.of(m.value), bytes.subarray(at))
    case 'truncate':
      return bytes.slice(0, at)
    case 'splice':
      return concatBytes(bytes.subarray(0, at), other.subarray(from, from + m.length), bytes.subarray(at))
    case 'swap': {
      const part = other.subarray(at, at + m.length)
      const out = bytes.slice()
      out.set(part.subarray(0, Math.max(0, out.length - at)), at)
      return out
    }
  }
}

/** Collateral with all its parts. */
export const wholeCollateral = (): IntelCollateral =>
  makeCollateral({
    after: (c) => ({
      ...c,
      pck_certificate_chain: pem(certificate('pck'), certificate('platform'), certificate('root')),
    }),
  })

/** Of the same authority, and in no part of use for the same quote: what is wholly replaced by it has to be refused too. */
export const foreignCollateral = (): IntelCollateral =>
  makeCollateral({
    tee: 'SGX',
    rootCrl: { revoked: [{ serial: 2n }] },
    pckCrl: { issuer: issuerOf('processor') },
    after: (c) => ({
      ...c,
      pck_crl_issuer_chain: pem(certificate('processor'), certificate('root')),
      pck_certificate_chain: pem(certificate('pck', undefined, {}), certificate('platform'), certificate('root')),
    }),
  })

const FIELDS = [
  'tcb_info',
  'tcb_info_signature',
  'tcb_info_issuer_chain',
  'qe_identity',
  'qe_identity_signature',
  'qe_identity_issuer_chain',
  'root_ca_crl',
  'pck_crl',
  'pck_crl_issuer_chain',
  'pck_certificate_chain',
] as const

/** The chains that may be left away may be empty too, which is the same; and that of the quote may end as in a quote. */
export function saysTheSame(a: IntelCollateral, b: IntelCollateral): boolean {
  const optional: readonly string[] = ['pck_crl_issuer_chain', 'pck_certificate_chain']
  const trimmed = (chain: string | null | undefined) => chain?.replace(/\n?\0?$/, '')
  return FIELDS.every(
    (field) =>
      a[field] === b[field] ||
      (optional.includes(field) && !a[field]) ||
      (field === 'pck_certificate_chain' && trimmed(a[field]) === trimmed(b[field])),
  )
}

/** The text of one field, changed as bytes are; splices come from the same field of other collateral. */
export function mutateCollateral(given: IntelCollateral, other: IntelCollateral, m: Mutation): IntelCollateral {
  const field = FIELDS[m.from % FIELDS.length] ?? 'tcb_info'
  const bytesOf = (c: IntelCollateral) => Uint8Array.from(c[field] ?? '', (ch) => ch.charCodeAt(0))
  const changed = mutate(bytesOf(given), bytesOf(other), m)
  return { ...given, [field]: String.fromCharCode(...changed) }
}
