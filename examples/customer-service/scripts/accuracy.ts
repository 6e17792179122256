import { numbers, type Tensor } from '@veristack/core'
import { type IntegerProgram, interpret } from '@veristack/integer-model'
import { FEATURISER } from '../src/features.ts'
import type { Row } from './network.ts'

/** The row as the integer program takes it: what quantising its float features gives. */
export function integerFeatures(row: Row): Tensor {
  const data = new Uint8Array(4 * FEATURISER.features)
  const view = new DataView(data.buffer)
  for (const i of row.indices) view.setInt32(4 * i, 1, true)
  return { name: 'features', type: 'int32', shape: [1, FEATURISER.features], data }
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
