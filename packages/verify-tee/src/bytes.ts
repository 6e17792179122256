import { bytesToHex } from '@noble/hashes/utils.js'
import { malformed } from './ledger.ts'

/** Reads a fixed layout from its beginning. What is read outside of it is a refusal of `name`, never `undefined`. */
export class Cursor {
  #at = 0
  readonly #view: DataView

  constructor(
    readonly bytes: Uint8Array,
    readonly name: string,
  ) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  get at(): number {
    return this.#at
  }

  get left(): number {
    return this.bytes.length - this.#at
  }

  /** A view, not a copy. */
  take(length: number, field: string): Uint8Array {
    const from = this.#claim(length, field)
    return this.bytes.subarray(from, from + length)
  }

  hex(length: number, field: string): string {
    return bytesToHex(this.take(length, field))
  }

  u8(field: string): number {
    return this.#view.getUint8(this.#claim(1, field))
  }

  u16(field: string): number {
    return this.#view.getUint16(this.#claim(2, field), true)
  }

  u32(field: string): number {
    return this.#view.getUint32(this.#claim(4, field), true)
  }

  u64(field: string): bigint {
    return this.#view.getBigUint64(this.#claim(8, field), true)
  }

  /** Everything that is left. */
  rest(): Uint8Array {
    return this.take(this.left, 'rest')
  }

  #claim(length: number, field: string): number {
    if (!Number.isSafeInteger(length) || length < 0 || length > this.left)
      throw malformed(`${this.name}.${field}`, `${length} bytes`, `${this.left}`)
    const from = this.#at
    this.#at += length
    return from
  }
}

export function isZero(bytes: Uint8Array): boolean {
  for (let i = 0; i < bytes.length; i++) if (bytes[i] !== 0) return false
  return true
}

/** The bytes of lower-case hexadecimal; absent for any other text. */
export function readHex(text: string): Uint8Array | undefined {
  if (text.length % 2 !== 0) return undefined
  const bytes = new Uint8Array(text.length / 2)
  for (let i = 0; i < bytes.length; i++) {
    const high = nibble(text.charCodeAt(2 * i))
    const low = nibble(text.charCodeAt(2 * i + 1))
    if (high < 0 || low < 0) return undefined
    bytes[i] = 16 * high + low
  }
  return bytes
}

function nibble(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  return code >= 0x61 && code <= 0x66 ? code - 0x57 : -1
}

/** Not in constant time: nothing that is compared here is secret. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a === b) return true
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}
