import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { transformSync } from 'esbuild'

const root = resolve(__dirname, '..')

test('the ten lines of the README do what their comments say', async () => {
  const [, code] = /## Ten lines[\s\S]*?```ts\n([\s\S]*?)```/.exec(readFileSync(join(root, 'README.md'), 'utf8')) ?? []
  if (code === undefined) throw new Error('the README has no lines to run')
  expect(code.trim().split('\n').length).toBeLessThanOrEqual(12)
  const { code: script } = transformSync(code, { loader: 'ts', format: 'esm', target: 'es2022' })
  const node = ['--conditions=@veristack/source', '--import', 'tsx', '--input-type=module', '-e', script]
  const { stdout } = await promisify(execFile)(process.execPath, node, { cwd: root })
  expect(stdout).toBe("[ 3, 5 ]\naccepted [ 'the notary signs only what it executed' ]\n")
})

test('the names in the README exist', async () => {
  const readme = readFileSync(join(root, 'README.md'), 'utf8')
  const faces: readonly object[] = [
    await import('./index.ts'),
    await import('./receipt/index.ts'),
    await import('./testing/index.ts'),
  ]
  const named = [...readme.matchAll(/`([a-z]+[A-Z]\w+)`/g)].map(([, name = '']) => name)
  expect(named.length).toBeGreaterThan(10)
  expect(named.filter((name) => !faces.some((face) => name in face))).toEqual([])
})
