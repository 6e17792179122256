import { execFile } from 'node:child_process'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { encodeProgram, programId } from '@veristack/integer-model'
import { compile } from './circuit/compile.ts'
import { smallProgram } from './testing/programs.ts'

const run = promisify(execFile)
const home = join(__dirname, '..')

test('the example of the README runs as it stands', async () => {
  const readme = await readFile(join(home, 'README.md'), 'utf8')
  const code = /```ts run\n([\s\S]*?)```/.exec(readme)?.[1]
  if (code === undefined) throw new Error('no example')
  // Below the package, so that its imports resolve as an integrator's do.
  const directory = join(home, 'node_modules', `.readme-${process.pid}`)
  await mkdir(directory, { recursive: true })
  try {
    await writeFile(join(directory, 'example.mts'), code)
    await writeFile(join(directory, 'small.program'), encodeProgram(smallProgram()))
    const tsx = join(home, '..', '..', 'node_modules', 'tsx', 'dist', 'cli.mjs')
    const { stdout } = await run(
      process.execPath,
      [tsx, '--conditions=@veristack/source', 'example.mts', 'small.program'],
      { cwd: directory },
    )
    const { constraints } = compile(smallProgram(), programId(smallProgram())).system
    expect(stdout).toContain(`${constraints.length} constraints`)
    expect(stdout).toContain('node 5 argmax')
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
})

test('the figure for the large classifier is true', async () => {
  const { classifier } = await import('./testing/programs.ts')
  const integer = classifier(1024, 64, 77)
  const readme = await readFile(join(home, 'README.md'), 'utf8')
  const { constraints } = compile(integer, programId(integer)).system
  expect(readme).toContain(`${constraints.length.toLocaleString('en')} constraints`)
})
