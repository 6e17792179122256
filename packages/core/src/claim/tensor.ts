import { utf8ToBytes } from '@noble/hashes/utils.js'
import { fail } from '../errors/index.ts'
import { show } from './hex.ts'

/** ONNX element types that may cross a border. Sub-byte types are not stored. */
export type ElementType = keyof typeof ELEMENT_BYTES

export const ELEMENT_BYTES = {
  bool: 1,
  int8: 1,
  uint8: 1,
  int16: 2,
  uint16: 2,
  int32: 4,
  uint32: 4,
  int64: 8,
  uint64: 8,
  float32: 4,
  float64: 8,
} as const

/** A named, dense, row-major tensor; `data` is little-endian. Rank 0 to 8; dimensions 0 to 2^31 - 1. */
export interface Tensor {
  readonly name: string
  readonly type: ElementType
  readonly shape: readonly number[]
  readonly data: Uint8Array
}

export const elementCount = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1)

export const isIntegerType = (type: ElementType): boolean => type !== 'float32' && type !== 'float64'

/** UTF-8 bytes of a tensor's name. */
const NAME_BYTES = 256

/**
 * What a tensor may be called, everywhere: 1 to 256 bytes of UTF-8 without control characters, commas (a commitment joins
 * its tensors by them), or white space at either end. ONNX's usual names are among them: `input_1:0`, `a/b.c[0]`.
 */
export const isTensorName = (name: string): boolean =>
  /^[^\p{Cc}\p{Cs},]+$/u.test(name) && name.trim() === name && utf8ToBytes(name).length <= NAME_BYTES

/** Throws `VS_CORE_INVALID_DATA` for what {@link isTensorName} refuses. */
export function checkTensorName(name: string, field = 'name'): string {
  if (isTensorName(name)) return name
  throw fail('VS_CORE_INVALID_DATA', {
    details: {
      field,
      expected: `1 to ${NAME_BYTES} bytes without control characters, commas, or white space at the ends`,
      got: show(name),
    },
  })
}

/** Throws `VS_CORE_INVALID_DATA` unless the tensor's type, shape and byte length agree. */
export function checkTensor(t: Tensor, field = `tensor ${t.name}`): Tensor {
  if (!Object.hasOwn(ELEMENT_BYTES, t.type)) {
    throw fail('VS_CORE_INVALID_DATA', {
      details: { field: `${field}.type`, expected: Object.keys(ELEMENT_BYTES).join(' | '), got: String(t.type) },
    })
  }
  checkTensorName(t.name, `${field}.name`)
  const bad = t.shape.find((d) => !Number.isSafeInteger(d) || d < 0 || d > 0x7fffffff)
  if (t.shape.length > 8 || bad !== undefined) {
    throw fail('VS_CORE_INVALID_DATA', {
      details: {
        field: `${field}.shape`,
        expected: 'at most 8 dimensions of 0 to 2^31 - 1',
        got: `[${t.shape.join(', ')}]`,
      },
    })
  }
  const expected = elementCount(t.shape) * ELEMENT_BYTES[t.type]
  if (t.data.length !== expected) {
    throw fail('VS_CORE_INVALID_DATA', {
      details: { field: `${field}.data`, expected: `${expected} bytes`, got: t.data.length },
    })
  }
  if (t.type === 'bool' && t.data.some((b) => b > 1)) {
    throw fail('VS_CORE_INVALID_DATA', {
      details: { field: `${field}.data`, expected: 'bytes 0 and 1', got: 'another byte' },
    })
  }
  return t
}

type Values = readonly (number | bigint | boolean)[] | ArrayLike<number> | ArrayLike<bigint>

