import { utf8ToBytes } from '@noble/hashes/utils.js'
import { show } from '../../claim/index.ts'
import { fail } from '../../errors/index.ts'

export interface TextLimits {
  /** Largest text, in bytes of UTF-8. */
  readonly maxBytes: number
  /** Deepest nesting of arrays and objects. */
  readonly maxDepth: number
}

const MAX_NODES = 100_000

/**
 * JSON as RFC 7493 (I-JSON) restricts it: no repeated member names, well-formed Unicode, finite numbers. Repeated names
 * are refused because two readers may keep different ones, and a number is written as RFC 8785 writes it because two
 * readers may round another spelling differently. Throws `VS_CORE_TOO_LARGE` and `VS_CORE_INVALID_DATA`.
 */
export function parseJsonText(text: string, field: string, limits: TextLimits): unknown {
  // A UTF-16 code unit takes one to three bytes, so most texts are decided without encoding them.
  const decided = text.length > limits.maxBytes || text.length * 3 <= limits.maxBytes
  const bytes = decided ? text.length : utf8ToBytes(text).length
  if (bytes > limits.maxBytes) {
    throw fail('VS_CORE_TOO_LARGE', { details: { field, limit: `${limits.maxBytes} bytes`, got: bytes } })
  }
  // Before it is parsed: what is over the limits costs no more than finding that out.
  const { names, unusual } = survey(text, field, limits.maxDepth)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    // The engine's message quotes the text, which may hold salts.
    const place = /position \d+/.exec(String(cause))?.[0]
    throw invalid(field, 'JSON', place === undefined ? 'other text' : `other text at ${place}`)
  }
  // Of names that are repeated, `JSON.parse` keeps one: then the value has fewer than the text.
  if (unusual || names !== countNames(value)) checkTokens(text, field)
  return checkPlainData(value, field, limits.maxDepth)
}

const NUMBER = /-?\d[\d.eE+-]*/y

/** The tokens of a JSON text but for white space, `true`, `false` and `null`; of other texts, some of what is there. */
function* tokens(text: string): Generator<string> {
  for (let at = 0; at < text.length; at++) {
    const c = text[at] ?? ''
    if (c === '"') {
      const from = at
      at = endOfString(text, at)
      yield text.slice(from, at + 1)
    } else if ('{}[],:'.includes(c)) yield c
    else if (c === '-' || (c >= '0' && c <= '9')) {
      NUMBER.lastIndex = at
      const number = NUMBER.exec(text)?.[0] ?? c
      at += number.length - 1
      yield number
    }
  }
}

/** The place of the quotation mark that ends the string; the text's end where none does. */
function endOfString(text: string, from: number): number {
  for (let at = text.indexOf('"', from + 1); at !== -1; at = text.indexOf('"', at + 1)) {
    let slashes = 0
    while (text[at - 1 - slashes] === '\\') slashes += 1
    if (slashes % 2 === 0) return at
  }
  return text.length
}

/** Longest run of digits that is surely the number that they read as. */
const EXACT_DIGITS = 15
const QUOTE = 0x22
const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39

/** Nesting and number of values, within bounds; how many names, and whether any number is more than a few digits. */
function survey(text: string, field: string, maxDepth: number): { readonly names: number; readonly unusual: boolean } {
  let [depth, values, names, unusual] = [0, 0, 0, false]
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) at = endOfString(text, at)
    else if (code === 0x7b || code === 0x5b) depth += 1
    else if (code === 0x7d || code === 0x5d) depth -= 1
    else if (code === 0x2c) values += 1
    else if (code === 0x3a) names += 1
    else if (code === 0x2d || code === 0x2e) unusual = true
    else if (isDigit(code)) {
      const from = at
      while (isDigit(text.charCodeAt(at + 1))) at += 1
      // `e` or `E`: an exponent.
      unusual ||= at - from >= EXACT_DIGITS || (text.charCodeAt(at + 1) | 0x20) === 0x65
    }
    if (depth > maxDepth) throw invalid(field, `nesting of at most ${maxDepth}`, 'deeper')
    if (values > MAX_NODES) throw tooMany(field)
  }
  return { names, unusual }
}

/** Members of all objects in what `JSON.parse` made. */
function countNames(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  const inner: readonly unknown[] = Array.isArray(value) ? value : Object.values(value)
  let count = Array.isArray(value) ? 0 : inner.length
  for (const v of inner) count += countNames(v)
  return count
}

/** `text` is known to be JSON, so tokens are all that there is to look at. */
function checkTokens(text: string, field: string): void {
  const open: (Set<string> | undefined)[] = []
  let last = ''
  for (const token of tokens(text)) {
    if (token === '{') open.push(new Set())
    else if (token === '[') open.push(undefined)
    else if (token === '}' || token === ']') open.pop()
    else if (token === ':') {
      const name: unknown = JSON.parse(last)
      const names = open.at(-1)
      if (names?.has(String(name))) throw invalid(field, 'each member name once', `${show(name)} twice`)
      names?.add(String(name))
    } else if (token !== ',' && !token.startsWith('"')) {
      const number = Number(token)
      // What is not finite, and -0, is refused where its place is known.
      const canonical = JSON.stringify(number)
      if (Number.isFinite(number) && !Object.is(number, -0) && token !== canonical)
        throw invalid(field, `the number ${canonical} as RFC 8785 writes it`, show(token))
    }
    last = token
  }
}

/**
 * Plain data of bounded depth, as `JSON.parse` makes it: what a schema may then be run over. Also refuses `__proto__`
 * as a name and negative zero, which JSON can not tell from zero once it is written again.
 */
export function checkPlainData(value: unknown, field: string, maxDepth: number): unknown {
  let nodes = 0
  const walk = (v: unknown, at: string, depth: number): void => {
    nodes += 1
    if (nodes > MAX_NODES) throw tooMany(field)
    if (v === null || typeof v === 'boolean') return
    if (typeof v === 'string') {
      checkText(v, at)
      return
    }
    if (typeof v === 'number') {
      if (!Number.isFinite(v) || Object.is(v, -0))
        throw invalid(at, 'a finite number other than -0', Object.is(v, -0) ? '-0' : String(v))
      return
    }
    if (typeof v !== 'object') throw invalid(at, 'a JSON value', typeof v)
    if (depth >= maxDepth) throw invalid(at, `nesting of at most ${maxDepth}`, 'deeper')
    if (Array.isArray(v)) {
      for (const [i, inner] of v.entries()) walk(inner, `${at}[${i}]`, depth + 1)
      return
    }
    const prototype: unknown = Object.getPrototypeOf(v)
    if (prototype !== null && Object.getPrototypeOf(prototype) !== null)
      throw invalid(at, 'a plain object', 'an instance of a class')
    for (const name of Object.keys(v)) {
      if (name === '__proto__') throw invalid(at, 'other member names', '"__proto__"')
      checkText(name, at)
      walk(Reflect.get(v, name), `${at}.${name}`, depth + 1)
    }
  }
  walk(value, field, 0)
  return value
}

function checkText(text: string, at: string): void {
  if (!text.isWellFormed()) throw invalid(at, 'well-formed Unicode', show(text))
}

const tooMany = (field: string) => fail('VS_CORE_TOO_LARGE', { details: { field, limit: `${MAX_NODES} values` } })

const invalid = (field: string, expected: string, got: string) =>
  fail('VS_CORE_INVALID_DATA', { details: { field, expected, got } })
