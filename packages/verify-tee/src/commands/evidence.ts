import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'
import { fail } from '../errors.ts'
import { invalidOption } from '../policy/index.ts'
import { textOf } from './files.ts'
import { visible } from './print.ts'
import { type Kind, LOOKED_FOR, type Recognised, recognise } from './recognise.ts'

/** A piece of evidence in a file. */
export interface Piece {
  readonly kind: Kind
  /** What is judged: text encodings are taken off, other formats are not. */
  readonly bytes: Uint8Array
  readonly wrapped?: Recognised['wrapped']
  /** How it was found: `hexadecimal, line 2`; `JSON $.quote, base64`. */
  readonly found: string
}

const MAX_PIECES = 64
const MAX_NODES = 20_000
const MAX_DEPTH = 4
/** The least that a piece of evidence takes as text. */
const MIN_TEXT = 64

/** Everything in a file that looks like evidence. Throws `VS_TEE_UNKNOWN_EVIDENCE` where nothing does. */
export function findEvidence(bytes: Uint8Array, file: string): readonly Piece[] {
  const pieces = search(bytes, [], 0)
  if (pieces.length > MAX_PIECES) throw unknown(file, bytes, `more than ${MAX_PIECES} pieces of evidence`)
  if (pieces.length === 0) throw unknown(file, bytes)
  return pieces
}

/** The piece that `part` (from 1) names, or the only one. */
export function onePiece(pieces: readonly Piece[], part: number | undefined): Piece {
  const [only] = pieces
  if (part === undefined && pieces.length > 1)
    throw invalidOption('--part', `which of the ${pieces.length} pieces of evidence in the file`, 'nothing')
  const piece = part === undefined ? only : pieces[part - 1]
  if (piece === undefined) throw invalidOption('--part', `1 to ${pieces.length}`, `${part}`)
  return piece
}

function search(bytes: Uint8Array, steps: readonly string[], depth: number): readonly Piece[] {
  const known = recognise(bytes)
  if (known !== undefined) return [{ ...known, bytes, found: steps.join(', ') || 'as it is' }]
  const text = depth < MAX_DEPTH ? textOf(bytes)?.trim() : undefined
  return text === undefined ? [] : searchText(text, steps, depth)
}

