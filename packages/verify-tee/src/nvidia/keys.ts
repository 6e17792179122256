import { sha256 } from '@noble/hashes/sha2.js'
import { utf8ToBytes } from '@noble/hashes/utils.js'
import { malformed, Refusal } from '../ledger.ts'
import { DerFields, decodeBase64, derTime, equalKeys, type PublicKey, parseDer, publicKey, TAG } from '../pki/index.ts'
import { asObject, decodeBase64Url, describe, type JsonObject, parseJson, show } from './jwt.ts'

/** NRAS serves about thirty keys, with their certificates, in 80 kB. */
const MAX_KEYS = 256
const MAX_SET = 1 << 19
const COORDINATE_BYTES = 48

/** A key of a JSON web key set (RFC 7517) that may sign ES384. */
export interface WebKey {
  readonly id: string
  readonly key: PublicKey
  /** RFC 7638, SHA-256, base64url. */
  readonly thumbprint: string
  /** When the certificate of the key is valid, Unix seconds, where the set carries one. */
  readonly validity?: { readonly notBefore: bigint; readonly notAfter: bigint }
}

/** By id. Keys of other kinds are left away; an id that is there twice, or a key that can not be read, refuses the set. */
export function parseKeySet(text: string): ReadonlyMap<string, WebKey> {
  try {
    return keySet(text)
  } catch (error) {
    throw error instanceof Refusal ? new Refusal('token-keys', 'VS_TEE_COLLATERAL', error.detail) : error
  }
}

function keySet(text: string): ReadonlyMap<string, WebKey> {
  if (text.length > MAX_SET) throw malformed('keySet', `at most ${MAX_SET} characters`, `${text.length}`)
  const { keys } = asObject(parseJson(text, 'keySet'), 'keySet')
  if (!Array.isArray(keys) || keys.length > MAX_KEYS)
    throw malformed('keySet.keys', `at most ${MAX_KEYS} keys`, describe(keys))
  const found = new Map<string, WebKey>()
  for (const [i, value] of keys.entries()) {
    const name = `keySet.keys.${i}`
    const object = asObject(value, name)
    if (object.kty !== 'EC' || object.crv !== 'P-384') continue
    if ((object.alg ?? 'ES384') !== 'ES384' || (object.use ?? 'sig') !== 'sig') continue
    const key = webKey(object, name)
    if (found.has(key.id)) throw malformed(name, 'each key id once', `${show(key.id)} twice`)
    found.set(key.id, key)
  }
  return found
}

function webKey(object: JsonObject, name: string): WebKey {
  const { kid, x, y, x5c } = object
  if (typeof kid !== 'string' || kid.length > 256) throw malformed(`${name}.kid`, 'a text', describe(kid))
  const point = new Uint8Array(1 + 2 * COORDINATE_BYTES)
  point[0] = 4
  for (const [i, part] of [x, y].entries()) {
    const bytes = typeof part === 'string' ? decodeBase64Url(part, `${name}.${'xy'[i]}`) : new Uint8Array()
    if (bytes.length !== COORDINATE_BYTES)
      throw malformed(`${name}.${'xy'[i]}`, `${COORDINATE_BYTES} bytes`, `${bytes.length}`)
    point.set(bytes, 1 + i * COORDINATE_BYTES)
  }
  const key = { type: 'ec', curve: 'P-384', point } as const
  const canonical = `{"crv":"P-384","kty":"EC","x":"${String(x)}","y":"${String(y)}"}`
  const validity = x5c === undefined ? undefined : certified(x5c, key, `${name}.x5c`)
  return {
    id: kid,
    key,
    thumbprint: base64Url(sha256(utf8ToBytes(canonical))),
    ...(validity === undefined ? {} : { validity }),
  }
}

/**
 * The first certificate is of the key; the dates are its own. Who signed it is not looked at: NVIDIA publishes no root for
 * these, so the set is what its channel makes of it.
 */
function certified(value: unknown, key: PublicKey, name: string): NonNullable<WebKey['validity']> {
  const [first] = Array.isArray(value) ? value : []
  if (typeof first !== 'string') throw malformed(name, 'certificates in base64', describe(value))
  const outer = new DerFields(parseDer(decodeBase64(first, name), name), name)
  const tbs = new DerFields(outer.next('tbsCertificate', TAG.sequence), name)
  tbs.next('version', 0xa0)
  for (const field of ['serialNumber', 'signature', 'issuer']) tbs.next(field)
  const dates = new DerFields(tbs.next('validity'), name)
  const notBefore = derTime(dates.next('notBefore'), name)
  const notAfter = derTime(dates.next('notAfter'), name)
  dates.end()
  tbs.next('subject')
  if (!equalKeys(publicKey(tbs.next('subjectPublicKeyInfo'), name), key))
    throw malformed(name, 'a certificate of the key', 'one of another')
  return { notBefore, notAfter }
}

const base64Url = (bytes: Uint8Array): string =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')
