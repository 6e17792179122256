import { execFile } from 'node:child_process'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { makeCollateral, makeQuote } from './platform.fixture.ts'

const run = promisify(execFile)
const home = join(__dirname, '..', '..')

/** The example's evidence is our own, so it ends where it has to: Intel's root is the only one. */
test('the example of the README runs as it stands', async () => {
  const readme = await readFile(join(home, 'README.md'), 'utf8')
  const code = /```ts run intel\n([\s\S]*?)```/.exec(readme)?.[1]
  if (code === undefined) throw new Error('no example')
  const directory = join(home, 'node_modules', `.readme-intel-${process.pid}`)
  await mkdir(directory, { recursive: true })
  try {
    await writeFile(join(directory, 'example.mts'), code)
    await writeFile(join(directory, 'quote.bin'), makeQuote())
    await writeFile(join(directory, 'collateral.json'), JSON.stringify(makeCollateral()))
    const tsx = join(home, '..', '..', 'node_modules', 'tsx', 'dist', 'cli.mjs')
    const { stdout } = await run(process.execPath, [tsx, '--conditions=@veristack/source', 'example.mts'], {
      cwd: directory,
    })
    expect(stdout).toMatch(/^rejected pck-chain: /)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
})
