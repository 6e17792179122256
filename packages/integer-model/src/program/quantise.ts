import { isIntegerType, type Tensor } from '@veristack/core/receipt'
import { count } from '../primitives/index.ts'
import { borderType, integerTensor, matchInputs, readElements, readInteger, refuse } from './border.ts'
import { checkProgram } from './check.ts'
import type { IntegerProgram, ProgramInput, ProgramOutput, Range } from './program.ts'

/**
 * The integer tensors that the program consumes, in its order. float32 and float64 tensors are quantised by the formula
 * of {@link ProgramInput}; tensors of the border's integer type pass once every element is in range. Throws
 * `VS_MODEL_INVALID_INPUT` for anything unknown, missing, misshapen, of another type, or not finite.
 */
export function quantiseInputs(program: IntegerProgram, tensors: readonly Tensor[]): Tensor[] {
  return matchInputs(checkProgram(program), tensors).map(({ input, tensor }) => {
    const values = isIntegerType(tensor.type) ? readInteger(input, tensor) : quantise(input, readFinite(input, tensor))
    return integerTensor(input.name, input.shape, input.range, values)
  })
}

/** Real values of an input that the program can not tell from the end of its range: they are cut to it. */
export interface ExceededInput {
  readonly name: string
  readonly elements: number
  /** How many of the elements were cut. */
  readonly exceeded: number
  /** What the program's range holds, in real numbers. */
  readonly range: { readonly lo: number; readonly hi: number }
  /** The elements as they came. */
  readonly seen: { readonly lo: number; readonly hi: number }
}

/**
 * What {@link quantiseInputs} cuts without a word: inputs with values beyond the range that calibration gave them. Evidence
 * then speaks of the answer to the cut values. Empty where every value fits, as integers always do. Throws as `quantiseInputs`.
 */
export function exceededInputs(program: IntegerProgram, tensors: readonly Tensor[]): readonly ExceededInput[] {
  return matchInputs(checkProgram(program), tensors).flatMap(({ input, tensor }) => {
    if (isIntegerType(tensor.type)) return []
    const values = readFinite(input, tensor)
    const { scale, zeroPoint } = input.quantisation
    const [lo, hi] = [Number(input.range.lo), Number(input.range.hi)]
    const unbounded = quantise({ ...input, range: UNBOUNDED }, values)
    const exceeded = unbounded.filter((q) => q < lo || q > hi).length
    if (exceeded === 0) return []
    const range = { lo: (lo - zeroPoint) * scale, hi: (hi - zeroPoint) * scale }
    const seen = values.reduce((s, x) => ({ lo: Math.min(s.lo, x), hi: Math.max(s.hi, x) }), {
      lo: Infinity,
      hi: -Infinity,
    })
    return [{ name: input.name, elements: values.length, exceeded, range, seen }]
  })
}

const UNBOUNDED: Range = { lo: -(2n ** 53n), hi: 2n ** 53n }

/** q = clamp(floor(x / scale + 1/2) + zeroPoint, lo, hi) in IEEE double. */
export function quantise(
  { quantisation: { scale, zeroPoint }, range }: ProgramInput,
  real: Float64Array,
): Float64Array {
  const [lo, hi] = [Number(range.lo), Number(range.hi)]
  return real.map((x) => Math.min(Math.max(Math.floor(x / scale + 0.5) + zeroPoint, lo), hi) + 0)
}

/** The real numbers that an integer output stands for: (q - zeroPoint) * scale, as float64. */
export function dequantise(output: ProgramOutput, tensor: Tensor): Tensor {
  const real = readElements(tensor, count(tensor.shape), tensor.name).map((q) => (q - output.zeroPoint) * output.scale)
  const data = new Uint8Array(8 * real.length)
  const view = new DataView(data.buffer)
  for (const [i, x] of real.entries()) view.setFloat64(8 * i, x, true)
  return { name: tensor.name, type: 'float64', shape: tensor.shape, data }
}

function readFinite(input: ProgramInput, tensor: Tensor): Float64Array {
  const expected = `float32, float64 or ${borderType(input.range)}`
  if (tensor.type !== 'float32' && tensor.type !== 'float64') throw refuse(input.name, 'type', expected, tensor.type)
  const values = readElements(tensor, count(input.shape), input.name)
  const at = values.findIndex((x) => !Number.isFinite(x))
  if (at !== -1) throw refuse(input.name, `[${at}]`, 'a finite number', String(values[at]))
  return values
}
