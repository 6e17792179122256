// What the READMEs tell a newcomer to save and run, in a folder and a process of its own.
import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { cliErrors, inferCommand } from 'veristack'
import { onnxFile } from '../../packages/integer-model/src/deep/models.ts'

const root = resolve(__dirname, '../..')
const README = 'README.md'
const OF_COMMANDS = 'packages/veristack/README.md'
const read = (path: string): Promise<string> => readFile(join(root, path), 'utf8')

test.each([README, OF_COMMANDS])(
  'the stack in %s answers, and its receipt is accepted',
  async (path) => {
    const [, code = ''] = /```js\n(.*?)```/s.exec(await read(path)) ?? []
    // Below the workspace, so that its packages are found as if they were installed.
    const folder = await mkdtemp(join(root, 'node_modules/.veristack-readme-'))
    try {
      const weights = Array.from({ length: 12 }, (_, i) => Math.sin(i))
      const model = onnxFile({
        inputs: { x: ['n', 4] },
        constants: { w: { shape: [4, 3], values: weights } },
        nodes: [{ op: 'MatMul', inputs: ['x', 'w'], output: 'y' }],
        outputs: ['y'],
      })
      await writeFile(join(folder, 'my.onnx'), model)
      await writeFile(join(folder, 'answer.mjs'), code)
      const args = ['--conditions=@veristack/source', '--import', 'tsx', 'answer.mjs']
      const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: folder })
      expect(stdout).toMatch(/^\[ -?\d+, -?\d+, -?\d+ \]\naccepted\n$/)
    } finally {
      await rm(folder, { recursive: true })
    }
  },
  240_000,
)

test('the commands that are told exist, with their options', async () => {
  const text = await read(OF_COMMANDS)
  const [, line = ''] = /^npx veristack infer (.*)$/m.exec(text) ?? []
  const options = line.match(/--[a-z-]+/g) ?? []
  expect(options.length).toBeGreaterThan(0)
  for (const option of options) expect(inferCommand.usage).toMatch(new RegExp(`^${option} `, 'm'))
})

test('what is packed from a clone is every package that the command line needs', async () => {
  expect(await read(OF_COMMANDS)).toContain('npm pack ./packages/* --pack-destination ../packed')
  const manifests = await Promise.all(
    (await readdir(join(root, 'packages'))).map((p) => read(`packages/${p}/package.json`)),
  )
  const packages = manifests.map((m) => JSON.parse(m) as { name: string; dependencies?: Record<string, string> })
  const own = new Set(packages.map((p) => p.name))
  const needed = packages
    .flatMap((p) => Object.keys(p.dependencies ?? {}))
    .filter((d) => /^(@veristack\/|veristack$)/.test(d))
  expect(needed.filter((d) => !own.has(d))).toEqual([])
})

test('the README of the command line lists every error of it', async () => {
  const named = [...(await read(OF_COMMANDS)).matchAll(/`(VS_CLI_[A-Z_]+)`/g)].map((m) => m[1])
  expect(new Set(named)).toEqual(new Set(cliErrors.descriptors.map((d) => d.code)))
})
