/**
 * Runs every workspace's `generate` script and fails when a file differs from what lay there before.
 *
 * Usage: npm run check:generated
 */
import { execFile, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { root } from './packages.ts'

/** Digest of every file that git tracks or would track; line ends and formatting count. */
const snapshot = async (): Promise<ReadonlyMap<string, string>> => {
  const { stdout } = await promisify(execFile)(
    'git',
    ['ls-files', '-coz', '--exclude-standard', '--', 'packages', 'examples'],
    {
      cwd: root,
      maxBuffer: 64 << 20,
    },
  )
  const digests = new Map<string, string>()
  for (const file of new Set(stdout.split('\0').filter(Boolean))) {
    const bytes = await readFile(join(root, file)).catch(() => undefined)
    if (bytes !== undefined) digests.set(file, createHash('sha256').update(bytes).digest('hex'))
  }
  return digests
}

const generate = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const child = spawn('npm', ['run', 'generate', '--workspaces', '--if-present'], {
      cwd: root,
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    child.once('error', reject).once('close', (code) => resolve(code ?? 1))
  })

const before = await snapshot()
const code = await generate()
const after = await snapshot()
const stale = [...new Set([...before.keys(), ...after.keys()])]
  .filter((file) => before.get(file) !== after.get(file))
  .sort()

for (const file of stale) console.log(`out of date: ${file}`)
if (code !== 0) console.log('a generate script failed')
if (code === 0 && stale.length === 0) console.log('generated files are current')
process.exitCode = code === 0 && stale.length === 0 ? 0 : 1
