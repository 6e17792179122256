import { utf8ToBytes } from '@noble/hashes/utils.js'
import { parseJsonText } from '@veristack/core/receipt'
import { malformed, Refusal } from '../ledger.ts'
import { decodeBase64 } from '../pki/index.ts'

export type JsonObject = { readonly [name: string]: unknown }

/** A JSON web signature in compact form (RFC 7515) with a header that says no more than the algorithm and the key. */
export interface Token {
  readonly text: string
  readonly keyId: string
  readonly claims: JsonObject
  /** What the signature is over. */
  readonly signed: Uint8Array
  /** `r || s`, 96 bytes. */
  readonly signature: Uint8Array
}

const MAX_TOKEN = 16_384
const SIGNATURE_BYTES = 96

/** Known header parameters: any other could change the key or what is signed (`jwk`, `jku`, `x5c`, `crit`, `b64`). */
const HEADER = ['alg', 'kid', 'typ']

export function parseToken(text: unknown, name: string): Token {
  if (typeof text !== 'string' || text.length > MAX_TOKEN)
    throw malformed(name, `a text of at most ${MAX_TOKEN} characters`, describe(text))
  const [head, body, tail, ...more] = text.split('.')
  if (head === undefined || body === undefined || tail === undefined || more.length > 0)
    throw malformed(name, 'three parts with a dot between them', `${text.split('.').length}`)
  const header = object(`${name}.header`, head)
  for (const key of Object.keys(header)) if (!HEADER.includes(key)) throw unsupported(`${name}.header`, show(key))
  if (header.alg !== 'ES384') throw unsupported(`${name}.header.alg`, show(header.alg))
  if (Object.hasOwn(header, 'typ') && header.typ !== 'JWT') throw unsupported(`${name}.header.typ`, show(header.typ))
  const keyId = header.kid
  if (typeof keyId !== 'string' || !/^[\x21-\x7e]{1,256}$/.test(keyId))
    throw malformed(`${name}.header.kid`, '1 to 256 visible characters', describe(keyId))
  const claims = object(`${name}.claims`, body)
  const signature = decodeBase64Url(tail, `${name}.signature`)
  if (signature.length !== SIGNATURE_BYTES)
    throw malformed(`${name}.signature`, `${SIGNATURE_BYTES} bytes`, `${signature.length}`)
  return { text, keyId, claims, signed: utf8ToBytes(`${head}.${body}`), signature }
}

const unsupported = (field: string, got: string): Refusal =>
  new Refusal('token-algorithm', 'VS_TEE_UNSUPPORTED', `${field}: expected ES384 with a key id and no more, got ${got}`)

function object(name: string, part: string): JsonObject {
  return asObject(parseJson(utf8(decodeBase64Url(part, name), name), name), name)
}

export function asObject(value: unknown, name: string): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw malformed(name, 'an object', describe(value))
  return value as JsonObject
}

/** RFC 4648 section 5, without padding, one text for one value. */
export function decodeBase64Url(text: string, name: string): Uint8Array {
  if (!/^[A-Za-z0-9_-]*$/.test(text) || text.length % 4 === 1) throw malformed(name, 'base64url', 'other text')
  const padded = text
    .replaceAll('-', '+')
    .replaceAll('_', '/')
    .padEnd(Math.ceil(text.length / 4) * 4, '=')
  return decodeBase64(padded, name)
}

export function utf8(bytes: Uint8Array, name: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw malformed(name, 'UTF-8', 'other bytes')
  }
}

/** Commas, to be exact. The largest is a key set, with ten for each key. */
const MAX_VALUES = 8192
const LIMITS = { maxBytes: 1 << 20, maxDepth: 8 }

/** JSON of one spelling: no member twice, no odd numbers. */
export function parseJson(text: string, name: string): unknown {
  let values = 0
  for (let at = text.indexOf(','); at !== -1; at = text.indexOf(',', at + 1)) values += 1
  if (values > MAX_VALUES) throw malformed(name, `at most ${MAX_VALUES} values`, 'more')
  try {
    return parseJsonText(text, name, LIMITS)
  } catch (error) {
    const details: unknown = error instanceof Error && 'details' in error ? error.details : undefined
    const { expected, got } = (details ?? {}) as { readonly expected?: unknown; readonly got?: unknown }
    throw malformed(name, visible(expected ?? 'JSON within limits'), visible(got ?? 'other text'))
  }
}

const visible = (value: unknown): string =>
  String(value)
    .slice(0, 80)
    .replace(/[^\x20-\x7e]/g, '?')

/** A value in few visible characters. */
export const show = (value: unknown): string => visible(value === undefined ? 'nothing' : JSON.stringify(value))

/** What came, without its content. */
export function describe(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (value === null) return 'null'
  if (typeof value === 'string') return `${value.length} characters`
  if (Array.isArray(value)) return `an array of ${value.length}`
  return typeof value
}
