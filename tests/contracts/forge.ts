import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

const KEPT = 200_000

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
      output = (output + chunk.toString()).slice(-KEPT)
    }
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, output }))
  })
}

export interface ForgeTested {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
  /** Tests passed, by the name of the test contract. */
  readonly passedOf: ReadonlyMap<string, number>
  /** Random calls of invariant tests in all, and how many of them the player itself reverted. */
  readonly calls: number
  readonly reverts: number
}

/** Runs `forge test`; throws with its output where a test failed or was skipped. */
export async function forgeTest(
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<ForgeTested> {
  const { tested, output } = await forgeCount(args, env)
  if (tested.failed + tested.skipped > 0) throw new Error(output)
  return tested
}

/** Runs `forge test` and counts, whatever it finds; throws where it does not get to an end. */
export async function forgeCount(
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<{ readonly tested: ForgeTested; readonly output: string }> {
  const { output } = await run(forge(), ['test', '--offline', ...args], env)
  const total = /(\d+) tests passed, (\d+) failed, (\d+) skipped/.exec(output.slice(output.lastIndexOf('Ran ')))
  if (total === null) throw new Error(output)
  const [passed = 0, failed = 0, skipped = 0] = total.slice(1).map(Number)
  const invariants = [...output.matchAll(/\(runs: \d+, calls: (\d+), reverts: (\d+)\)/g)]
  const sum = (group: number): number => invariants.reduce((all, match) => all + Number(match[group]), 0)
  const suites = output.matchAll(/^Ran \d+ tests? for \S+:(\w+)$[\s\S]*?^Suite result: \w+\. (\d+) passed/gm)
  const passedOf = new Map([...suites].map(([, name = '', count]) => [name, Number(count)]))
  return { tested: { passed, failed, skipped, passedOf, calls: sum(1), reverts: sum(2) }, output }
}

function forge(): string {
  const found = createRequire(createRequire(join(process.cwd(), 'x.js')).resolve('@foundry-rs/forge/package.json'))
  const arch = process.arch === 'x64' ? 'amd64' : process.arch
  const manifest = found.resolve(`@foundry-rs/forge-${process.platform}-${arch}/package.json`)
  return join(dirname(manifest), 'bin', process.platform === 'win32' ? 'forge.exe' : 'forge')
}
