/*
 * DER (ITU-T X.690), as much of it as certificates, revocation lists and signatures use. Of our own because the well-kept
 * libraries (asn1js and what is built on it) read BER: indefinite and padded lengths, bytes after the end and other
 * spellings of one value pass, and a revocation list of 44 entries takes them 12 ms. Here one value has one spelling.
 */
import { bytesToHex } from '@noble/hashes/utils.js'
import { isZero } from '../bytes.ts'
import { malformed } from '../ledger.ts'

export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  enumerated: 0x0a,
  utf8: 0x0c,
  printable: 0x13,
  ia5: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const

/** One value. Views of what it was read from. `raw` has tag and length too. */
export interface Der {
  readonly tag: number
  readonly content: Uint8Array
  readonly raw: Uint8Array
}

const MAX_LENGTH_BYTES = 3

function readAt(bytes: Uint8Array, at: number, name: string): Der {
  const tag = bytes[at]
  const first = bytes[at + 1]
  if (tag === undefined || first === undefined) throw malformed(name, 'a DER value', 'the end')
  if ((tag & 0x1f) === 0x1f) throw malformed(name, 'a tag of one byte', hex(tag))
  let length = first
  let from = at + 2
  if (first >= 0x80) {
    const count = first & 0x7f
    if (count === 0 || count > MAX_LENGTH_BYTES) throw malformed(name, 'a definite length below 2^24', hex(first))
    length = 0
    for (let i = 0; i < count; i++) length = length * 256 + (bytes[from + i] ?? 0)
    from += count
    if (length < 0x80 || length < 256 ** (count - 1)) throw malformed(name, 'the shortest length', `${count} bytes`)
  }
  if (from + length > bytes.length) throw malformed(name, `${length} bytes of content`, `${bytes.length - from}`)
  return { tag, content: bytes.subarray(from, from + length), raw: bytes.subarray(at, from + length) }
}

/** The one value that the bytes are. */
export function parseDer(bytes: Uint8Array, name: string): Der {
  const value = readAt(bytes, 0, name)
  if (value.raw.length !== bytes.length)
    throw malformed(name, 'nothing after the value', `${bytes.length - value.raw.length} bytes`)
  return value
}

/** The values in a SEQUENCE, SET or constructed context tag. */
export function children(parent: Der, name: string, tag: number = TAG.sequence): Der[] {
  if (parent.tag !== tag) throw malformed(name, `tag ${hex(tag)}`, hex(parent.tag))
  const found: Der[] = []
  for (let at = 0; at < parent.content.length; ) {
    const child = readAt(parent.content, at, name)
    found.push(child)
    at += child.raw.length
  }
  return found
}

/** Takes the values of a SEQUENCE one by one; optional ones by their tag. */
export class DerFields {
  readonly #list: Der[]
  #at = 0

  constructor(
    parent: Der,
    readonly name: string,
    tag: number = TAG.sequence,
  ) {
    this.#list = children(parent, name, tag)
  }

  next(field: string, tag?: number): Der {
    const value = this.#list[this.#at]
    if (value === undefined) throw malformed(`${this.name}.${field}`, 'a value', 'the end')
    if (tag !== undefined && value.tag !== tag)
      throw malformed(`${this.name}.${field}`, `tag ${hex(tag)}`, hex(value.tag))
    this.#at += 1
    return value
  }

  optional(tag: number): Der | undefined {
    const value = this.#list[this.#at]
    if (value?.tag !== tag) return undefined
    this.#at += 1
    return value
  }

