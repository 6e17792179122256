// node scripts/built.mjs FILE [arguments]: builds what FILE of a workspace package needs, unless it is built, then runs
// FILE as an installed package would run: plain Node, no loader hooks. Hooks run in a thread of their own in Node 20, and
// an import that waits for that thread has been seen to wait for good.
import { spawn } from 'node:child_process'
import { access, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const [, own, file, ...args] = process.argv
if (file === undefined) throw new Error('node scripts/built.mjs FILE [arguments]')
const path = resolve(root, file)

await build(await packageOf(path))
process.argv = [process.execPath, path, ...args]
await import(pathToFileURL(path).href)

async function packageOf(path) {
  for (let folder = dirname(path); folder.startsWith(root); folder = dirname(folder)) {
    try {
      return { folder, name: JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')).name }
    } catch {
      // Not this folder.
    }
  }
  throw new Error(`${own}: ${path} lies in no package of this workspace`)
}

async function build({ folder, name }) {
  const first = await access(join(folder, 'dist')).then(
    () => false,
    () => true,
  )
  if (first) process.stderr.write('building the packages, once\n')
  const turbo = join(dirname(createRequire(import.meta.url).resolve('turbo/package.json')), 'bin/turbo')
  const child = spawn(process.execPath, [turbo, 'run', 'build', `--filter=${name}`, '--output-logs=errors-only'], {
    cwd: root,
    env: {
      ...process.env,
      TURBO_TELEMETRY_DISABLED: '1',
      TURBO_NO_UPDATE_NOTIFIER: '1',
      // Not the user's, which may not be readable, and has no say in this build.
      TURBO_CONFIG_DIR_PATH: join(root, 'node_modules/.cache/turborepo'),
      VERCEL_CONFIG_DIR_PATH: join(root, 'node_modules/.cache/turborepo'),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A process group of its own: what is told to stop is turbo with all that it started.
    detached: process.platform !== 'win32',
  })
  const stop = (signal) => {
    try {
      if (process.platform === 'win32') child.kill()
      else process.kill(-child.pid, 'SIGTERM')
    } catch {
      // It has ended already.
    }
    process.stderr.write('interrupted while the packages were built; the next call builds what is missing\n')
    process.exit(signal === 'SIGINT' ? 130 : 143)
  }
  process.on('SIGINT', stop).on('SIGTERM', stop)
  const said = []
  child.stdout.on('data', (chunk) => said.push(chunk))
  child.stderr.on('data', (chunk) => said.push(chunk))
  const status = await new Promise((done, refuse) => child.on('error', refuse).on('close', done))
  process.off('SIGINT', stop).off('SIGTERM', stop)
  if (status === 0) return
  process.stderr.write(Buffer.concat(said))
  process.exit(status ?? 1)
}
