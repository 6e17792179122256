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

/** One value, by its place in what it was read from. */
export class Der {
  constructor(
    readonly tag: number,
    /** What it was read from. */
    readonly source: Uint8Array,
    /** Where its tag, its content and what follows it begin in `source`. */
    readonly start: number,
    readonly from: number,
    readonly end: number,
  ) {}

  get length(): number {
    return this.end - this.from
  }

  /** A view. */
  get content(): Uint8Array {
    return this.source.subarray(this.from, this.end)
  }

  /** With tag and length; a view. */
  get raw(): Uint8Array {
    return this.source.subarray(this.start, this.end)
  }
}

const MAX_LENGTH_BYTES = 3

/** The value that begins at `at` and ends by `end`. */
function readAt(bytes: Uint8Array, at: number, end: number, name: string): Der {
  if (at + 2 > end) throw malformed(name, 'a DER value', 'the end')
  const tag = bytes[at] ?? 0
  const first = bytes[at + 1] ?? 0
  if ((tag & 0x1f) === 0x1f) throw malformed(name, 'a tag of one byte', hex(tag))
  let length = first
  let from = at + 2
  if (first >= 0x80) {
    const count = first & 0x7f
    if (count === 0 || count > MAX_LENGTH_BYTES) throw malformed(name, 'a definite length below 2^24', hex(first))
    if (from + count > end) throw malformed(name, `${count} bytes of length`, `${end - from}`)
    length = 0
    for (let i = 0; i < count; i++) length = length * 256 + (bytes[from + i] ?? 0)
    from += count
    if (length < 0x80 || length < 256 ** (count - 1)) throw malformed(name, 'the shortest length', `${count} bytes`)
  }
  if (from + length > end) throw malformed(name, `${length} bytes of content`, `${end - from}`)
  return new Der(tag, bytes, at, from, from + length)
}

/** The one value that the bytes are. */
export function parseDer(bytes: Uint8Array, name: string): Der {
  const value = readAt(bytes, 0, bytes.length, name)
  if (value.end !== bytes.length) throw malformed(name, 'nothing after the value', `${bytes.length - value.end} bytes`)
  return value
}

/** The values in a SEQUENCE, SET or constructed context tag. */
export function children(parent: Der, name: string, tag: number = TAG.sequence): Der[] {
  expectTag(parent, tag, name)
  const found: Der[] = []
  for (let at = parent.from; at < parent.end; ) {
    const child = readAt(parent.source, at, parent.end, name)
    found.push(child)
    at = child.end
  }
  return found
}

/** Takes the values of a SEQUENCE one by one; optional ones by their tag. What is not taken is not looked at: see `end`. */
export class DerFields {
  readonly #parent: Der
  #at: number

  constructor(
    parent: Der,
    readonly name: string,
    tag: number = TAG.sequence,
  ) {
    expectTag(parent, tag, name)
    this.#parent = parent
    this.#at = parent.from
  }

  /** Whether there are more. */
  get more(): boolean {
    return this.#at < this.#parent.end
  }

