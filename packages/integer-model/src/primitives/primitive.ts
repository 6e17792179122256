import { fail } from '../errors.ts'
import type { Reader, Writer } from '../program/bytes.ts'
import type { ProgramNode, Range, Weights } from '../program/program.ts'
import type { WeightsOrder } from '../program/weights-digest.ts'

/** What is known of a value before anything runs. */
export interface Value {
  readonly shape: readonly number[]
  readonly range: Range
}

/** The shape and range that a node declares, beside its attributes. */
export type Declared = Pick<ProgramNode, 'shape' | 'range'>

/**
 * One primitive of the program: what it means and what holds of its result. Operands come in the order of `edges`.
 * Values are Float64Arrays of integers below 2^53, so that every operation on them is exact.
 */
export interface Primitive<N extends ProgramNode> {
  /** Its number in the encoding; never reused. */
  readonly code: number
  /** The values that the node reads. */
  edges(node: N): readonly number[]
  /** The shape of the result; throws `VS_MODEL_INVALID_PROGRAM` where operands or attributes do not fit. */
  shape(node: N, operands: readonly Value[]): readonly number[]
  /** The range of the result, the least that the operands' ranges give; throws `VS_MODEL_RANGE_OVERFLOW`. */
  range(node: N, operands: readonly Value[]): Range
  /** The result, row-major, never with a negative zero. */
  run(node: N, operands: readonly Float64Array[], values: readonly Value[]): Float64Array
  /** Attributes after the edges. Weights go through `weights`, which an id replaces by their digest. */
  write(node: N, writer: Writer, weights: (weights: Weights, order: WeightsOrder) => void): void
  read(reader: Reader, edges: readonly number[], declared: Declared): N
  /** The node as ONNX operators whose integer kernels mean the same; `values` are the operands. */
  emit(node: N, values: readonly Value[], emitter: OnnxEmitter): Emitted
}

/**
 * Element types of the integer ONNX graph. Values beyond int32 are doubles there, in which every integer below 2^53 is
 * itself: onnxruntime's int64 kernels are not to be relied on (Max and Clip of 1.30 are wrong for bounds between 2^31 and
 * 2^32). int64 occurs at the border and in shapes.
 */
export type OnnxType = 'int32' | 'int64' | 'float64'

export interface Emitted {
  readonly name: string
  readonly type: OnnxType
}

export interface OnnxEmitter {
  /** The value of this number, cast where it is of another type. */
  value(edge: number, type: OnnxType): string
  constant(shape: readonly number[], elements: ArrayLike<number>, type: OnnxType): string
  /** Adds an operator with one output and returns the output's name. */
  operator(
    name: string,
    inputs: readonly string[],
    attributes?: Readonly<Record<string, number | readonly number[]>>,
  ): string
}

const INT32 = { lo: -(2n ** 31n), hi: 2n ** 31n - 1n }

export const fitsInt32 = ({ lo, hi }: Range): boolean => lo >= INT32.lo && hi <= INT32.hi

/** The type in which arithmetic over these ranges is exact. */
export const exactType = (...ranges: readonly Range[]): 'int32' | 'float64' =>
  ranges.every(fitsInt32) ? 'int32' : 'float64'

export const count = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1)

export const sameShape = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((d, i) => d === b[i])

export const showShape = (shape: readonly number[]): string => `[${shape.join(', ')}]`

/** The operand at this place; the number of edges is part of each primitive's form. */
export function operand<T>(operands: readonly T[], index: number): T {
  const found = operands[index]
  if (found === undefined) throw invalid('edges', `at least ${index + 1}`, operands.length)
  return found
}

export function exactly(edges: readonly number[], expected: number): readonly number[] {
  if (edges.length !== expected) throw invalid('edges', `${expected}`, edges.length)
  return edges
}

export const invalid = (field: string, expected: string, got: string | number | bigint) =>
  fail('VS_MODEL_INVALID_PROGRAM', { details: { field, expected, got } })

/** Least and greatest element of a constant. */
export function bounds({ data }: Weights): Range {
  let lo = data[0] ?? 0
  let hi = lo
  for (const value of data) {
    if (value < lo) lo = value
    else if (value > hi) hi = value
  }
  return { lo: BigInt(lo), hi: BigInt(hi) }
}

export function span(values: readonly bigint[]): Range {
  let lo = values[0] ?? 0n
  let hi = lo
  for (const value of values) {
    if (value < lo) lo = value
    else if (value > hi) hi = value
  }
  return { lo, hi }
}

/** Row-major strides, in elements. */
export function strides(shape: readonly number[]): number[] {
  const out = shape.map(() => 1)
  for (let i = shape.length - 2; i >= 0; i--) out[i] = (out[i + 1] ?? 1) * (shape[i + 1] ?? 1)
  return out
}