  end(): void {
    if (this.#at !== this.#list.length) throw malformed(this.name, `${this.#at} values`, `${this.#list.length}`)
  }
}

const expectTag = (value: Der, tag: number, name: string): Uint8Array => {
  if (value.tag !== tag) throw malformed(name, `tag ${hex(tag)}`, hex(value.tag))
  return value.content
}

export function derBoolean(value: Der, name: string): boolean {
  const content = expectTag(value, TAG.boolean, name)
  if (content.length !== 1 || (content[0] !== 0 && content[0] !== 0xff))
    throw malformed(name, '00 or ff', bytesToHex(content))
  return content[0] === 0xff
}

/** Not negative. */
export function derUnsigned(value: Der, name: string, tag: number = TAG.integer): Uint8Array {
  const content = expectTag(value, tag, name)
  const [first, second] = content
  if (first === undefined || first >= 0x80) throw malformed(name, 'an integer from 0', bytesToHex(content).slice(0, 8))
  if (first === 0 && second !== undefined && second < 0x80)
    throw malformed(name, 'the shortest integer', 'a leading zero')
  return first === 0 && content.length > 1 ? content.subarray(1) : content
}

export function derSmall(value: Der, name: string, maximum: number, tag: number = TAG.integer): number {
  const bytes = derUnsigned(value, name, tag)
  const number = bytes.length > 6 ? Number.POSITIVE_INFINITY : bytes.reduce((n, byte) => n * 256 + byte, 0)
  if (number > maximum) throw malformed(name, `an integer up to ${maximum}`, bytesToHex(bytes).slice(0, 16))
  return number
}

/** Whole bytes only, unless `bits` says that it is a list of named bits; AMD keeps zeros at its end, which DER would leave away. */
export function derBitString(value: Der, name: string, bits: 'bytes' | 'named' = 'bytes'): Uint8Array {
  const content = expectTag(value, TAG.bitString, name)
  const unused = content[0]
  const last = content.at(-1) ?? 0
  const fits = unused === 0 || (bits === 'named' && unused !== undefined && unused < 8 && content.length > 1)
  if (unused === undefined || !fits || (last & ((1 << unused) - 1)) !== 0)
    throw malformed(name, 'a bit string without spare bits', String(unused))
  return content.subarray(1)
}

export function derOctets(value: Der, name: string): Uint8Array {
  return expectTag(value, TAG.octetString, name)
}

/** Dotted decimal. */
export function derOid(value: Der, name: string): string {
  const content = expectTag(value, TAG.oid, name)
  const parts: number[] = []
  let number = 0
  let started = false
  for (const byte of content) {
    if (!started && byte === 0x80) throw malformed(name, 'the shortest object identifier', 'a leading zero')
    number = number * 128 + (byte & 0x7f)
    if (number > Number.MAX_SAFE_INTEGER / 256)
      throw malformed(name, 'an object identifier of small arcs', 'a large one')
    started = byte >= 0x80
    if (!started) {
      parts.push(number)
      number = 0
    }
  }
  const [head, ...rest] = parts
  if (head === undefined || started) throw malformed(name, 'an object identifier', bytesToHex(content).slice(0, 16))
  const root = Math.min(2, Math.floor(head / 40))
  return [root, head - 40 * root, ...rest].join('.')
}

const LATIN1 = new TextDecoder('latin1')

/** UTCTime and GeneralizedTime as RFC 5280 section 4.1.2.5 writes them: Zulu, with seconds, without fractions. Unix seconds. */
export function derTime(value: Der, name: string): bigint {
  const text = LATIN1.decode(value.content)
  const short = value.tag === TAG.utcTime
  const form = short ? /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/ : /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/
  const match = short || value.tag === TAG.generalizedTime ? form.exec(text) : null
  if (match === null) throw malformed(name, 'a time in Zulu with seconds', JSON.stringify(text.slice(0, 24)))
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1).map(Number)
  const full = short ? year + (year < 50 ? 2000 : 1900) : year
  const date = new Date(Date.UTC(full, month - 1, day, hour, minute, second))
  date.setUTCFullYear(full)
  const [m, d, h, mi, s] = [
    date.getUTCMonth() + 1,
    date.getUTCDate(),
    date.getUTCHours(),
    date.getUTCMinutes(),
    date.getUTCSeconds(),
  ]
  if (m !== month || d !== day || h !== hour || mi !== minute || s !== second)
    throw malformed(name, 'a date that exists', JSON.stringify(text))
  return BigInt(Math.floor(date.getTime() / 1000))
}

/** `SEQUENCE { r, s }` to `r || s`, each of `size` bytes. */
export function derSignature(bytes: Uint8Array, size: number, name: string): Uint8Array {
  const fields = new DerFields(parseDer(bytes, name), name)
  const out = new Uint8Array(2 * size)
  for (const [i, field] of ['r', 's'].entries()) {
    const number = derUnsigned(fields.next(field), `${name}.${field}`)
    if (number.length > size || isZero(number))
      throw malformed(`${name}.${field}`, `1 to ${size} bytes`, `${number.length}`)
    out.set(number, (i + 1) * size - number.length)
  }
  fields.end()
  return out
}

const hex = (byte: number): string => `0x${byte.toString(16).padStart(2, '0')}`
