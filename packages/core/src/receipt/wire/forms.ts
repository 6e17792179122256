// Zod as a namespace: bundlers then leave out what is not used (two thirds of the browser bundle).
import * as z from 'zod'
import { type Address, type Digest, type Hex, type ProgramId, type RequestId, TIER_NAME } from '../../claim/index.ts'
import type { EvidenceKind } from '../verdict.ts'

// The small forms that all wire types are made of. Each value has one text: hexadecimal is lower case, integers of more
// than 53 bits are decimal strings without leading zeros.

/** `abort`: what comes after (a conversion, a check) runs only over what has the form. */
export const pattern = (form: RegExp, expected: string) => z.string().regex(form, { error: expected, abort: true })

const hexOf = (bytes: number, what: string) =>
  pattern(new RegExp(`^0x[0-9a-f]{${2 * bytes}}$`), `0x and ${2 * bytes} lower-case hexadecimal digits (${what})`)

export const digest = hexOf(32, 'a digest').transform((s) => s as Digest)
export const requestId = hexOf(32, 'a request id').transform((s) => s as RequestId)
export const programId = hexOf(32, 'a program id').transform((s) => s as ProgramId)
export const address = hexOf(20, 'an address').transform((s) => s as Address)
export const bytes32 = hexOf(32, '32 bytes').transform((s) => s as Hex)
export const signature = hexOf(65, 'a signature').transform((s) => s as Hex)

/** Bytes of any length; the text as a whole is limited. */
export const bytes = pattern(
  /^0x(?:[0-9a-f]{2})*$/,
  '0x and lower-case hexadecimal digits, two for each byte',
).transform((s) => s as Hex)

const uint = (bits: number, digits: number) =>
  pattern(new RegExp(`^(?:0|[1-9][0-9]{0,${digits - 1}})$`), `a decimal string of an integer below 2^${bits}`)
    .refine((s) => BigInt(s) < 1n << BigInt(bits), { error: `a decimal string of an integer below 2^${bits}` })
    .transform((s) => BigInt(s))

export const uint64 = uint(64, 20)
export const uint256 = uint(256, 78)

export const tierName = pattern(TIER_NAME, 'a tier name: visible characters, up to 128, single spaces')

/** Names that people choose: tensors, schemes, checks. Controls are refused, so that they can be printed. */
export const label = (max = 128) => {
  const expected = `1 to ${max} characters without controls`
  return z
    .string()
    .max(max, { error: expected, abort: true })
    .regex(/^[^\p{Cc}\p{Cs}]+$/u, { error: expected, abort: true })
}

export const evidenceKind = pattern(
  /^(?=.{3,96}$)[a-z0-9@_][a-z0-9@_.:+-]*(?:\/[a-z0-9@_][a-z0-9@_.:+-]*)+$/,
  'a kind of evidence such as zkml/groth16-bn254',
).transform((s) => s as EvidenceKind)

export const blobRef = z.strictObject({
  digest,
  bytes: z.int().min(0),
  mediaType: pattern(/^[!-~]{1,127}\/[!-~]{1,127}$/, 'a media type'),
})

export const SETTLEMENT_STATES = [
  'submitted',
  'pending',
  'accepted',
  'delivered',
  'final',
  'refunded',
  'reorged',
] as const