  next(field: string, tag?: number): Der {
    const { source, end } = this.#parent
    if (this.#at === end) throw malformed(`${this.name}.${field}`, 'a value', 'the end')
    const value = readAt(source, this.#at, end, this.name)
    if (tag !== undefined && value.tag !== tag)
      throw malformed(`${this.name}.${field}`, `tag ${hex(tag)}`, hex(value.tag))
    this.#at = value.end
    return value
  }

  optional(tag: number): Der | undefined {
    const { source, end } = this.#parent
    if (this.#at === end || source[this.#at] !== tag) return undefined
    const value = readAt(source, this.#at, end, this.name)
    this.#at = value.end
    return value
  }

  end(): void {
    const left = this.#parent.end - this.#at
    if (left > 0) throw malformed(this.name, 'nothing after the last value', `${left} bytes`)
  }
}

function expectTag(value: Der, tag: number, name: string): void {
  if (value.tag !== tag) throw malformed(name, `tag ${hex(tag)}`, hex(value.tag))
}

function contentOf(value: Der, tag: number, name: string): Uint8Array {
  expectTag(value, tag, name)
  return value.content
}

export function derBoolean(value: Der, name: string): boolean {
  const content = contentOf(value, TAG.boolean, name)
  if (content.length !== 1 || (content[0] !== 0 && content[0] !== 0xff))
    throw malformed(name, '00 or ff', bytesToHex(content))
  return content[0] === 0xff
}

/** Not negative. */
export function derUnsigned(value: Der, name: string, tag: number = TAG.integer): Uint8Array {
  const content = contentOf(value, tag, name)
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
  const content = contentOf(value, TAG.bitString, name)
  const unused = content[0]
  const last = content.at(-1) ?? 0
  const fits = unused === 0 || (bits === 'named' && unused !== undefined && unused < 8 && content.length > 1)
  if (unused === undefined || !fits || (last & ((1 << unused) - 1)) !== 0)
    throw malformed(name, 'a bit string without spare bits', String(unused))
  return content.subarray(1)
}

export function derOctets(value: Der, name: string): Uint8Array {
  return contentOf(value, TAG.octetString, name)
}

/** Longer ones exist nowhere, and details of verdicts quote them. */
const MAX_OID = 64

/** Dotted decimal. */
export function derOid(value: Der, name: string): string {
  expectTag(value, TAG.oid, name)
  const { source, from, end } = value
  if (end - from > MAX_OID) throw malformed(name, `an object identifier of at most ${MAX_OID} bytes`, `${end - from}`)
  let dotted = ''
  let number = 0
  let started = false
  for (let at = from; at < end; at++) {
    const byte = source[at] ?? 0
    if (!started && byte === 0x80) throw malformed(name, 'the shortest object identifier', 'a leading zero')
    number = number * 128 + (byte & 0x7f)
    if (number > Number.MAX_SAFE_INTEGER / 256)
      throw malformed(name, 'an object identifier of small arcs', 'a large one')
    started = byte >= 0x80
    if (started) continue
    const root = Math.min(2, Math.floor(number / 40))
    dotted = dotted === '' ? `${root}.${number - 40 * root}` : `${dotted}.${number}`
    number = 0
  }
  if (dotted === '' || started) throw malformed(name, 'an object identifier', bytesToHex(value.content).slice(0, 16))
  return dotted
}

const LATIN1 = new TextDecoder('latin1')
const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const
const UTC_TIME = 'YYMMDDhhmmssZ'.length
const GENERALIZED_TIME = 'YYYYMMDDhhmmssZ'.length

/** UTCTime and GeneralizedTime as RFC 5280 section 4.1.2.5 writes them: Zulu, with seconds, without fractions. Unix seconds. */
export function derTime(value: Der, name: string): bigint {
  const { tag, source, from, end } = value
  const size = tag === TAG.utcTime ? UTC_TIME : tag === TAG.generalizedTime ? GENERALIZED_TIME : 0
  if (end - from !== size || !isZulu(source, from, end)) throw notTime(value, name, 'a time in Zulu with seconds')
  const month = two(source, end - 11)
  const day = two(source, end - 9)
  const hour = two(source, end - 7)
  const minute = two(source, end - 5)
  const second = two(source, end - 3)
  const short = two(source, end - 13)
  const year = size === GENERALIZED_TIME ? 100 * two(source, from) + short : short + (short < 50 ? 2000 : 1900)
  const days = month === 2 && isLeap(year) ? 29 : DAYS[month - 1]
  if (days === undefined || day < 1 || day > days || hour > 23 || minute > 59 || second > 59)
    throw notTime(value, name, 'a date that exists')
  return BigInt(((daysBefore(year, month, day) * 24 + hour) * 60 + minute) * 60 + second)
}

const two = (bytes: Uint8Array, at: number): number => 10 * digit(bytes, at) + digit(bytes, at + 1)
const digit = (bytes: Uint8Array, at: number): number => (bytes[at] ?? 0) - 0x30

function isZulu(bytes: Uint8Array, from: number, end: number): boolean {
  for (let at = from; at < end - 1; at++) {
    const d = digit(bytes, at)
    if (d < 0 || d > 9) return false
  }
  return bytes[end - 1] === 0x5a
}

const notTime = ({ content }: Der, name: string, expected: string) =>
  malformed(name, expected, JSON.stringify(LATIN1.decode(content.subarray(0, 24))))

const isLeap = (year: number): boolean => year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)

/** Days from 1970 to a date of the Gregorian calendar. */
function daysBefore(year: number, month: number, day: number): number {
  const past = year - 1
  const leaps = Math.floor(past / 4) - Math.floor(past / 100) + Math.floor(past / 400)
  let days = 365 * year + leaps - DAYS_TO_1970
  for (let m = 1; m < month; m++) days += DAYS[m - 1] ?? 0
  return days + (month > 2 && isLeap(year) ? 1 : 0) + day - 1
}

const DAYS_TO_1970 = 365 * 1970 + 477

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
