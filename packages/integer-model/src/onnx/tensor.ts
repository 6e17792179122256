import { ELEMENT_BYTES, type ElementType } from '@veristack/core/receipt'
import { fail } from '../errors.ts'
import type { OnnxTensor } from './model.ts'
import { TensorProto_DataType as T, type TensorProto, TensorProto_DataLocation } from './onnx_pb.ts'

const TYPES = new Map<number, ElementType>([
  [T.FLOAT, 'float32'],
  [T.DOUBLE, 'float64'],
  [T.BOOL, 'bool'],
  [T.INT8, 'int8'],
  [T.INT16, 'int16'],
  [T.INT32, 'int32'],
  [T.INT64, 'int64'],
  [T.UINT8, 'uint8'],
  [T.UINT16, 'uint16'],
  [T.UINT32, 'uint32'],
  [T.UINT64, 'uint64'],
])

export const elementTypeOf = (code: number): ElementType | undefined => TYPES.get(code)

/** A tensor of the file with its elements, which are in `raw_data` or in the field of its type. */
export function readTensor(proto: TensorProto, field: string): OnnxTensor {
  if (proto.dataLocation === TensorProto_DataLocation.EXTERNAL || proto.externalData.length > 0) {
    throw malformed(field, 'weights inside the file', 'external data')
  }
  if (proto.segment !== undefined) throw malformed(field, 'a whole tensor', 'a segment')
  const shape = proto.dims.map((d) => dimension(d, field))
  const count = shape.reduce((a, b) => a * b, 1)
  const type = elementTypeOf(proto.dataType)
  if (type === undefined) return { name: proto.name, shape }
  const values =
    proto.rawData.length > 0 ? rawValues(proto.rawData, type, count, field) : typedValues(proto, type, count, field)
  return { name: proto.name, type, shape, ...(exact(values, type) && { values }) }
}

export function dimension(d: bigint, field: string): number {
  if (d < 0n || d > 0x7fffffffn) throw malformed(field, 'dimensions of 0 to 2^31 - 1', d)
  return Number(d)
}

function rawValues(raw: Uint8Array, type: ElementType, count: number, field: string): Float64Array {
  const size = ELEMENT_BYTES[type]
  if (raw.length !== count * size) throw malformed(field, `${count * size} bytes`, raw.length)
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength)
  const values = new Float64Array(count)
  for (let i = 0; i < count; i++) values[i] = Number(readElement(view, type, i * size))
  return values
}

function readElement(view: DataView, type: ElementType, at: number): number | bigint {
  switch (type) {
    case 'float32':
      return view.getFloat32(at, true)
    case 'float64':
      return view.getFloat64(at, true)
    case 'int8':
      return view.getInt8(at)
    case 'bool':
    case 'uint8':
      return view.getUint8(at)
    case 'int16':
      return view.getInt16(at, true)
    case 'uint16':
      return view.getUint16(at, true)
    case 'int32':
      return view.getInt32(at, true)
    case 'uint32':
      return view.getUint32(at, true)
    case 'int64':
      return view.getBigInt64(at, true)
    case 'uint64':
      return view.getBigUint64(at, true)
  }
}

function typedValues(proto: TensorProto, type: ElementType, count: number, field: string): Float64Array {
  const list = typedField(proto, type)
  if (list.length !== count) throw malformed(field, `${count} elements`, list.length)
  return Float64Array.from(list, Number)
}

function typedField(proto: TensorProto, type: ElementType): readonly (number | bigint)[] {
  if (type === 'float32') return proto.floatData
  if (type === 'float64') return proto.doubleData
  if (type === 'int64') return proto.int64Data
  if (type === 'uint32' || type === 'uint64') return proto.uint64Data
  return proto.int32Data
}

/** Bounds such as INT64_MAX ("to the end") have no double. */
const exact = (values: Float64Array, type: ElementType): boolean =>
  (type !== 'int64' && type !== 'uint64') || values.every(Number.isSafeInteger)

export const malformed = (field: string, expected: string, got: string | number | bigint, cause?: unknown) =>
  fail('VS_MODEL_INVALID_ONNX', { details: { field, expected, got }, cause })
