import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { decodeProgram, modelId, programId } from '@veristack/integer-model'
import { loadExample } from './index.ts'

const folder = join(__dirname, '..')

test("the README's lines print what it says", async () => {
  const [, code = ''] = /```ts\n(.*?)```/s.exec(await readFile(join(folder, 'README.md'), 'utf8')) ?? []
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--conditions=@veristack/source', '--import', 'tsx', '--input-type=module', '-e', code],
    { cwd: folder },
  )
  expect(stdout.trim()).toBe(/\/\/ (.*)/.exec(code)?.[1])
})

test('the model card speaks of the committed files', async () => {
  const card = await readFile(join(folder, 'model/MODEL_CARD.md'), 'utf8')
  const { model, program } = await loadExample()
  expect(card).toContain(programId(decodeProgram(program)))
  expect(card).toContain(modelId(model))
  expect(card).toContain(`${program.length.toLocaleString('en')} bytes`)
})
