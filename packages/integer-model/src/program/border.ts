import { ELEMENT_BYTES, type Tensor } from '@veristack/core/receipt'
import { fail } from '../errors.ts'
import { count, fitsInt32, sameShape, showShape } from '../primitives/index.ts'
import type { IntegerProgram, ProgramInput, Range } from './program.ts'

/** The element type in which a value crosses the border: int32 where its range fits, otherwise int64. */
export const borderType = (range: Range): 'int32' | 'int64' => (fitsInt32(range) ? 'int32' : 'int64')

/** A tensor of the border type of `range` from exact integers. */
export function integerTensor(name: string, shape: readonly number[], range: Range, values: Float64Array): Tensor {
  const type = borderType(range)
  const data = new Uint8Array(values.length * ELEMENT_BYTES[type])
  const view = new DataView(data.buffer)
  for (const [i, v] of values.entries()) {
    if (type === 'int32') view.setInt32(4 * i, v, true)
    else view.setBigInt64(8 * i, BigInt(v), true)
  }
  return { name, type, shape: [...shape], data }
}

/**
 * One entry per input of the program, in its order, matched by name. Throws `VS_MODEL_INVALID_INPUT` for a tensor that is
 * missing, unknown, there twice or misshapen.
 */
export function matchInputs(
  program: IntegerProgram,
  tensors: readonly Tensor[],
): { input: ProgramInput; tensor: Tensor }[] {
  const known = program.inputs.map((input) => input.name).join(', ')
  const byName = new Map<string, Tensor>()
  for (const tensor of tensors) {
    if (byName.has(tensor.name)) throw refuse(tensor.name, 'tensor', 'one', 'two of this name')
    byName.set(tensor.name, tensor)
  }
  const matched = program.inputs.map((input) => {
    const tensor = byName.get(input.name)
    if (tensor === undefined) throw refuse(input.name, 'tensor', 'an input of this name', 'none')
    byName.delete(input.name)
    if (!sameShape(tensor.shape, input.shape))
      throw refuse(input.name, 'shape', showShape(input.shape), showShape(tensor.shape))
    return { input, tensor }
  })
  const [unknown] = byName.keys()
  if (unknown !== undefined) throw refuse(unknown, 'tensor', known, 'an unknown name')
  return matched
}

/** The elements of an integer input, each inside the declared range. */
export function readInteger(input: ProgramInput, tensor: Tensor): Float64Array {
  const { name, range, shape } = input
  const type = borderType(range)
  if (tensor.type !== type) throw refuse(name, 'type', type, tensor.type)
  const values = readElements(tensor, count(shape), name)
  const [lo, hi] = [Number(range.lo), Number(range.hi)]
  const at = values.findIndex((v) => v < lo || v > hi)
  if (at !== -1) throw refuse(name, `[${at}]`, `${lo}..${hi}`, values[at] ?? 0)
  return values
}

/** The elements of an int32, int64, float32 or float64 tensor; 64-bit integers beyond 2^53 are rounded. */
export function readElements(tensor: Tensor, elements: number, name: string): Float64Array {
  const { data, type } = tensor
  if (data.length !== elements * ELEMENT_BYTES[type])
    throw refuse(name, 'data', `${elements * ELEMENT_BYTES[type]} bytes`, data.length)
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
  const values = new Float64Array(elements)
  for (let i = 0; i < elements; i++) {
    if (type === 'int32') values[i] = view.getInt32(4 * i, true)
    else if (type === 'float32') values[i] = view.getFloat32(4 * i, true)
    else if (type === 'float64') values[i] = view.getFloat64(8 * i, true)
    else if (type === 'int64') values[i] = Number(view.getBigInt64(8 * i, true))
    else throw refuse(name, 'type', 'int32, int64, float32 or float64', type)
  }
  return values
}

export const refuse = (input: string, field: string, expected: string, got: string | number) =>
  fail('VS_MODEL_INVALID_INPUT', { details: { input, field, expected, got } })
