import * as z from 'zod'
import type { BlobRef } from '../blobs/blobs.ts'
import { canonicalJson, parseHex, type RequestId, show } from '../claim/index.ts'
import { fail } from '../errors/index.ts'
import { blobRef, evidenceKind, requestId, SETTLEMENT_STATES } from '../receipt/wire/forms.ts'
import { parseJsonText } from '../receipt/wire/json-text.ts'
import { read } from '../receipt/wire/read.ts'
import type { Job } from './job.ts'

const LIMITS = { maxBytes: 64 * 1024, maxDepth: 4 }

const job = z.strictObject({
  request: requestId,
  execution: z.enum(['queued', 'matched', 'running', 'executed', 'claimed', 'failed', 'cancelled']),
  tracks: z.record(
    evidenceKind,
    z.enum(['waiting', 'proving', 'proved', 'failed', 'accepted', 'pending', 'undetermined', 'rejected']),
  ),
  settlement: z.enum(['none', ...SETTLEMENT_STATES]),
  revision: z.int().min(1),
})

/** A job as text. A field that has no place in it is left out by the caller's type, and refused by {@link parseJob}. */
export const serialiseJob = (value: Job): string =>
  canonicalJson({
    request: value.request,
    execution: value.execution,
    tracks: value.tracks,
    settlement: value.settlement,
    revision: value.revision,
  })

export const parseJob = (text: string): Job => read(job, parseJsonText(text, 'job', LIMITS), 'job')

export const serialiseRef = (ref: BlobRef): string =>
  canonicalJson({ digest: ref.digest, bytes: ref.bytes, mediaType: ref.mediaType })

export const parseRef = (text: string): BlobRef => read(blobRef, parseJsonText(text, 'record', LIMITS), 'record')

export const parseRecordId = (id: unknown): RequestId => parseHex(id, 'record id', 32) as RequestId

const NAME = /^[a-z0-9@_][a-z0-9@_.:+-]*(?:\/[a-z0-9@_][a-z0-9@_.:+-]*)*$/

/** A record's name is a path of lower-case words, which a store may map to files. At most 128 characters. */
export function checkRecordName(name: string): string {
  if (typeof name !== 'string' || name.length > 128 || !NAME.test(name)) {
    throw fail('VS_CORE_INVALID_DATA', {
      details: {
        field: 'record name',
        expected: 'lower-case words joined by /, at most 128 characters',
        got: show(name),
      },
    })
  }
  return name
}

/** The job to write, read back from its own text, so that a store never holds what it could not read. */
export function checkSwap(expected: number, next: Job): Job {
  if (next.revision !== expected + 1) {
    throw fail('VS_CORE_INVALID_DATA', {
      details: { field: 'job.revision', expected: `${expected + 1}`, got: next.revision },
    })
  }
  return parseJob(serialiseJob(next))
}
