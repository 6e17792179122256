import type { Row } from '../scripts/measure.ts'
import { gas } from './settlement/gas.ts'
import { robustness } from './settlement/robustness.ts'
import { throughput } from './settlement/throughput.ts'

/** The figures of settling: what a transaction costs, how many a second one signer sends, and what it takes to upset it. */
export async function* rows(progress: (text: string) => void): AsyncIterable<Row> {
  yield* gas(progress)
  yield* throughput(progress)
  yield* robustness(progress)
}
