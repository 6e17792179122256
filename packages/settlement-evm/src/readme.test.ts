import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { deploy, encodeCall } from '@veristack/chain-evm'
import { localSigner } from '@veristack/core'
import { transformSync } from 'esbuild'
import { bondsAbi } from './bindings/Bonds.ts'
import { programRegistryAbi } from './bindings/ProgramRegistry.ts'
import { settlementAbi } from './bindings/Settlement.ts'
import * as api from './index.ts'
import { compileTokens, mintAbi } from './tokens.fixture.ts'
import { answering, PRICE, payer, scene, started } from './toy-tier.fixture.ts'

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

/** The blocks of a section, in order, as functions of the names that they are given. */
const blocksOf = (heading: string) =>
  [...(readme.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '').matchAll(/```ts\n([\s\S]*?)```/g)].map(
    ([, code = '']) => {
      const imported = [...code.matchAll(/^import \{ (.*) \} from '@veristack\/settlement-evm'$/gm)].flatMap(
        ([, names = '']) => names.split(', '),
      )
      const { code: body } = transformSync(code.replace(/^import .*$/gm, ''), { loader: 'ts', target: 'es2022' })
      return async (given: Readonly<Record<string, unknown>>): Promise<void> => {
        const known = { ...given, ...Object.fromEntries(imported.map((name) => [name, Reflect.get(api, name)])) }
        const run = new Function(...Object.keys(known), `return (async () => {${body}})()`)
        await run(...Object.values(known))
      }
    },
  )

test('the lines about paying in a token do what they say', async () => {
  const plugin = api.evm({ network: 'local' })
  const settler = await started(plugin)
  try {
    const client = plugin.client()
    const { lane, chain } = client
    if (lane === undefined) throw new Error('no lane')
    const { Coin } = compileTokens()
    const { address: token } = await deploy(lane, { bytecode: Coin, constructorArgs: '0x', name: 'Coin' })
    await lane.send({ to: token, data: await encodeCall(mintAbi, 'mint', [payer.address, 10n * PRICE]), name: 'mint' })
    const blocks = blocksOf('Paying in a token')
    expect(blocks.length).toBe(2)
    for (const [i, block] of blocks.entries()) {
      const { escrow } = await scene(settler, chain, answering(2), i, { token })
      const { requirement, policies, request } = escrow
      const signer = localSigner(payer.privateKey)
      await block({ client, order: api.orderOf(escrow), requirement, policies, signer, token })
      expect((await api.getResult(client, { request: request.id })).state).toBe('open')
    }
  } finally {
    await plugin.stop?.()
  }
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
