import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Package, root } from '../../scripts/packages.ts'

const run = promisify(execFile)

const filesOf = (target: unknown): readonly string[] => {
  if (typeof target === 'string') return [target]
  if (typeof target !== 'object' || target === null) return []
  return Object.entries(target).flatMap(([condition, inner]) => (condition.startsWith('@') ? [] : filesOf(inner)))
}

/** What a consumer may write in an import: the JavaScript modules in `exports`. Patterns and data files are none. */
export const entriesOf = ({ manifest }: Package): readonly string[] =>
  Object.entries(manifest.exports ?? {}).flatMap(([subpath, target]) => {
    const isCode = !subpath.includes('*') && filesOf(target).some((file) => /\.[cm]?js$/.test(file))
    return isCode ? [manifest.name + subpath.slice(1)] : []
  })

export interface Outcome {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** An empty project into which the tarballs of every published package were installed, as a consumer would. */
export interface Project {
  readonly folder: string
  write(file: string, text: string): Promise<string>
  /** Runs Node in the project. Never rejects. */
  node(...args: readonly string[]): Promise<Outcome>
  /** The same, with more in the environment. */
  nodeWith(environment: Readonly<Record<string, string>>, ...args: readonly string[]): Promise<Outcome>
  /** Runs a command in a folder of the project, the project itself by default. Never rejects. */
  run(command: string, args: readonly string[], subfolder?: string): Promise<Outcome>
  /** Installs one more tarball, named relative to the project. */
  add(tarball: string): Promise<Outcome>
  remove(): Promise<void>
}

/** A process that fails says why in the assertion's message. */
export const expectSuccess = ({ code, stdout, stderr }: Outcome): void => {
  expect(code === 0 ? '' : `exit ${code}\n${stderr}${stdout}`).toBe('')
}

const settled = async (
  file: string,
  args: readonly string[],
  cwd: string,
  variables: Readonly<Record<string, string>>,
): Promise<Outcome> => {
  // The child is a stranger's process: nothing of the test runner's own options may reach it.
  const { NODE_OPTIONS, NODE_ENV, NODE_TEST_CONTEXT, ...inherited } = process.env
  const env = { ...inherited, ...variables }
  try {
    return { code: 0, ...(await run(file, args, { cwd, env, maxBuffer: 64 << 20 })) }
  } catch (error) {
    const failed = error as { code?: unknown; stdout?: string; stderr?: string }
    return {
      code: typeof failed.code === 'number' ? failed.code : 1,
      stdout: failed.stdout ?? '',
      stderr: failed.stderr ?? String(error),
    }
  }
}

const INSTALL = ['install', '--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock']

/** `registry`: versions by name of what else is installed. */
export const installPacked = async (
  packages: readonly Package[],
  registry: Readonly<Record<string, string>> = {},
): Promise<Project> => {
  const folder = await mkdtemp(join(tmpdir(), 'veristack-packed-'))
  const tarballs = join(folder, 'tarballs')
  await mkdir(tarballs)
  const paths = packages.flatMap((pkg) => ['--workspace', pkg.folder])
  await run('npm', ['pack', '--ignore-scripts', '--pack-destination', tarballs, ...paths], {
    cwd: root,
    maxBuffer: 64 << 20,
  })

  const versions = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
    devDependencies: Record<string, string>
  }
  const files = (await readdir(tarballs)).map((file) => `./tarballs/${file}`)
  await writeFile(join(folder, 'package.json'), JSON.stringify({ name: 'consumer', private: true }))
  const released = { '@types/node': versions.devDependencies['@types/node'], ...registry }
  const names = Object.entries(released).map(([name, version]) => `${name}@${version}`)
  await run('npm', [...INSTALL, ...names, ...files], { cwd: folder, maxBuffer: 64 << 20 })

  // Keys that are made here are thrown away with the project.
  const own = { XDG_CACHE_HOME: join(folder, '.cache') }
  return {
    folder,
    write: async (file, text) => {
      await writeFile(join(folder, file), text)
      return join(folder, file)
    },
    node: (...args) => settled(process.execPath, args, folder, own),
    nodeWith: (environment, ...args) => settled(process.execPath, args, folder, { ...own, ...environment }),
    run: (command, args, subfolder = '.') => settled(command, args, join(folder, subfolder), own),
    add: (tarball) => settled('npm', [...INSTALL, tarball], folder, own),
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}
