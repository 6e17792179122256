import { isIntegerType, type Tensor } from '@veristack/core/receipt'
import { count } from '../primitives/index.ts'
import { borderType, integerTensor, matchInputs, readElements, readInteger, refuse } from './border.ts'
import { checkProgram } from './check.ts'
import type { IntegerProgram, ProgramInput, ProgramOutput } from './program.ts'

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
