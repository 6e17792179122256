/**
 * Adds the platform packages that npm left out of package-lock.json.
 *
 * A registry mirror that carries one platform only makes npm drop the other platforms' optional packages from the lock
 * file, and `npm ci` then refuses the file on every machine, that one included. The dependents name each package with
 * an exact version, and its name says its platform, so the entry can be written without the package at hand. It has no
 * integrity until npm writes the lock file where the package can be fetched.
 *
 * Usage: npm run lockfile
 */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

interface Entry {
  version?: string
  dev?: boolean
  optional?: boolean
  license?: string
  cpu?: string[]
  os?: string[]
  libc?: string[]
  optionalDependencies?: Record<string, string>
}

const OS: Readonly<Record<string, string>> = { windows: 'win32' }
for (const name of [
  'aix',
  'android',
  'darwin',
  'freebsd',
  'linux',
  'netbsd',
  'openbsd',
  'openharmony',
  'sunos',
  'win32',
])
  Object.assign(OS, { [name]: name })
const CPU: Readonly<Record<string, string>> = { amd64: 'x64', '64': 'x64' }
for (const name of ['arm', 'arm64', 'ia32', 'loong64', 'mips64el', 'ppc64', 'riscv64', 's390x', 'x64'])
  Object.assign(CPU, { [name]: name })

/** What a platform package's name says of its platform, or undefined when it names none. */
const platformOf = (name: string): { cpu: string[]; os: string[]; libc: string[] | undefined } | undefined => {
  const words = name.slice(name.indexOf('/') + 1).split('-')
  const os = words.map((word) => OS[word]).find(Boolean)
  const cpu = words.map((word) => CPU[word]).find(Boolean)
  if (os === undefined || cpu === undefined) return undefined
  const abi = os === 'linux' ? (words.at(-1) ?? '') : ''
  const libc = abi.startsWith('musl') ? ['musl'] : abi.startsWith('gnu') ? ['glibc'] : undefined
  return { cpu: [cpu], os: [os], libc }
}

const path = join(import.meta.dirname, '../package-lock.json')
const lock = JSON.parse(await readFile(path, 'utf8')) as { packages: Record<string, Entry> }

/** Whether a package at `from` finds `name` in one of the node_modules folders above it. */
const resolves = (from: string, name: string): boolean => {
  for (let at = from; ; at = at.slice(0, at.lastIndexOf('node_modules/')).replace(/\/$/, '')) {
    if (`${at}${at && '/'}node_modules/${name}` in lock.packages) return true
    if (!at.includes('node_modules/')) return `node_modules/${name}` in lock.packages
  }
}

const added: string[] = []
for (const [from, entry] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    if (resolves(from, name)) continue
    const platform = platformOf(name)
    if (platform === undefined || !/^\d+\.\d+\.\d+[\w.+-]*$/.test(version)) {
      throw new Error(
        `${from} wants ${name}@${version}, which the lock file lacks; its platform or version is not exact`,
      )
    }
    const { cpu, libc, os } = platform
    const beside = from.slice(0, from.lastIndexOf('node_modules/'))
    // npm's own order of the keys, so that it does not rewrite them.
    lock.packages[`${beside}node_modules/${name}`] = {
      version,
      cpu,
      ...(entry.dev ? { dev: true } : {}),
      ...(libc === undefined ? {} : { libc }),
      ...(entry.license === undefined ? {} : { license: entry.license }),
      optional: true,
      os,
    }
    added.push(`${name}@${version}`)
  }
}

if (added.length > 0) {
  const packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => a.localeCompare(b, 'en')))
  await writeFile(path, `${JSON.stringify({ ...lock, packages }, null, 2)}\n`)
}
console.log(
  added.length === 0
    ? 'package-lock.json is complete'
    : `added ${added.length} platform packages:\n  ${added.join('\n  ')}`,
)
