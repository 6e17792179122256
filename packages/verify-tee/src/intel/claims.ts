import { bytesToHex } from '@noble/hashes/utils.js'
import { inspected } from '../inspection.ts'
import { evidenceOf } from '../options.ts'
import { commonName } from '../pki/index.ts'
import type { Certified, PckId } from './certification.ts'
import { MAX_QUOTE_BYTES, parseQuote, type Quote, type QuoteBody } from './parse.ts'
import type { PckExtensions } from './pck.ts'
import type { SgxReport } from './report.ts'

/** Everything that a quote says, as plain data. Byte strings in lower-case hexadecimal. */
export type IntelClaims = QuoteBody & {
  readonly version: 3 | 4 | 5
  readonly qeVendorId: string
  readonly userData: string
  readonly headerSvn?: { readonly qe: number; readonly pce: number }
  readonly attestationKey: string
  readonly qe: { readonly report: SgxReport; readonly authData: string }
  /** Absent where the quote only names the certificate, and nobody gave it. */
  readonly pck?: PckExtensions & { readonly serial: string; readonly issuer: string }
  /** What names the certificate, in quotes without one. */
  readonly pckId?: PckId
  /** Leaf first; times are Unix seconds, in decimal. */
  readonly chain: readonly {
    readonly subject: string
    readonly serial: string
    readonly notBefore: string
    readonly notAfter: string
  }[]
  /** Bytes after the quote. */
  readonly trailingBytes: number
}

/** `certified` has the certificate that the quote only names. */
export function claimsOf(quote: Quote, certified?: Certified): IntelClaims {
  const { certification } = quote
  const { leaf, pck, chain = [] } = certified ?? (certification.kind === 'chain' ? certification : {})
  return {
    ...quote.body,
    version: quote.version,
    qeVendorId: quote.qeVendorId,
    userData: quote.userData,
    ...(quote.headerSvn === undefined ? {} : { headerSvn: quote.headerSvn }),
    attestationKey: bytesToHex(quote.attestationKey),
    qe: { report: quote.qeReport, authData: bytesToHex(quote.qeAuthData) },
    ...(pck === undefined || leaf === undefined
      ? {}
      : { pck: { ...pck, serial: leaf.serial, issuer: commonName(leaf.issuer) ?? '' } }),
    ...(certification.kind === 'id' ? { pckId: certification } : {}),
    chain: chain.map((c) => ({
      subject: commonName(c.subject) ?? '',
      serial: c.serial,
      notBefore: `${c.notBefore}`,
      notAfter: `${c.notAfter}`,
    })),
    trailingBytes: quote.trailing.length,
  }
}

/** What a quote says, without asking whether it is true. Throws `VS_TEE_MALFORMED` and `VS_TEE_UNSUPPORTED`. */
export const inspectIntel = (evidence: Uint8Array): IntelClaims =>
  inspected('intel', () => claimsOf(parseQuote(evidenceOf(evidence, MAX_QUOTE_BYTES + 1))))
