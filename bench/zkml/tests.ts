import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { atMost, type Row } from '../../scripts/measure.ts'

const root = join(import.meta.dirname, '../..')
const run = promisify(execFile)

/** What is shown by tests and not by a figure, with the tests that show it. */
const SUITES: readonly (readonly [string, readonly string[]])[] = [
  ['forgeries: failed tests', ['tests/e2e', 'tests/contracts', 'packages/verify-zkml', 'packages/core/src/receipt']],
  [
    'ties, saturation, extreme values in all readers: failed tests',
    [
      'packages/integer-model',
      'packages/executor-onnx',
      'packages/verify-zkml/src/gadgets',
      'packages/verify-zkml/src/circuit',
    ],
  ],
  ['loaded modules and packed tarballs: failed tests', ['tests/packed']],
]

export async function* tests(progress: (text: string) => void): AsyncIterable<Row> {
  progress('building')
  await run('npm', ['run', '--silent', 'build'], { cwd: root })
  for (const [name, paths] of SUITES) {
    progress(`tests: ${paths.join(', ')}`)
    const { passed, failed } = await jest(paths)
    yield atMost(name, failed, `of ${passed + failed}`, 0)
  }
}

async function jest(paths: readonly string[]): Promise<{ readonly passed: number; readonly failed: number }> {
  const folder = await mkdtemp(join(tmpdir(), 'veristack-bench-'))
  try {
    const file = join(folder, 'result.json')
    await run('npx', ['jest', '--json', `--outputFile=${file}`, ...paths], {
      cwd: root,
      maxBuffer: 256 * 1024 * 1024,
    }).catch(() => undefined)
    const result = JSON.parse(await readFile(file, 'utf8')) as {
      readonly numPassedTests: number
      readonly numFailedTests: number
      readonly numRuntimeErrorTestSuites: number
    }
    return { passed: result.numPassedTests, failed: result.numFailedTests + result.numRuntimeErrorTestSuites }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
