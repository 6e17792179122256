import { fail } from '../errors.ts'
import { Refusal } from '../ledger.ts'
import { claimsOf, type SevSnpClaims } from './claims.ts'
import { certificateTable, parseEvidence } from './parse.ts'

export interface SevSnpInspection {
  readonly claims: SevSnpClaims
  /** Certificates that follow the report, by the names of the GHCB standard, or their key where it is unknown. */
  readonly certificates: readonly string[]
  /** What a verdict would refuse in the bytes alone. */
  readonly faults: readonly string[]
}

/** What a report says, before anything of it is verified. Throws `VS_TEE_MALFORMED` where it can not be read. */
export function inspectSevSnp(evidence: Uint8Array): SevSnpInspection {
  try {
    const parsed = parseEvidence(evidence)
    const faults = [...parsed.reserved.map((field) => `reserved: ${field}`)]
    if (!parsed.signaturePadded) faults.push('the signature field is not padded with zeros')
    let certificates: readonly string[] = []
    try {
      const { others, ...named } = certificateTable(parsed)
      certificates = [...Object.keys(named), ...others]
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      faults.push(error.detail)
    }
    return { claims: claimsOf(parsed.report), certificates, faults }
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    throw fail('VS_TEE_MALFORMED', { details: { evidence: 'amd-sev-snp', cause: error.detail } })
  }
}
