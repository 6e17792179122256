import type { ConstraintSystem } from './builder.ts'
import { FIELD_BYTES, mod, R, writeLittleEndian } from './field.ts'
import type { Form } from './form.ts'

// https://github.com/iden3/r1csfile/blob/master/doc/r1cs_bin_format.md: little-endian throughout.

const SECTION_HEADER = 12

interface System extends Pick<ConstraintSystem, 'constraints' | 'signalCount' | 'publicCount'> {}

/** iden3's `.r1cs`, version 1: header, constraints, wire-to-label map. Deterministic. */
export function encodeR1cs(system: System): Uint8Array<ArrayBuffer> {
  const header = 4 + FIELD_BYTES + 4 * 4 + 8 + 4
  const constraints = system.constraints.reduce((n, { a, b, c }) => n + rowBytes(a) + rowBytes(b) + rowBytes(c), 0)
  const labels = 8 * system.signalCount
  const out = new Uint8Array(12 + 3 * SECTION_HEADER + header + constraints + labels)
  const w = new Writer(out)
  w.text('r1cs').u32(1).u32(3)
  w.section(1, header).u32(FIELD_BYTES).field(R)
  // No outputs in iden3's sense: everything public is declared as a public input.
  w.u32(system.signalCount)
    .u32(0)
    .u32(system.publicCount)
    .u32(system.signalCount - 1 - system.publicCount)
  w.u64(system.signalCount).u32(system.constraints.length)
  w.section(2, constraints)
  for (const { a, b, c } of system.constraints) {
    writeRow(w, a)
    writeRow(w, b)
    writeRow(w, c)
  }
  w.section(3, labels)
  for (let i = 0; i < system.signalCount; i++) w.u64(i)
  return out
}

/** iden3's `.wtns`, version 2. `values` are canonical. */
export function encodeWitness(values: readonly bigint[]): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(12 + 2 * SECTION_HEADER + (4 + FIELD_BYTES + 4) + FIELD_BYTES * values.length)
  const w = new Writer(out)
  w.text('wtns').u32(2).u32(2)
  w.section(1, 4 + FIELD_BYTES + 4)
    .u32(FIELD_BYTES)
    .field(R)
    .u32(values.length)
  w.section(2, FIELD_BYTES * values.length)
  for (const value of values) w.field(value)
  return out
}

const termCount = (f: Form): number => f.signals.length + (f.constant === 0n ? 0 : 1)
const rowBytes = (f: Form): number => 4 + (4 + FIELD_BYTES) * termCount(f)

function writeRow(w: Writer, f: Form): void {
  w.u32(termCount(f))
  if (f.constant !== 0n) w.u32(0).field(mod(f.constant))
  for (let i = 0; i < f.signals.length; i++) w.u32(f.signals[i] as number).field(mod(f.coefficients[i] as bigint))
}

class Writer {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }
  text(ascii: string): this {
    for (const c of ascii) this.#bytes[this.#at++] = c.charCodeAt(0)
    return this
  }
  u32(value: number): this {
    this.#view.setUint32(this.#at, value, true)
    this.#at += 4
    return this
  }
  u64(value: number): this {
    this.#view.setBigUint64(this.#at, BigInt(value), true)
    this.#at += 8
    return this
  }
  field(value: bigint): this {
    writeLittleEndian(this.#view, this.#at, value)
    this.#at += FIELD_BYTES
    return this
  }
  section(id: number, bytes: number): this {
    return this.u32(id).u64(bytes)
  }
}
