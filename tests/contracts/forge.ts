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
  /** Random calls of invariant tests in all, and how many of them the player itself reverted. */
  readonly calls: number
  readonly reverts: number
}

/** Runs `forge test`; throws with its output where a test failed or was skipped. */
export async function forgeTest(
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<ForgeTested> {
  const { code, output } = await run(forge(), ['test', '--offline', ...args], env)
  const passed = /(\d+) tests passed, 0 failed, 0 skipped/.exec(output.slice(output.lastIndexOf('Ran ')))?.[1]
  if (code !== 0 || passed === undefined) throw new Error(output)
  const invariants = [...output.matchAll(/\(runs: \d+, calls: (\d+), reverts: (\d+)\)/g)]
  const sum = (group: number): number => invariants.reduce((total, match) => total + Number(match[group]), 0)
  return { passed: Number(passed), calls: sum(1), reverts: sum(2) }
}

/** A million random moves, and a tenth more, against the settlement contract. */
export const millionMoves = (): Promise<ForgeTested> =>
  forgeTest(['--match-contract', 'SettlementInvariants'], {
    FOUNDRY_INVARIANT_RUNS: '2200',
    FOUNDRY_INVARIANT_DEPTH: '500',
  })

function forge(): string {
  const found = createRequire(createRequire(join(process.cwd(), 'x.js')).resolve('@foundry-rs/forge/package.json'))
  const arch = process.arch === 'x64' ? 'amd64' : process.arch
  const manifest = found.resolve(`@foundry-rs/forge-${process.platform}-${arch}/package.json`)
  return join(dirname(manifest), 'bin', process.platform === 'win32' ? 'forge.exe' : 'forge')
}
