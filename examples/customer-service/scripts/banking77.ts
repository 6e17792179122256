import { existsSync, readFileSync } from 'node:fs'
import { parse } from 'csv-parse/sync'
import { activeFeatures } from '../src/features.ts'
import { mulberry32, type Row, shuffle } from './network.ts'

/** BANKING77 lies beside the repository; it is read from there and never copied into it. */
const FOLDER = new URL('../../../../shared/data/banking77/', import.meta.url)

export const datasetPresent = (): boolean => existsSync(new URL('train.csv', FOLDER))

/** The 77 intents, in the order of their class index. */
export function intents(): readonly string[] {
  const names: unknown = JSON.parse(readFileSync(new URL('categories.json', FOLDER), 'utf8'))
  if (!Array.isArray(names) || !names.every((n) => typeof n === 'string'))
    throw new TypeError('categories.json: expected names')
  return names
}

export function load(split: 'train' | 'test'): readonly Row[] {
  const classes = new Map(intents().map((name, i) => [name, i]))
  const records: unknown[][] = parse(readFileSync(new URL(`${split}.csv`, FOLDER)), { from: 2 })
  return records.map(([text, category]) => {
    const intent = classes.get(String(category))
    if (intent === undefined) throw new TypeError(`${split}.csv: unknown category ${String(category)}`)
    const indices = Uint16Array.from(activeFeatures(String(text)))
    return { indices, values: new Float32Array(indices.length).fill(1), intent }
  })
}

/** 1,500 rows to choose by, the others to learn from; the same ones each time. */
export function holdOut(rows: readonly Row[]): { readonly learn: readonly Row[]; readonly validate: readonly Row[] } {
  const order = Uint32Array.from(rows.keys())
  shuffle(order, mulberry32(77))
  const pick = (indices: Uint32Array) => Array.from(indices, (i) => rows[i] as Row)
  return { validate: pick(order.subarray(0, 1500)), learn: pick(order.subarray(1500)) }
}
