import type { Tensor } from '@veristack/core/receipt'
import { primitiveOf, type Value } from '../primitives/index.ts'
import { integerTensor, matchInputs, readInteger } from './border.ts'
import { valuesOf } from './check.ts'
import type { IntegerProgram } from './program.ts'

/**
 * Runs a program: the meaning that every other reader of it must agree with, bit for bit. Inputs are integer tensors of
 * the border type, in any order; outputs come in the program's order. Throws `VS_MODEL_INVALID_INPUT`.
 */
export function interpret(program: IntegerProgram, inputs: readonly Tensor[]): Tensor[] {
  const values = valuesOf(program)
  const results = trace(program, inputs)
  return program.outputs.map(({ name, value }) => {
    const [known, result] = [values[value], results[value]]
    // checkProgram has seen to it that outputs name values.
    if (known === undefined || result === undefined) throw new RangeError(`output ${name} names no value`)
    return integerTensor(name, known.shape, known.range, result)
  })
}

/** Every value of a run, by number: inputs first, then one per node; row-major, each element an exact integer. */
export function trace(program: IntegerProgram, inputs: readonly Tensor[]): Float64Array[] {
  const values = valuesOf(program)
  const results = matchInputs(program, inputs).map(({ input, tensor }) => readInteger(input, tensor))
  for (const node of program.nodes) {
    const primitive = primitiveOf(node)
    const edges = primitive.edges(node)
    results.push(primitive.run(node, pick(results, edges), pick<Value>(values, edges)))
  }
  return results
}

const pick = <T>(from: readonly T[], indices: readonly number[]): T[] => indices.flatMap((i) => from.slice(i, i + 1))
