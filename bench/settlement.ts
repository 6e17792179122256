import type { Row } from '../scripts/measure.ts'
import { gas } from './settlement/gas.ts'
import { throughput } from './settlement/throughput.ts'

/** The figures of settling: what a transaction costs, and how many a second one signer sends. */
export async function* rows(progress: (text: string) => void): AsyncIterable<Row> {
  yield* gas()
  yield* throughput(progress)
}
