// The lines of the README under "Compose your own stack", run as they stand on a small model.
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'

const root = resolve(__dirname, '../..')

const PRELUDE = `
import { tensor } from '@veristack/core'
import { onnxFile } from '${join(root, 'packages/integer-model/src/deep/models.ts')}'
const model = onnxFile({
  inputs: { x: ['n', 4] },
  constants: { w: { shape: [4, 3], values: Array.from({ length: 12 }, (_, i) => Math.sin(i)) } },
  nodes: [
    { op: 'MatMul', inputs: ['x', 'w'], output: 'y' },
    { op: 'ArgMax', inputs: ['y'], output: 'label', attributes: { axis: 1, keepdims: 0 } },
  ],
  outputs: ['y', 'label'],
})
const sample = (i: number) => tensor('x', 'float32', [1, 4], [0, 1, 2, 3].map((j) => Math.cos(i * 7 + j)))
const calibration = Array.from({ length: 20 }, (_, i) => ({ x: sample(i) }))
const inputs = [sample(3)]
`

test('the lines of the README run', async () => {
  const readme = await readFile(join(root, 'README.md'), 'utf8')
  const lines = /```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? ''
  // Inside the repository, so that the packages are found by their names.
  const folder = await mkdtemp(join(root, 'node_modules/.veristack-readme-'))
  try {
    const file = join(folder, 'readme.mts')
    await writeFile(file, `${PRELUDE}\n${lines}`)
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--conditions=@veristack/source', '--import', 'tsx', file],
      { cwd: folder, env: { ...process.env, XDG_CACHE_HOME: join(folder, 'cache') } },
    )
    expect(stdout).toMatch(/^\[ [0-2] \]\n/)
    expect(stdout).toMatch(/status: 'accepted'/)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}, 120_000)
