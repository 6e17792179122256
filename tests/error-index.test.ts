import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'

const root = resolve(__dirname, '..')

test('the error index is current', async () => {
  const script = ['--conditions=@veristack/source', '--import', 'tsx', 'scripts/error-index.ts', '--check']
  await promisify(execFile)(process.execPath, script, { cwd: root })
})

test('every code that a package uses is in the index', () => {
  const index = readFileSync(join(root, 'docs/errors.md'), 'utf8')
  const missing = new Set<string>()
  for (const name of readdirSync(join(root, 'packages'))) {
    for (const file of sources(join(root, 'packages', name, 'src'))) {
      for (const [code] of readFileSync(file, 'utf8').matchAll(/(?<=')VS_[A-Z0-9]+_[A-Z0-9_]+(?=')/g)) {
        if (!index.includes(`### ${code}\n`)) missing.add(`${code} in ${file.slice(root.length + 1)}`)
      }
    }
  }
  expect([...missing]).toEqual([])
})

/** What is published: no tests, and none of what only tests use. */
const sources = (folder: string): readonly string[] =>
  (existsSync(folder) ? readdirSync(folder, { recursive: true, withFileTypes: true }) : [])
    .filter((e) => e.isFile() && e.name.endsWith('.ts') && !e.name.endsWith('.test.ts'))
    .map((e) => join(e.parentPath, e.name))
    .filter((path) => !/\/(?:deep|testing|two-processes)\//.test(path))
