import { fail } from './errors.ts'
import { Refusal } from './ledger.ts'
import type { Vendor } from './verdict.ts'

/**
 * What `read` makes of evidence, for whoever wants to look before anything is verified: what a parser refuses is a typed
 * error (`VS_TEE_MALFORMED`, `VS_TEE_TRAILING_BYTES` or `VS_TEE_UNSUPPORTED`).
 */
export function inspected<T>(vendor: Vendor | 'intel', read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    const { code, detail } = error
    const isTold = code === 'VS_TEE_TRAILING_BYTES' || code === 'VS_TEE_UNSUPPORTED'
    throw fail(isTold ? code : 'VS_TEE_MALFORMED', { details: { vendor, reason: detail } })
  }
}
