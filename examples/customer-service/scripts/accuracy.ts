import { numbers, type Tensor, tensor } from '@veristack/core'
import { type IntegerProgram, interpret } from '@veristack/integer-model'
import { FEATURISER } from '../src/features.ts'
import type { Row } from './network.ts'

/** The row as the integer program takes it: what quantising its float features gives. */
export function integerFeatures(row: Row): Tensor {
  const values = new Int32Array(FEATURISER.features)
  for (const i of row.indices) values[i] = 1
  return tensor('features', 'int32', [1, FEATURISER.features], values)
}

/** The value of the output `label`, for a batch of one. */
export function labelOf(outputs: readonly Tensor[]): number {
  const label = outputs.find((t) => t.name === 'label')
  const [value] = label === undefined ? [] : numbers(label)
  if (value === undefined) throw new TypeError('the outputs hold no label')
  return value
}

/** Share of rows whose label the interpreter gets right. */
export function integerAccuracy(rows: readonly Row[], program: IntegerProgram): number {
  return rows.filter((row) => labelOf(interpret(program, [integerFeatures(row)])) === row.intent).length / rows.length
}
