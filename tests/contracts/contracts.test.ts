import { forgeTest, run } from './forge.ts'

// The wasm compiler takes about a minute where nothing is cached.
const COMPILE_MS = 900_000

test(
  'the contracts keep what they promise (forge)',
  async () => {
    const { passed, calls, reverts } = await forgeTest()
    expect(passed).toBeGreaterThan(150)
    expect(calls).toBeGreaterThanOrEqual(50_000)
    expect(reverts).toBe(0)
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
