import type { Call } from '@veristack/core'
import type { RequestId } from '@veristack/core/receipt'
import type { SendOptions } from '../client.ts'
import { fail } from '../errors.ts'

/** A repeated attempt at the same step sends nothing anew. */
export const once = (call: Call, id: RequestId, ...step: readonly (string | bigint)[]): SendOptions => ({
  idempotencyKey: [call.idempotencyKey, id, ...step].join('/'),
  signal: call.signal,
})

/** Throws `VS_SETTLE_REQUEST_MISMATCH` unless both are the same. */
export function refuseMismatch(field: string, expected: unknown, got: unknown): void {
  if (expected !== got)
    throw fail('VS_SETTLE_REQUEST_MISMATCH', { details: { field, expected: String(expected), got: String(got) } })
}