function searchText(text: string, steps: readonly string[], depth: number): readonly Piece[] {
  if (/^[[{"]/.test(text)) {
    const value = parsed(text)
    return value === undefined ? [] : searchJson(value, text, steps, depth)
  }
  if (text.startsWith('-----BEGIN ')) return armoured(text, steps, depth)
  if (isToken(text)) return [nvidia(text, [...steps, 'a signed token'])]
  const lines = text.split(/\s+/)
  const perLine = lines.map((line, i) => decoded(line, [...steps, ...(i > 0 ? [`line ${i + 1}`] : [])], depth))
  // A dump in lines is one piece; lines that are pieces each are several.
  if (lines.length > 1 && perLine.every((found) => found.length > 0)) return perLine.flat()
  const whole = decoded(lines.join(''), steps, depth)
  return whole.length > 0 ? whole : perLine.flat()
}

function decoded(text: string, steps: readonly string[], depth: number): readonly Piece[] {
  if (text.length < MIN_TEXT) return []
  const hex = /^(?:0x)?((?:[0-9a-fA-F]{2})+)$/.exec(text)?.[1]
  if (hex !== undefined) {
    const found = search(hexToBytes(hex.toLowerCase()), [...steps, 'hexadecimal'], depth + 1)
    if (found.length > 0) return found
  }
  const name = /^[A-Za-z0-9+/]+={0,2}$/.test(text)
    ? ('base64' as const)
    : /^[A-Za-z0-9_-]+={0,2}$/.test(text)
      ? ('base64url' as const)
      : undefined
  if (name === undefined) return []
  return search(new Uint8Array(Buffer.from(text, name)), [...steps, name], depth + 1)
}

const BLOCK = /-----BEGIN ([A-Z0-9 ]{1,64})-----([A-Za-z0-9+/=\s]*)-----END \1-----/g

/** Blocks of certificates and lists are not evidence. */
function armoured(text: string, steps: readonly string[], depth: number): readonly Piece[] {
  return [...text.matchAll(BLOCK)]
    .filter(([, label = '']) => !/CERTIFICATE|CRL|KEY/.test(label))
    .flatMap(([, label = '', body = '']) => decoded(body.replace(/\s+/g, ''), [...steps, `PEM ${label}`], depth))
}

function searchJson(value: unknown, text: string, steps: readonly string[], depth: number): readonly Piece[] {
  if (isNvidia(value)) return [nvidia(text, [...steps, 'JSON'])]
  const pieces: Piece[] = []
  let nodes = 0
  const visit = (node: unknown, path: string, level: number): void => {
    nodes += 1
    if (nodes > MAX_NODES || level > 32 || pieces.length > MAX_PIECES) return
    const at = [...steps, `JSON ${path}`]
    if (typeof node === 'string') pieces.push(...searchString(node, at, depth))
    else if (isByteList(node)) pieces.push(...search(Uint8Array.from(node), [...at, 'list of bytes'], depth + 1))
    else if (Array.isArray(node)) for (const [i, item] of node.entries()) visit(item, `${path}[${i}]`, level + 1)
    else if (typeof node === 'object' && node !== null)
      for (const [key, item] of Object.entries(node)) visit(item, `${path}.${visible(key.slice(0, 64))}`, level + 1)
  }
  visit(value, '$', 0)
  return pieces
}

const searchString = (text: string, steps: readonly string[], depth: number): readonly Piece[] =>
  depth < MAX_DEPTH ? searchText(text.trim(), steps, depth + 1) : []

const isByteList = (value: unknown): value is readonly number[] =>
  Array.isArray(value) &&
  value.length >= MIN_TEXT &&
  value.every((n) => typeof n === 'number' && Number.isInteger(n) && n >= 0 && n <= 255)

const isToken = (text: string): boolean => /^eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*$/.test(text)

/** Devices' evidence, alone or in a request to NRAS; a token with its submodules (detached EAT); claims of one, decoded. */
function isNvidia(value: unknown): boolean {
  if (Array.isArray(value)) {
    const [first] = value as readonly unknown[]
    if (Array.isArray(first)) return first[0] === 'JWT' && typeof first[1] === 'string' && isToken(first[1])
    return isObject(first) && 'evidence' in first && 'certificate' in first
  }
  if (!isObject(value)) return false
  if (Array.isArray(value.evidence_list)) return true
  return Object.entries(value).some(
    ([key, claims]) =>
      /^(?:GPU|SWITCH)-\d/.test(key) &&
      (isObject(claims) ? Object.keys(claims).some((k) => k.startsWith('x-nvidia-')) : typeof claims === 'string'),
  )
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const nvidia = (text: string, steps: readonly string[]): Piece => ({
  kind: 'nvidia',
  bytes: new TextEncoder().encode(text),
  found: steps.join(', '),
})

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function unknown(file: string, bytes: Uint8Array, got = describe(bytes)) {
  return fail('VS_TEE_UNKNOWN_EVIDENCE', {
    details: {
      file: visible(file),
      expected: `${LOOKED_FOR}; as bytes, hexadecimal, base64, PEM, or in JSON`,
      got,
    },
  })
}

/** In few words what there is instead. */
function describe(bytes: Uint8Array): string {
  if (bytes.length === 0) return 'an empty file'
  const text = textOf(bytes)?.trim()
  const label = /^-----BEGIN ([A-Z0-9 ]{1,64})-----/.exec(text ?? '')?.[1]
  if (label !== undefined) return `a PEM text: ${label}`
  if (text !== undefined && /^[[{"]/.test(text)) {
    const value = parsed(text)
    if (value === undefined) return 'text that begins like JSON and is none'
    if (!isObject(value)) return 'JSON without evidence in it'
    const keys = Object.keys(value)
    const named = keys.slice(0, 8).map((key) => key.slice(0, 40))
    return visible(`JSON with the fields ${named.join(', ')}${keys.length > 8 ? ', …' : ''}`)
  }
  if (text !== undefined && /^[\t\n\r\x20-\x7e]*$/.test(text)) return `${bytes.length} characters of other text`
  const head = bytesToHex(bytes.subarray(0, 8))
  const der = bytes[0] === 0x30 && bytes[1] === 0x82 ? ' (DER, as certificates and revocation lists are)' : ''
  return `${bytes.length} bytes that begin with ${head}${der}`
}

/** Without the format around it, where there is one. */
export const unwrapped = ({ bytes, wrapped }: Piece): Uint8Array =>
  wrapped === undefined ? bytes : bytes.subarray(wrapped.offset, wrapped.offset + wrapped.length)

export const digestOf = (bytes: Uint8Array): string => bytesToHex(sha256(bytes))
