/*
 * CBOR (RFC 8949), as much of it as attestation documents use: integers, byte and text strings, arrays, maps and null. Of our own
 * because cborg, the strictest of the kept libraries, takes floats for integers and mends damaged UTF-8 even when it is strict,
 * allows indefinite lengths everywhere or nowhere, and can not be loaded by CommonJS. Here one value has one spelling, but for the
 * order of a map's keys, and for the outermost map where the caller allows it to run until a break.
 */
import { malformed } from '../ledger.ts'

export type Cbor = number | null | string | Uint8Array | readonly Cbor[] | CborMap
export type CborMap = ReadonlyMap<number | string, Cbor>

const MAX_DEPTH = 4
const MAJOR = { unsigned: 0, negative: 1, bytes: 2, text: 3, array: 4, map: 5 } as const
const INDEFINITE_MAP = 0xbf
const BREAK = 0xff
const NULL = 0xf6

export interface CborOptions {
  /** Whether the outermost map may be of indefinite length. Default false. */
  readonly indefiniteMap?: boolean
}

/** The value at the beginning of `bytes`, and how many bytes it takes. Strings are views. */
export function decodeCbor(
  bytes: Uint8Array,
  name: string,
  options: CborOptions = {},
): { readonly value: Cbor; readonly length: number } {
  const reader = new Reader(bytes, name)
  const value =
    options.indefiniteMap === true && bytes[0] === INDEFINITE_MAP ? reader.indefiniteMap() : reader.value(MAX_DEPTH)
  return { value, length: reader.at }
}

class Reader {
  at = 0
  readonly #view: DataView

  constructor(
    readonly bytes: Uint8Array,
    readonly name: string,
  ) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  value(depth: number): Cbor {
    if (this.#peek() === NULL) {
      this.at += 1
      return null
    }
    const { major, argument } = this.#head()
    switch (major) {
      case MAJOR.unsigned:
        return argument
      case MAJOR.negative:
        return -1 - argument
      case MAJOR.bytes:
        return this.#take(argument)
      case MAJOR.text:
        return this.#text(argument)
      case MAJOR.array: {
        this.#descend(depth)
        const items: Cbor[] = []
        // Each takes a byte at least, so that a count that lies ends with the bytes.
        for (let i = 0; i < argument; i++) items.push(this.value(depth - 1))
        return items
      }
      case MAJOR.map: {
        this.#descend(depth)
        const entries = new Map<number | string, Cbor>()
        for (let i = 0; i < argument; i++) this.#entry(entries, depth)
        return entries
      }
      default:
        throw this.#refuse('integers, strings, arrays, maps and null', `major type ${major}`)
    }
  }

  indefiniteMap(): CborMap {
    const entries = new Map<number | string, Cbor>()
    for (this.at += 1; this.#peek() !== BREAK; ) this.#entry(entries, MAX_DEPTH)
    this.at += 1
    return entries
  }

  #entry(entries: Map<number | string, Cbor>, depth: number): void {
    const key = this.value(depth - 1)
    if (typeof key !== 'number' && typeof key !== 'string')
      throw this.#refuse('integers and texts as keys', 'another key')
    if (entries.has(key)) throw this.#refuse('each key once', 'one twice')
    entries.set(key, this.value(depth - 1))
  }

  #descend(depth: number): void {
    if (depth <= 1) throw this.#refuse(`at most ${MAX_DEPTH - 1} arrays and maps in each other`, 'more')
  }

  /** RFC 8949 section 3: the major type and its argument, which has to be as short as it can be. */
  #head(): { readonly major: number; readonly argument: number } {
    const initial = this.#peek()
    const major = initial >> 5
    const minor = initial & 0x1f
    if (major > MAJOR.map) throw this.#refuse('integers, strings, arrays, maps and null', `0x${initial.toString(16)}`)
    this.at += 1
    if (minor < 24) return { major, argument: minor }
    if (minor > 27) throw this.#refuse('a definite length', `0x${initial.toString(16)}`)
    const size = 2 ** (minor - 24)
    const from = this.at
    this.#take(size)
    const argument =
      size === 1
        ? this.#view.getUint8(from)
        : size === 2
          ? this.#view.getUint16(from)
          : size === 4
            ? this.#view.getUint32(from)
            : Number(this.#view.getBigUint64(from))
    if (argument < (size === 1 ? 24 : 2 ** (4 * size))) throw this.#refuse('the shortest head', `${size} bytes`)
    // `-1 - argument` is exact too.
    if (argument >= Number.MAX_SAFE_INTEGER) throw this.#refuse('an integer below 2^53 - 1', 'a larger one')
    return { major, argument }
  }

  #text(length: number): string {
    const bytes = this.#take(length)
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    } catch {
      throw this.#refuse('UTF-8', 'other bytes')
    }
  }

  #take(length: number): Uint8Array {
    if (length > this.bytes.length - this.at)
      throw this.#refuse(`${length} bytes`, `the end after ${this.bytes.length - this.at}`)
    this.at += length
    return this.bytes.subarray(this.at - length, this.at)
  }

  #peek(): number {
    const byte = this.bytes[this.at]
    if (byte === undefined) throw this.#refuse('a value', 'the end')
    return byte
  }

  #refuse(expected: string, got: string) {
    return malformed(`${this.name} at ${this.at}`, expected, got)
  }
}

/** The head of a byte string of `length` bytes, below 2^16. */
export function byteStringHead(length: number): Uint8Array {
  if (length < 24) return Uint8Array.of(0x40 + length)
  return length < 256 ? Uint8Array.of(0x58, length) : Uint8Array.of(0x59, length >> 8, length & 0xff)
}
