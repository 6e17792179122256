/**
 * Trains the intent model and writes `model/`. Everything is chosen on 1,500 rows held out of the training file; the
 * test file is not read here. `--search` prints what the choice was made among and writes nothing.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { featuriserDigest, presence } from '../src/features.ts'
import { TRAINED_WITH } from '../src/index.ts'
import { integerAccuracy } from './accuracy.ts'
import { datasetPresent, holdOut, intents, load } from './banking77.ts'
import { lowerModel, writeProgram } from './lowering.ts'
import { accuracy, mulberry32, type Row, type Schedule, shuffle, train, type Weights } from './network.ts'
import { modelFile } from './onnx-file.ts'
import { CANDIDATES, CHOSEN, SHAPE } from './settings.ts'

const MODEL = new URL('../model/', import.meta.url)

const percent = (x: number) => `${(100 * x).toFixed(2)} %`

function trainWith(rows: readonly Row[], schedule: Schedule): Weights {
  return train(rows, SHAPE, schedule, (epoch, loss) => {
    process.stderr.write(`\r  epoch ${epoch + 1} of ${schedule.epochs}, loss ${loss.toFixed(3)} `)
    if (epoch + 1 === schedule.epochs) process.stderr.write('\n')
  })
}

function search(rows: readonly Row[]): void {
  const { learn, validate } = holdOut(rows)
  for (const [name, schedule] of Object.entries(CANDIDATES)) {
    console.log(`${name}: ${percent(accuracy(validate, trainWith(learn, schedule)))}`)
  }
}

async function write(rows: readonly Row[]): Promise<void> {
  const { learn, validate } = holdOut(rows)
  const trial = trainWith(learn, CHOSEN)
  console.log(`validation rows, by a model that has not seen them: ${percent(accuracy(validate, trial))}`)
  const { program } = await lowerModel(modelFile(trial), samplesOf(calibrationRows(learn)))
  console.log(`the same, by its integer program: ${percent(integerAccuracy(validate, program))}`)

  const model = modelFile(trainWith(rows, CHOSEN))
  const calibration = calibrationRows(rows)
  const labels = intents().map((intent) => ({ intent, title: titleOf(intent) }))
  await mkdir(MODEL, { recursive: true })
  await writeFile(new URL('intent.onnx', MODEL), model)
  await writeFile(new URL('labels.json', MODEL), `${JSON.stringify(labels, null, 1)}\n`)
  await writeFile(
    new URL('calibration.json', MODEL),
    `[\n${calibration.map((c) => JSON.stringify(c)).join(',\n')}\n]\n`,
  )
  const lowered = await lowerModel(model, samplesOf(calibration))
  await writeProgram(MODEL, lowered)
  console.log(`program ${lowered.id}, ${lowered.bytes.length} bytes; model ${model.length} bytes`)
}

/** The active features of 256 rows. */
function calibrationRows(rows: readonly Row[]): readonly (readonly number[])[] {
  const order = Uint32Array.from(rows.keys())
  shuffle(order, mulberry32(256))
  return Array.from(order.subarray(0, 256), (i) => [...(rows[i] as Row).indices])
}

const samplesOf = (lists: readonly (readonly number[])[]) => lists.map((active) => ({ features: presence(active) }))

/** `why_verify_identity` → `Why verify identity`. */
function titleOf(intent: string): string {
  const words = intent
    .toLowerCase()
    .replaceAll('_', ' ')
    .replace(/\b(atm|pin)\b/g, (word) => word.toUpperCase())
  return words.charAt(0).toUpperCase() + words.slice(1)
}

if (!datasetPresent()) {
  console.error('BANKING77 is not there: expected ../shared/data/banking77 beside the repository')
  process.exitCode = 1
} else if (featuriserDigest() !== TRAINED_WITH) {
  console.error(`the featuriser has changed: set TRAINED_WITH to ${featuriserDigest()} in src/index.ts`)
  process.exitCode = 1
} else if (process.argv.includes('--search')) {
  search(load('train'))
} else {
  await write(load('train'))
}
