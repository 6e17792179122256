import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { atMost, type Row, reported } from '../../scripts/measure.ts'

const root = join(import.meta.dirname, '../..')
const run = promisify(execFile)

/** What a stranger waits for: a fresh clone of what is committed here, and an empty home. */
export async function* newcomer(progress: (text: string) => void): AsyncIterable<Row> {
  const folder = await mkdtemp(join(tmpdir(), 'veristack-newcomer-'))
  try {
    const clone = join(folder, 'veristack')
    const home = join(folder, 'home')
    await mkdir(home)
    await run('git', ['clone', '--quiet', root, clone])
    const { XDG_CACHE_HOME: _, ...env } = process.env
    const timed = async (command: string, args: readonly string[]): Promise<number> => {
      progress([command, ...args].join(' '))
      const began = performance.now()
      await run(command, [...args], { cwd: clone, env: { ...env, HOME: home }, maxBuffer: 64 * 1024 * 1024 })
      return (performance.now() - began) / 1000
    }
    yield reported('npm ci in a fresh clone', await timed('npm', ['ci']), 's')
    const quickstart = () => timed('npm', ['run', 'quickstart', '--', 'I still have not received my new card'])
    yield atMost('first quickstart, empty home', await quickstart(), 's', 120)
    yield atMost('later quickstart', await quickstart(), 's', 20)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
