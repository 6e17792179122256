import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

export interface Ran {
  readonly code: number | null
  /** The last of what it printed. */
  readonly output: string
}

/** Runs a command of this repository. */
export function run(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: process.cwd(),
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    const keep = (chunk: Buffer): void => {
      output = (output + chunk.toString()).slice(-20_000)
    }
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, output }))
  })
}

/** Runs `forge test` and returns how many tests passed; throws with its output where one failed or was skipped. */
export async function forgeTest(
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<number> {
  const { code, output } = await run(forge(), ['test', '--offline', ...args], env)
  const passed = /(\d+) tests passed, 0 failed, 0 skipped/.exec(output.slice(output.lastIndexOf('Ran ')))?.[1]
  if (code !== 0 || passed === undefined) throw new Error(output)
  return Number(passed)
}

function forge(): string {
  const found = createRequire(createRequire(join(process.cwd(), 'x.js')).resolve('@foundry-rs/forge/package.json'))
  const arch = process.arch === 'x64' ? 'amd64' : process.arch
  const manifest = found.resolve(`@foundry-rs/forge-${process.platform}-${arch}/package.json`)
  return join(dirname(manifest), 'bin', process.platform === 'win32' ? 'forge.exe' : 'forge')
}
