import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { transformSync } from 'esbuild'
import { bondsAbi } from './bindings/Bonds.ts'
import { programRegistryAbi } from './bindings/ProgramRegistry.ts'
import { settlementAbi } from './bindings/Settlement.ts'

const root = resolve(__dirname, '..')
const readme = readFileSync(join(root, 'README.md'), 'utf8')

test('the first example of the README does what it says', async () => {
  const [, code] = /```ts\n([\s\S]*?)```/.exec(readme) ?? []
  if (code === undefined) throw new Error('the README has no example')
  const { code: script } = transformSync(code, { loader: 'ts', format: 'esm', target: 'es2022' })
  const node = ['--conditions=@veristack/source', '--import', 'tsx', '--input-type=module', '-e', script]
  const { stdout } = await promisify(execFile)(process.execPath, node, { cwd: root })
  expect(stdout).toBe('eip155:31337 none\n[ true ]\n')
})

test('the README lists every revert, and no other', () => {
  const tables = readme.slice(readme.indexOf('## Every revert'), readme.indexOf('## Errors'))
  const listed = [...tables.matchAll(/^\| (`.*?`) *\|/gm)].flatMap(([, cell = '']) => cell.split(', '))
  const consumer: readonly { type: string; name?: string }[] = JSON.parse(
    readFileSync(join(root, 'abi/InferenceConsumer.json'), 'utf8'),
  ).abi
  const declared = new Set(
    [...settlementAbi, ...bondsAbi, ...consumer, ...programRegistryAbi].flatMap((e) =>
      e.type === 'error' ? [`\`${e.name}\``] : [],
    ),
  )
  // Of OpenZeppelin's ECDSA, which is asked in a form that does not revert.
  const unreachable = ['`ECDSAInvalidSignature`', '`ECDSAInvalidSignatureLength`', '`ECDSAInvalidSignatureS`']
  expect(listed.sort()).toEqual([...declared].filter((name) => !unreachable.includes(name)).sort())
})

test('the README states the gas that the tests measure', () => {
  const gas: Readonly<Record<string, number>> = JSON.parse(readFileSync(join(root, 'gas.json'), 'utf8'))
  for (const used of Object.values(gas)) expect(readme).toContain(used.toLocaleString('en-US'))
})
