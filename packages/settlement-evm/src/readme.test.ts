import { execFile } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { deploy, encodeCall } from '@veristack/chain-evm'
import * as core from '@veristack/core'
import { createStack, localSigner, type Plugin, tensor } from '@veristack/core'
import {
  FAKE_TIER,
  fakeCommitter,
  fakeExecutorPlugin,
  fakeOnChain,
  fakeProgram,
  fakeProver,
  fakeTier,
  fakeVerifier,
} from '@veristack/core/testing'
import { transformSync } from 'esbuild'
import { bondsAbi } from './bindings/Bonds.ts'
import { programRegistryAbi } from './bindings/ProgramRegistry.ts'
import { settlementAbi } from './bindings/Settlement.ts'
import * as api from './index.ts'
import { compileTokens, mintAbi } from './tokens.fixture.ts'
import { adapter, answering, PRICE, payer, scene, started } from './toy-tier.fixture.ts'

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

test('the lines about asking do what they say', async () => {
  const section = readme.split('\n## Asking, and reading the answer\n')[1]?.split('\n## ')[0] ?? ''
  const [asking = '', reading = ''] = [...section.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code = '']) => code)
  const plugin = api.evm({ network: 'local' })
  const onchain = { ...fakeOnChain(), deployment: adapter(answering(2)).deployment }
  const tierPlugin: Plugin = {
    ...fakeTier(),
    register: (host) => {
      host.provide('committer', fakeCommitter)
      host.provide('prover', () => fakeProver())
      host.provide('verifier', fakeVerifier)
      host.provide('onchain', () => onchain)
    },
  }
  const program = fakeProgram()
  const inputs = [tensor('x', 'int32', [2], [5, -7])]
  const node = api.intake({ settlement: plugin, serves: [{ program, inputsOf: async () => ({ inputs }) }] })
  const heard = new EventEmitter()
  node.subscribe((event) => heard.emit(event.type, event))
  const ready = once(heard, 'ready')
  const settled = once(heard, 'settled')
  const stack = await createStack({ plugins: [fakeExecutorPlugin(), tierPlugin, plugin, node] })
  try {
    const [{ programs }] = await ready
    const [verifier] = programs[0].verifiers
    const lines: unknown[][] = []
    const given = {
      ...core,
      ...api,
      stack,
      program,
      verifier,
      settled,
      tier: FAKE_TIER,
      client: plugin.client(),
      console: { log: (...line: unknown[]) => lines.push(line) },
    }
    const code = `${asking}\nawait settled\n${reading}`.replace(/^import .*$/gm, '')
    const { code: body } = transformSync(code, { loader: 'ts', target: 'es2022' })
    await new Function(...Object.keys(given), `return (async () => {${body}})()`)(...Object.values(given))
    expect(lines).toEqual([['delivered', ['y = 11,-13']]])
  } finally {
    await stack.close()
  }
}, 60_000)

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
