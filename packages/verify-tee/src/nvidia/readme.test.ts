import { execFile } from 'node:child_process'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { makeBundle, makeKeySet, webKey } from './devices.fixture.ts'

const run = promisify(execFile)
const home = join(__dirname, '..', '..')

/** The example's evidence is our own, of another day, so it ends where it has to. */
test('the example of the README runs as it stands', async () => {
  const readme = await readFile(join(home, 'README.md'), 'utf8')
  const code = /```ts run nvidia\n([\s\S]*?)```/.exec(readme)?.[1]
  if (code === undefined) throw new Error('no example')
  const directory = join(home, 'node_modules', `.readme-nvidia-${process.pid}`)
  await mkdir(directory, { recursive: true })
  try {
    await writeFile(join(directory, 'example.mts'), code)
    await writeFile(join(directory, 'tokens.json'), makeBundle())
    await writeFile(join(directory, 'jwks.json'), makeKeySet(webKey()))
    const tsx = join(home, '..', '..', 'node_modules', 'tsx', 'dist', 'cli.mjs')
    const { stdout } = await run(process.execPath, [tsx, '--conditions=@veristack/source', 'example.mts'], {
      cwd: directory,
    })
    expect(stdout).toMatch(/^rejected token-dates: /)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
})
