import { floatReference } from '@veristack/executor-onnx'
import { decodeProgram, programId } from '@veristack/integer-model'
import { loadExample, presence } from '../src/index.ts'
import { integerAccuracy, labelOf } from './accuracy.ts'
import { datasetPresent, load } from './banking77.ts'

export interface Evaluation {
  readonly program: string
  readonly rows: number | null
  /** Shares of right labels, 0 to 1: `intent.onnx` on onnxruntime, and `intent.program` on the interpreter. */
  readonly float: number | null
  readonly integer: number | null
}

/** On the 3,080 test rows, which informed no choice; figures are null where the dataset is absent. */
export async function evaluate(): Promise<Evaluation> {
  const example = await loadExample()
  const program = decodeProgram(example.program)
  const id = programId(program)
  if (!datasetPresent()) return { program: id, rows: null, float: null, integer: null }
  const rows = load('test')
  const run = floatReference(example.model)
  let right = 0
  for (const row of rows) if (labelOf(await run({ features: presence(row.indices) })) === row.intent) right++
  await run.release()
  return { program: id, rows: rows.length, float: right / rows.length, integer: integerAccuracy(rows, program) }
}
