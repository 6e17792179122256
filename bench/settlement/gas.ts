import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { atMost, type Row, reported } from '../../scripts/measure.ts'

const BOUNDS: Readonly<Record<string, number>> = {
  request: 130_000,
  submit: 350_000,
  deliver: 120_000,
  withdraw: 45_000,
}

/** The gas of whole transactions, as the tests measure it and hold it to this file. */
export async function* gas(): AsyncIterable<Row> {
  const file = join(import.meta.dirname, '../../packages/settlement-evm/gas.json')
  const figures = JSON.parse(await readFile(file, 'utf8')) as Readonly<Record<string, number>>
  for (const [name, used] of Object.entries(figures)) {
    const bound = BOUNDS[name]
    const row = name === 'total' ? 'gas of the whole life of a request' : `gas of ${name}`
    yield bound === undefined ? reported(row, used, 'gas') : atMost(row, used, 'gas', bound)
  }
  const dearest = Math.max(...Object.keys(BOUNDS).map((name) => figures[name] ?? 0))
  yield atMost('gas of the dearest transaction', dearest, 'gas', 16_777_216)
}