/** Makes a tensor from values; refuses values that the type does not hold. */
export function tensor(name: string, type: ElementType, shape: readonly number[], values: Values): Tensor {
  const count = elementCount(shape)
  if (values.length !== count) {
    throw fail('VS_CORE_INVALID_DATA', {
      details: {
        field: `tensor ${name}`,
        expected: `${count} values for shape [${shape.join(', ')}]`,
        got: values.length,
      },
    })
  }
  const data = new Uint8Array(count * ELEMENT_BYTES[type])
  const view = new DataView(data.buffer)
  for (let i = 0; i < count; i++) write(view, type, i, values[i] as number | bigint | boolean, name)
  return checkTensor({ name, type, shape: [...shape], data })
}

function write(view: DataView, type: ElementType, i: number, value: number | bigint | boolean, name: string): void {
  const at = i * ELEMENT_BYTES[type]
  if (type === 'float32' || type === 'float64') {
    if (type === 'float32') view.setFloat32(at, Number(value), true)
    else view.setFloat64(at, Number(value), true)
    return
  }
  const [lo, hi] = integerRange(type)
  const whole = typeof value === 'bigint' || Number.isSafeInteger(Number(value))
  const big = whole ? BigInt(value) : undefined
  if (big === undefined || big < lo || big > hi) {
    throw fail('VS_CORE_INVALID_DATA', {
      details: { field: `tensor ${name}[${i}]`, expected: `${type} in ${lo}..${hi}`, got: String(value) },
    })
  }
  const bytes = ELEMENT_BYTES[type]
  const n = Number(BigInt.asUintN(bytes * 8, big))
  if (bytes === 8) view.setBigUint64(at, BigInt.asUintN(64, big), true)
  else if (bytes === 1) view.setUint8(at, n)
  else if (bytes === 2) view.setUint16(at, n, true)
  else view.setUint32(at, n, true)
}

/** Inclusive range of an integer element type; `bool` is 0..1. */
export function integerRange(type: ElementType): readonly [bigint, bigint] {
  if (type === 'bool') return [0n, 1n]
  const bits = BigInt(ELEMENT_BYTES[type] * 8)
  return type.startsWith('u') ? [0n, (1n << bits) - 1n] : [-(1n << (bits - 1n)), (1n << (bits - 1n)) - 1n]
}

const READ: { readonly [T in ElementType]: (v: DataView, at: number) => number | bigint } = {
  bool: (v, at) => v.getUint8(at),
  int8: (v, at) => v.getInt8(at),
  uint8: (v, at) => v.getUint8(at),
  int16: (v, at) => v.getInt16(at, true),
  uint16: (v, at) => v.getUint16(at, true),
  int32: (v, at) => v.getInt32(at, true),
  uint32: (v, at) => v.getUint32(at, true),
  int64: (v, at) => v.getBigInt64(at, true),
  uint64: (v, at) => v.getBigUint64(at, true),
  float32: (v, at) => v.getFloat32(at, true),
  float64: (v, at) => v.getFloat64(at, true),
}

function elements(t: Tensor): (number | bigint)[] {
  const view = new DataView(t.data.buffer, t.data.byteOffset, t.data.byteLength)
  const read = READ[t.type]
  const step = ELEMENT_BYTES[t.type]
  return Array.from({ length: elementCount(t.shape) }, (_, i) => read(view, i * step))
}

/** The elements as JavaScript numbers; 64-bit integers outside the safe range are refused. */
export function numbers(t: Tensor): number[] {
  return elements(t).map((x, i) => {
    const n = Number(x)
    if (typeof x === 'bigint' && !Number.isSafeInteger(n)) {
      throw fail('VS_CORE_INVALID_DATA', {
        details: { field: `tensor ${t.name}[${i}]`, expected: 'a safe integer', got: x },
      })
    }
    return n
  })
}

/** The elements of an integer tensor, exactly. */
export function bigints(t: Tensor): bigint[] {
  if (!isIntegerType(t.type)) {
    throw fail('VS_CORE_INVALID_DATA', {
      details: { field: `tensor ${t.name}.type`, expected: 'an integer type', got: t.type },
    })
  }
  return elements(t).map((x) => BigInt(x))
}
