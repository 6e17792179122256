import { keccak_256 } from '@noble/hashes/sha3.js'
import { utf8ToBytes } from '@noble/hashes/utils.js'
import { fail } from '../errors/index.ts'
import { type Digest, toHex } from './hex.ts'

export type Json = null | boolean | number | string | readonly Json[] | { readonly [k: string]: Json }

/**
 * RFC 8785 (JSON Canonicalization Scheme): keys sorted by UTF-16 code units, no white space, ECMAScript numbers.
 * Lone surrogates and non-finite numbers are refused, as the RFC demands.
 */
export function canonicalJson(value: Json, field = 'json'): string {
  if (value === null || typeof value === 'boolean') return String(value)
  if (typeof value === 'number') {
    if (!Number.isFinite(value))
      throw fail('VS_CORE_INVALID_DATA', { details: { field, expected: 'a finite number', got: String(value) } })
    return JSON.stringify(value)
  }
  if (typeof value === 'string') {
    if (!value.isWellFormed())
      throw fail('VS_CORE_INVALID_DATA', {
        details: { field, expected: 'well-formed Unicode', got: JSON.stringify(value) },
      })
    return JSON.stringify(value)
  }
  if (isArray(value)) return `[${value.map((v, i) => canonicalJson(v, `${field}[${i}]`)).join(',')}]`
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
  return `{${entries.map(([k, v]) => `${canonicalJson(k, field)}:${canonicalJson(v, `${field}.${k}`)}`).join(',')}}`
}

const isArray = (v: Json): v is readonly Json[] => Array.isArray(v)

/** keccak256 of the canonical JSON. */
export const jsonDigest = (value: Json): Digest => toHex(keccak_256(utf8ToBytes(canonicalJson(value)))) as Digest
