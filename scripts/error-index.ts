/**
 * Writes docs/errors.md from the error descriptors of every package: `fail.descriptors` in `src/errors.ts` or
 * `src/errors/codes.ts`. An error's `docsPath` points into this file.
 *
 * Usage: npm run errors [-- --check]
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Package, publicPackages, root } from './packages.ts'

interface Descriptor {
  readonly code: string
  readonly title: string
  readonly remedy: string
}

const FILE = join(root, 'docs/errors.md')
const HOMES = ['src/errors.ts', 'src/errors/codes.ts']

const isDescriptor = (value: unknown): value is Descriptor =>
  typeof value === 'object' &&
  value !== null &&
  ['code', 'title', 'remedy'].every((k) => typeof Reflect.get(value, k) === 'string')

/** A package may have no errors yet. */
async function descriptorsOf({ folder }: Package): Promise<readonly Descriptor[]> {
  const home = HOMES.map((path) => join(folder, path)).find((path) => existsSync(path))
  if (home === undefined) return []
  const { fail }: { readonly fail?: { readonly descriptors?: unknown } } = await import(pathToFileURL(home).href)
  if (!Array.isArray(fail?.descriptors) || !fail.descriptors.every(isDescriptor)) {
    throw new Error(`${home} does not export fail.descriptors`)
  }
  return fail.descriptors
}

const entry = ({ code, title, remedy }: Descriptor): string => `### ${code}\n\n${title}.\n\n_What to do:_ ${remedy}\n`

const packages = await Promise.all(
  publicPackages().map(async (p) => ({ name: p.manifest.name, folder: p.folder, errors: await descriptorsOf(p) })),
)

const codes = packages.flatMap((p) => p.errors.map((e) => e.code))
const twice = codes.filter((code, i) => codes.indexOf(code) !== i)
if (twice.length > 0) throw new Error(`declared by two packages: ${twice.join(', ')}`)

const index = [
  '# Errors\n\nEvery error has a stable code, says what to do, and is recognised with `isVeristackError(error, code)`. A verdict\nthat rejects carries one of these codes too. This page is generated: `npm run errors`.\n',
  ...packages
    .filter((p) => p.errors.length > 0)
    .map(
      (p) =>
        `## ${p.name}\n\n${[...p.errors]
          .sort((a, b) => (a.code < b.code ? -1 : 1))
          .map(entry)
          .join('\n')}`,
    ),
].join('\n')

if (process.argv.includes('--check')) {
  if (!existsSync(FILE) || readFileSync(FILE, 'utf8') !== index) {
    console.error('docs/errors.md is out of date: npm run errors')
    process.exitCode = 1
  }
} else {
  writeFileSync(FILE, index)
  console.log(`docs/errors.md: ${codes.length} errors`)
}
