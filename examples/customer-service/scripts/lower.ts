/** Makes `model/intent.program` again from the committed model and calibration samples. */
import { loadExample } from '../src/index.ts'
import { lowerModel, writeProgram } from './lowering.ts'

const { model, calibration } = await loadExample()
const lowered = await lowerModel(model, calibration)
await writeProgram(new URL('../model/', import.meta.url), lowered)
console.log(`program ${lowered.id}, ${lowered.bytes.length} bytes`)
