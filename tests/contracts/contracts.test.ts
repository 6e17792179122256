import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/** The exit code and the last of what a command of this repository prints. */
function run(
  command: string,
  args: readonly string[],
): Promise<{ readonly code: number | null; readonly output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: process.cwd(), stdio: ['ignore', 'pipe', 'pipe'] })
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

function forge(): string {
  const found = createRequire(createRequire(join(process.cwd(), 'x.js')).resolve('@foundry-rs/forge/package.json'))
  const arch = process.arch === 'x64' ? 'amd64' : process.arch
  const manifest = found.resolve(`@foundry-rs/forge-${process.platform}-${arch}/package.json`)
  return join(dirname(manifest), 'bin', process.platform === 'win32' ? 'forge.exe' : 'forge')
}

// The wasm compiler takes about a minute where nothing is cached.
const COMPILE_MS = 900_000

test(
  'the contracts keep what they promise (forge)',
  async () => {
    const { code, output } = await run(forge(), ['test', '--offline'])
    if (code !== 0) throw new Error(output)
    const passed = Number(/(\d+) tests passed, 0 failed, 0 skipped/.exec(output.slice(output.lastIndexOf('Ran ')))?.[1])
    expect(passed).toBeGreaterThan(70)
  },
  COMPILE_MS,
)

test(
  'the committed bindings are what the sources compile to',
  async () => {
    const { code, output } = await run(process.execPath, ['scripts/compile-contracts.mjs', '--check'])
    if (code !== 0) throw new Error(output)
  },
  COMPILE_MS,
)
