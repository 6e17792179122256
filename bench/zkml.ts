import type { Row } from '../scripts/measure.ts'
import { accuracy } from './zkml/accuracy.ts'
import { gas } from './zkml/gas.ts'
import { newcomer } from './zkml/newcomer.ts'
import { proving } from './zkml/proving.ts'
import { tests } from './zkml/tests.ts'

/** The figures of the first walk: a model file in, an on-chain receipt out. */
export async function* rows(progress: (text: string) => void): AsyncIterable<Row> {
  yield* accuracy(progress)
  yield* proving(progress)
  yield* gas(progress)
  yield* newcomer(progress)
  yield* tests(progress)
}
