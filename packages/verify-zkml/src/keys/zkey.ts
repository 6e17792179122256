import { fail } from '../errors.ts'
import type { Proof, VerifyingKey } from '../groth16/backend.ts'
import { Q, R, readLittleEndian } from '../r1cs/index.ts'

/** One entry of a key's transcript. */
export interface Contribution {
  /** A beacon is computable by everybody, a contribution by its maker alone. */
  readonly type: 'contribution' | 'beacon'
  readonly name: string
}

/** What a zkey says of itself. */
export interface ZkeyHeader {
  readonly signals: number
  readonly publicSignals: number
  readonly domainSize: number
  readonly verifyingKey: VerifyingKey
  readonly contributions: readonly Contribution[]
}

const GROTH16 = 1
const G1 = 64
const G2 = 128
/** Coordinates are stored as x · 2^256 mod q. */
const FROM_MONTGOMERY = inverseModQ(1n << 256n)

/** Reads the parts of iden3's `.zkey` (Groth16, BN254) that decide whether it may be used. Throws `VS_ZKML_KEY_REFUSED`. */
export function readZkey(bytes: Uint8Array): ZkeyHeader {
  try {
    return parse(bytes)
  } catch (cause) {
    if (cause instanceof RangeError) throw refuse('a Groth16 zkey over BN254', cause.message)
    throw cause
  }
}

const refuse = (expected: string, got: string) =>
  fail('VS_ZKML_KEY_REFUSED', { details: { field: 'zkey', expected, got } })

function parse(bytes: Uint8Array): ZkeyHeader {
  const sections = readSections(bytes, 'zkey', 1)
  const section = (id: number): Cursor => {
    const found = sections.get(id)
    if (found === undefined) throw new RangeError(`no section ${id}`)
    return new Cursor(found)
  }
  if (section(1).u32() !== GROTH16) throw new RangeError('another proof system')
  const head = section(2)
  if (head.u32() !== 32 || head.field() !== Q || head.u32() !== 32 || head.field() !== R)
    throw new RangeError('another curve')
  const [signals, publicSignals, domainSize] = [head.u32(), head.u32(), head.u32()]
  const alpha = head.g1()
  head.g1()
  const [beta, gamma] = [head.g2(), head.g2()]
  head.g1()
  const delta = head.g2()
  const ic = section(3)
  if (ic.length !== (publicSignals + 1) * G1) throw new RangeError('IC of another length')
  const points = Array.from({ length: publicSignals + 1 }, () => ic.g1())
  return {
    signals,
    publicSignals,
    domainSize,
    verifyingKey: { alpha, beta, gamma, delta, ic: points },
    contributions: readContributions(section(10)),
  }
}

function readContributions(cursor: Cursor): readonly Contribution[] {
  cursor.skip(64)
  const count = cursor.u32()
  if (count > 1024) throw new RangeError('too many contributions')
  const list = Array.from({ length: count }, () => {
    cursor.skip(3 * G1 + G2 + 64)
    const type = cursor.u32()
    if (type > 1) throw new RangeError(`contribution of type ${type}`)
    const parameters = new Cursor(cursor.take(cursor.u32()))
    let name = ''
    if (parameters.length > 0 && parameters.peek() === 1) {
      parameters.skip(1)
      name = new TextDecoder().decode(parameters.take(parameters.u8()))
    }
    return { type: type === 1 ? ('beacon' as const) : ('contribution' as const), name }
  })
  if (cursor.rest !== 0) throw new RangeError('bytes behind the last contribution')
  return list
}

/** Sections of an iden3 file by id. A section that is there twice is refused. Throws RangeError. */
export function readSections(bytes: Uint8Array, magic: string, maxVersion: number): ReadonlyMap<number, Uint8Array> {
  const cursor = new Cursor(bytes)
  if (new TextDecoder('latin1').decode(cursor.take(4)) !== magic) throw new RangeError(`no ${magic} file`)
  const version = cursor.u32()
  if (version < 1 || version > maxVersion) throw new RangeError(`version ${version}`)
  const count = cursor.u32()
  const sections = new Map<number, Uint8Array>()
  for (let i = 0; i < count; i++) {
    const id = cursor.u32()
    if (sections.has(id)) throw new RangeError(`section ${id} twice`)
    sections.set(id, cursor.take(cursor.u64()))
  }
  if (cursor.rest !== 0) throw new RangeError('bytes behind the last section')
  return sections
}

class Cursor {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }
  get length(): number {
    return this.#bytes.length
  }
  get rest(): number {
    return this.#bytes.length - this.#at
  }
  take(count: number): Uint8Array {
    if (count > this.rest) throw new RangeError('cut off')
    this.#at += count
    return this.#bytes.subarray(this.#at - count, this.#at)
  }
  skip(count: number): void {
    this.take(count)
  }
  peek(): number {
    return this.#bytes[this.#at] ?? -1
  }
  u8(): number {
    return this.take(1)[0] ?? 0
  }
  u32(): number {
    const at = this.#at
    this.skip(4)
    return this.#view.getUint32(at, true)
  }
  u64(): number {
    const at = this.#at
    this.skip(8)
    const value = this.#view.getBigUint64(at, true)
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new RangeError('a length beyond 2^53')
    return Number(value)
  }
  field(): bigint {
    const at = this.#at
    this.skip(32)
    return readLittleEndian(this.#view, at)
  }
  coordinate(): bigint {
    return (this.field() * FROM_MONTGOMERY) % Q
  }
  g1(): Proof['a'] {
    return [this.coordinate(), this.coordinate()]
  }
  g2(): Proof['b'] {
    return [
      [this.coordinate(), this.coordinate()],
      [this.coordinate(), this.coordinate()],
    ]
  }
}

function inverseModQ(value: bigint): bigint {
  let [result, base, exponent] = [1n, value % Q, Q - 2n]
  for (; exponent > 0n; exponent >>= 1n) {
    if (exponent & 1n) result = (result * base) % Q
    base = (base * base) % Q
  }
  return result
}
