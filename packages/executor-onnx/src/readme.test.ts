import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { onnxErrors } from './index.ts'
import { matmul } from './models.fixture.ts'

const readme = () => readFile(join(__dirname, '../README.md'), 'utf8')

test("the README's lines print what it says", async () => {
  const [, code = ''] = /```ts\n(.*?)```/s.exec(await readme()) ?? []
  const folder = await mkdtemp(join(tmpdir(), 'veristack-readme-'))
  try {
    const model = join(folder, 'model.onnx')
    await writeFile(model, matmul())
    expect(code).toContain("'model.onnx'")
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [
        '--conditions=@veristack/source',
        ...['--import', 'tsx', '--input-type=module', '-e'],
        code.replace("'model.onnx'", JSON.stringify(model)),
      ],
      { cwd: join(__dirname, '../../..') },
    )
    const [, promised] = /\/\/ (y \[.*\])/.exec(code) ?? []
    expect(stdout.trim()).toBe(promised)
  } finally {
    await rm(folder, { recursive: true })
  }
})

test('the README lists every error', async () => {
  const text = await readme()
  const named = [...text.matchAll(/`(VS_ONNX_[A-Z_]+)`/g)].map((m) => m[1])
  expect(new Set(named)).toEqual(new Set(onnxErrors.descriptors.map((d) => d.code)))
})
