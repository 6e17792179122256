import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { elementCount, isVeristackError, type Tensor, tensor } from '@veristack/core'
import fc from 'fast-check'
import { guardModel } from '../guard.ts'
import { stage } from '../stage.fixture.ts'

const CASES = join(__dirname, '../../../../../shared/onnx-node-tests')
const present = existsSync(CASES)
if (!present) console.warn(`skipped: the ONNX node tests are not at ${CASES}`)

const models = present
  ? readdirSync(CASES)
      .filter((name) => name.startsWith('test_'))
      .map((name) => new Uint8Array(readFileSync(join(CASES, name, 'model.onnx'))))
  : []

const mutants = fc
  .record({
    model: fc.nat(),
    edits: fc.array(fc.record({ at: fc.nat(), from: fc.option(fc.nat()), to: fc.nat(255) }), {
      minLength: 1,
      maxLength: 3,
    }),
  })
  .map(({ model, edits }) => {
    const original = models[model % models.length] ?? new Uint8Array(1)
    const bytes = Uint8Array.from(original)
    for (const { at, from, to } of edits)
      bytes[at % bytes.length] = from === null ? to : (original[from % original.length] ?? to)
    return bytes
  })

function feeds(bytes: Uint8Array): readonly Tensor[] {
  return guardModel(bytes, { maxBytes: 2 ** 24 }).inputs.flatMap(({ name, type, shape }) => {
    const sizes = (shape ?? []).map((d) => (typeof d === 'number' ? d : 1))
    const count = elementCount(sizes)
    return count > 2 ** 18 ? [] : [tensor(name, type, sizes, Array(count).fill(1))]
  })
}

test(present
  ? 'damaged node tests never crash the process'
  : 'were skipped: ../shared/onnx-node-tests is absent', async () => {
  if (!present) return
  const { float, run, stop } = stage()
  await fc.assert(
    fc.asyncProperty(mutants, async (bytes) => {
      try {
        await run(await float(bytes), feeds(bytes))
      } catch (error) {
        if (!isVeristackError(error)) throw error
      }
    }),
    { numRuns: 10_000 },
  )
  await stop()
}, 600_000)
