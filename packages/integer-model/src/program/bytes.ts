import { fail } from '../errors.ts'
import type { Range, Weights } from './program.ts'

const INITIAL_BYTES = 1024
/** Element sizes of stored weights; a tensor uses the least that holds all its elements. */
const WEIGHT_BYTES = [1, 2, 4, 8] as const

/** Appends big-endian fields to a growing buffer. */
export class Writer {
  #bytes = new Uint8Array(INITIAL_BYTES)
  #view = new DataView(this.#bytes.buffer)
  #length = 0

  take(): Uint8Array {
    return this.#bytes.slice(0, this.#length)
  }

  u8(value: number): void {
    const at = this.#grow(1)
    this.#view.setUint8(at, value)
  }

  u16(value: number): void {
    const at = this.#grow(2)
    this.#view.setUint16(at, value)
  }

  u32(value: number): void {
    const at = this.#grow(4)
    this.#view.setUint32(at, value)
  }

  i64(value: bigint): void {
    const at = this.#grow(8)
    this.#view.setBigInt64(at, value)
  }

  f64(value: number): void {
    const at = this.#grow(8)
    this.#view.setFloat64(at, value)
  }

  raw(bytes: Uint8Array): void {
    const at = this.#grow(bytes.length)
    this.#bytes.set(bytes, at)
  }

  text(value: string): void {
    const bytes = new TextEncoder().encode(value)
    this.u16(bytes.length)
    this.raw(bytes)
  }

  shape(shape: readonly number[]): void {
    this.u8(shape.length)
    for (const d of shape) this.u32(d)
  }

  range(range: Range): void {
    this.i64(range.lo)
    this.i64(range.hi)
  }

  weights({ shape, data }: Weights): void {
    const size = weightBytes(data)
    this.u8(size)
    this.shape(shape)
    const at = this.#grow(data.length * size)
    const view = this.#view
    data.forEach((value: number, i: number) => {
      if (size === 1) view.setInt8(at + i, value)
      else if (size === 2) view.setInt16(at + 2 * i, value)
      else if (size === 4) view.setInt32(at + 4 * i, value)
      else view.setBigInt64(at + 8 * i, BigInt(value))
    })
  }

  /** Makes room, which may replace the buffer and its view, and returns where. */
  #grow(by: number): number {
    const at = this.#length
    this.#length += by
    if (this.#length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.#length, 2 * this.#bytes.length))
      larger.set(this.#bytes)
      this.#bytes = larger
      this.#view = new DataView(larger.buffer)
    }
    return at
  }
}

function weightBytes(data: Int32Array | Float64Array): number {
  let lo = 0
  let hi = 0
  for (const value of data) {
    if (value < lo) lo = value
    else if (value > hi) hi = value
  }
  return WEIGHT_BYTES.find((size) => lo >= -(2 ** (8 * size - 1)) && hi < 2 ** (8 * size - 1)) ?? 8
}

/** Reads what {@link Writer} wrote. Everything that does not fit is refused; nothing is skipped. */
export class Reader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  get rest(): number {
    return this.#bytes.length - this.#at
  }

  u8(field: string): number {
    return this.#view.getUint8(this.#advance(1, field))
  }

  u16(field: string): number {
    return this.#view.getUint16(this.#advance(2, field))
  }

  u32(field: string): number {
    return this.#view.getUint32(this.#advance(4, field))
  }

  i64(field: string): bigint {
    return this.#view.getBigInt64(this.#advance(8, field))
  }

  /** A 64-bit integer that a double holds exactly. */
  safe(field: string): number {
    const value = Number(this.i64(field))
    if (!Number.isSafeInteger(value)) throw malformed(field, 'a safe integer', value)
    return value
  }

  f64(field: string): number {
    return this.#view.getFloat64(this.#advance(8, field))
  }

  raw(length: number, field: string): Uint8Array {
    const at = this.#advance(length, field)
    return this.#bytes.subarray(at, at + length)
  }

  text(field: string): string {
    const bytes = this.raw(this.u16(field), field)
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    } catch (cause) {
      throw malformed(field, 'UTF-8', 'other bytes', cause)
    }
  }

  shape(field: string): number[] {
    return Array.from({ length: this.u8(field) }, () => this.u32(field))
  }

  range(field: string): Range {
    return { lo: this.i64(field), hi: this.i64(field) }
  }

  weights(field: string): Weights {
    const size = this.u8(field)
    const shape = this.shape(field)
    const count = shape.reduce((a, b) => a * b, 1)
    if (!WEIGHT_BYTES.some((known) => known === size)) throw malformed(field, 'elements of 1, 2, 4 or 8 bytes', size)
    const at = this.#advance(count * size, field)
    const view = this.#view
    if (size === 8)
      return { shape, data: Float64Array.from({ length: count }, (_, i) => Number(view.getBigInt64(at + 8 * i))) }
    const data = new Int32Array(count)
    for (let i = 0; i < count; i++) {
      data[i] = size === 1 ? view.getInt8(at + i) : size === 2 ? view.getInt16(at + 2 * i) : view.getInt32(at + 4 * i)
    }
    return { shape, data }
  }

  #advance(by: number, field: string): number {
    if (by > this.rest) throw malformed(field, `${by} more bytes`, `${this.rest}`)
    const at = this.#at
    this.#at += by
    return at
  }
}

export const malformed = (field: string, expected: string, got: string | number, cause?: unknown) =>
  fail('VS_MODEL_NOT_CANONICAL', { details: { field, expected, got }, cause })
