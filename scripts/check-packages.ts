/**
 * Packs every published package and asks publint and attw what a consumer would find in it.
 *
 * Usage: npm run check:packages [-- NAME...]
 */
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { type Package, publicPackages } from './packages.ts'

const run = promisify(execFile)

/** What is wrong with one package, a line each. */
const problemsOf = async ({ folder, manifest }: Package, scratch: string): Promise<readonly string[]> => {
  const { stdout } = await run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', scratch], {
    cwd: folder,
  })
  const [packed] = JSON.parse(stdout) as readonly { readonly filename: string }[]
  if (packed === undefined) return ['npm pack made no tarball']
  const tarball = await readFile(join(scratch, packed.filename))

  const problems: string[] = []
  const buffer = tarball.buffer.slice(tarball.byteOffset, tarball.byteOffset + tarball.byteLength) as ArrayBuffer
  const published = await publint({ pack: { tarball: buffer }, level: 'warning', strict: true })
  for (const message of published.messages)
    problems.push(`publint: ${formatMessage(message, manifest, { color: false })}`)

  const types = await checkPackage(createPackageFromTarballData(tarball))
  if (!types.types) return [...problems, 'attw: the package has no types']
  for (const problem of types.problems) {
    const { kind, ...where } = problem
    problems.push(`attw: ${kind} ${JSON.stringify(where, (key, value) => (key === 'trace' ? undefined : value))}`)
  }
  return problems
}

const wanted = process.argv.slice(2)
const packages = publicPackages().filter(({ manifest }) => wanted.length === 0 || wanted.includes(manifest.name))
if (packages.length === 0) throw new Error(`no published package is called ${wanted.join(', ')}`)

const scratch = await mkdtemp(join(tmpdir(), 'veristack-pack-'))
let failed = 0
try {
  for (const pkg of packages) {
    const problems = await problemsOf(pkg, scratch)
    console.log(`${problems.length === 0 ? 'ok    ' : 'FAILED'} ${pkg.manifest.name}`)
    for (const problem of problems) console.log(`         ${problem}`)
    if (problems.length > 0) failed += 1
  }
} finally {
  await rm(scratch, { recursive: true, force: true })
}
process.exitCode = failed === 0 ? 0 : 1
