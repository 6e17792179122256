import type { z } from 'zod'
import {
  type Claim,
  canonicalJson,
  type Json,
  type Policy,
  type Request,
  type Requirement,
  type SignedClaim,
  type Tensor,
  toHex,
} from '../claim/index.ts'
import { fail } from '../errors/index.ts'
import type { AnchorSet } from './anchors.ts'
import type { Receipt } from './receipt.ts'
import type { Settlement } from './settlement.ts'
import type { Evidence } from './verdict.ts'
import { checkPlainData, parseJsonText, type TextLimits } from './wire/json-text.ts'
import { read } from './wire/read.ts'
import * as schemas from './wire/schemas.ts'

/**
 * The wire form of every type is JSON with the type's own field names: integers of more than 53 bits are decimal
 * strings, bytes and tensor data are `0x` and lower-case hexadecimal. Each value has one text, see {@link serialiseReceipt}.
 */

/** Bytes of UTF-8 that a receipt may have. */
export const RECEIPT_LIMIT = 8 * 2 ** 20

const LIMITS: TextLimits = { maxBytes: RECEIPT_LIMIT, maxDepth: 32 }

/**
 * Each parser takes text, or what `JSON.parse` made of it. Throws `VS_CORE_TOO_LARGE`, and `VS_CORE_INVALID_DATA` with
 * the path of the field: unknown and repeated fields, other spellings of a value, and nesting over 32 are refused.
 * Only the form is judged; whether the digests agree is for `verifyReceipt`.
 */
const parser =
  <T>(schema: z.ZodType<T>, field: string) =>
  (input: unknown): T =>
    read(
      schema,
      typeof input === 'string' ? parseJsonText(input, field, LIMITS) : checkPlainData(input, field, LIMITS.maxDepth),
      field,
    )

export const parseReceipt: (input: unknown) => Receipt = parser(schemas.receipt, 'receipt')
export const parseRequest: (input: unknown) => Request = parser(schemas.request, 'request')
export const parseRequirement: (input: unknown) => Requirement = parser(schemas.requirement, 'requirement')
export const parsePolicy: (input: unknown) => Policy = parser(schemas.policy, 'policy')
export const parseClaim: (input: unknown) => Claim = parser(schemas.claim, 'claim')
export const parseSignedClaim: (input: unknown) => SignedClaim = parser(schemas.signedClaim, 'signed')
export const parseTensor: (input: unknown) => Tensor = parser(schemas.tensor, 'tensor')
export const parseEvidence: (input: unknown) => Evidence = parser(schemas.evidence, 'evidence')
export const parseSettlement: (input: unknown) => Settlement = parser(schemas.settlement, 'settlement')
export const parseAnchors: (input: unknown) => AnchorSet = parser(schemas.anchors, 'anchors')

/**
 * The one text of a receipt: RFC 8785 canonical JSON of its wire form. Throws what {@link parseReceipt} would throw for
 * it, so that what was written can be read.
 */
export const serialiseReceipt = (receipt: Receipt): string => serialise(receipt, 'receipt', parseReceipt)
export const serialiseRequest = (request: Request): string => serialise(request, 'request', parseRequest)
export const serialiseSignedClaim = (signed: SignedClaim): string => serialise(signed, 'signed', parseSignedClaim)
export const serialiseEvidence = (evidence: Evidence): string => serialise(evidence, 'evidence', parseEvidence)
export const serialiseAnchors = (set: AnchorSet): string => serialise(set, 'anchors', parseAnchors)

function serialise<T>(value: T, field: string, parse: (text: string) => T): string {
  const text = canonicalJson(wire(value, field))
  parse(text)
  return text
}

/** Deeper than any value that a parser takes; ends a cycle. */
const MAX_DEPTH = 64

function wire(value: unknown, field: string, depth = 0): Json {
  if (value === null || typeof value === 'boolean' || typeof value === 'number' || typeof value === 'string')
    return value
  if (typeof value === 'bigint') return value.toString()
  if (value instanceof Uint8Array) return toHex(value)
  if (typeof value === 'object' && depth < MAX_DEPTH) {
    if (Array.isArray(value)) return value.map((v, i) => wire(v, `${field}[${i}]`, depth + 1))
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, wire(v, `${field}.${k}`, depth + 1)]))
  }
  throw fail('VS_CORE_INVALID_DATA', { details: { field, expected: 'data', got: typeof value } })
}
