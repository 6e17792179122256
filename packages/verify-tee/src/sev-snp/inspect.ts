import { inspected } from '../inspection.ts'
import { Refusal } from '../ledger.ts'
import { evidenceOf } from '../options.ts'
import { certificateDers, commonName, crlDer, parseCertificate, parseCrl } from '../pki/index.ts'
import { claimsOf, type SevSnpClaims } from './claims.ts'
import { certificateTable, parseEvidence } from './parse.ts'

/** An entry of the certificate table, unverified. Times are Unix seconds. */
export interface SevSnpTableEntry {
  /** By the GHCB standard; the key in hexadecimal where it is unknown. */
  readonly slot: string
  readonly subject?: string
  readonly issuer?: string
  readonly notBefore?: bigint
  readonly notAfter?: bigint
}

export interface SevSnpInspection {
  readonly claims: SevSnpClaims
  /** What follows the report. */
  readonly certificates: readonly SevSnpTableEntry[]
  /** What a verdict would refuse in the bytes alone. */
  readonly faults: readonly string[]
}

/** What a report says, before anything of it is verified. Throws `VS_TEE_MALFORMED` where it can not be read. */
export const inspectSevSnp = (evidence: Uint8Array): SevSnpInspection =>
  inspected('amd-sev-snp', () => {
    const parsed = parseEvidence(evidenceOf(evidence))
    const faults = [...parsed.reserved.map((field) => `reserved: ${field}`)]
    if (!parsed.signaturePadded) faults.push('the signature field is not padded with zeros')
    const certificates: SevSnpTableEntry[] = []
    const guarded = (work: () => void): void => {
      try {
        work()
      } catch (error) {
        if (!(error instanceof Refusal)) throw error
        faults.push(error.detail)
      }
    }
    guarded(() => {
      const { others, ...slots } = certificateTable(parsed)
      for (const [slot, bytes] of Object.entries(slots)) {
        guarded(() => certificates.push({ slot, ...(slot === 'crl' ? listOf(bytes) : certificateOf(bytes, slot)) }))
      }
      for (const slot of others) certificates.push({ slot })
    })
    return { claims: claimsOf(parsed.report), certificates, faults }
  })

function certificateOf(bytes: Uint8Array, slot: string): Omit<SevSnpTableEntry, 'slot'> {
  const [der = new Uint8Array()] = certificateDers(bytes, slot, 2)
  const { subject, issuer, notBefore, notAfter } = parseCertificate(der, slot)
  return { ...named('subject', subject), ...named('issuer', issuer), notBefore, notAfter }
}

function listOf(bytes: Uint8Array): Omit<SevSnpTableEntry, 'slot'> {
  const { issuer, thisUpdate, nextUpdate } = parseCrl(crlDer(bytes, 'crl'), 'crl')
  return { ...named('issuer', issuer), notBefore: thisUpdate, notAfter: nextUpdate }
}

function named(key: 'subject' | 'issuer', name: Uint8Array): Omit<SevSnpTableEntry, 'slot'> {
  const common = commonName(name)
  return common === undefined ? {} : { [key]: common }
}
