import { once } from 'node:events'
import { createServer, request as forward } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createStack, localSigner, type Plugin, type Stack } from '@veristack/core'
import { fakeExecutorPlugin } from '@veristack/core/testing'
import {
  creditOf,
  evm,
  getResult,
  type IntakeEvent,
  type IntakePlugin,
  intake,
  withdraw,
} from '@veristack/settlement-evm'
import { inputsOfNonce, node, openScene, program, type Scene, tierOf } from './intake.scene.ts'

/** What a node says when it can not go on by itself: without money, without a chain, without a verifier. */

let scene: Scene
const stacks: Stack[] = []
const lines: { close(): void; cut(yes: boolean): void }[] = []

beforeAll(async () => {
  scene = await openScene()
}, 120_000)
afterEach(async () => {
  for (const line of lines) line.cut(false)
  for (const stack of stacks.splice(0)) await stack.close()
  for (const line of lines.splice(0)) line.close()
})
afterAll(() => scene?.stop())

const fund = (wei: bigint) => scene.chain.rpc('anvil_setBalance', [node.address, `0x${wei.toString(16)}`])
const pass = async (seconds: bigint) => {
  await scene.chain.rpc('evm_increaseTime', [Number(seconds)])
  await scene.chain.rpc('evm_mine', [])
}
const next = async () => (await scene.chain.now()).block + 1n

test('a request that the account can not pay the gas of is not taken, and is said; with money it is answered', async () => {
  await fund(0n)
  const poor = await scene.startNode({ from: await next(), shut: true })
  const first = await scene.place(1)
  const lack = await poor.until('unfunded', first)
  expect(lack).toMatchObject({ account: node.address, haveWei: 0n })
  expect(lack.needWei).toBeGreaterThan(0n)
  expect(poor.of(first)).toEqual(['seen', 'unfunded'])

  // Enough for one and not for two: the second waits for the first.
  await fund((3n * lack.needWei) / 2n)
  await pass(900n)
  await poor.until('taken', first)
  const second = await scene.place(2)
  expect((await poor.until('unfunded', second)).needWei).toBeGreaterThan((3n * lack.needWei) / 2n)
  poor.gate.open()
  await poor.until('settled', first)
  expect(poor.of(second)).toEqual(['seen', 'unfunded'])

  await fund(10n ** 18n)
  await pass(900n)
  await poor.until('settled', second)
  expect((await getResult(scene.client, { request: second })).state).toBe('delivered')
}, 60_000)

test('one for which no money ever comes is given up at the deadline, in words that say so', async () => {
  await fund(0n)
  const poor = await scene.startNode({ from: await next() })
  const id = await scene.place(3)
  await poor.until('unfunded', id)
  await pass(3700n)
  expect(await poor.until('skipped', id)).toMatchObject({
    reason: 'deadline',
    message: expect.stringMatching(/^the deadline passed \d+ seconds ago$/),
  })
  await fund(10n ** 20n)
}, 60_000)

/** The scene's chain behind a line that can be cut. */
async function openLine() {
  let isCut = false
  const server = createServer((asked, answer) => {
    if (isCut) {
      asked.socket.destroy()
      return
    }
    const { method, headers } = asked
    const onward = forward(scene.anvil.rpcUrl, { method, headers }, (said) => {
      answer.writeHead(said.statusCode ?? 500, said.headers)
      said.pipe(answer)
    })
    asked.pipe(onward)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const line = {
    rpcUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut: (yes: boolean) => {
      isCut = yes
    },
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
  lines.push(line)
  return line
}

/** A node beside the scene's, with what it says. */
async function nodeAt(rpcUrl: string, tier: Plugin, from: bigint) {
  const settlement = evm({ rpcUrl, signer: node.privateKey })
  const answers: IntakePlugin = intake({ settlement, from, serves: [{ program, inputsOf: inputsOfNonce }] })
  const events: IntakeEvent[] = []
  let look = (): void => undefined
  answers.subscribe((event) => {
    events.push(event)
    look()
  })
  const signer: Plugin = {
    specificationVersion: 'v1',
    name: 'identity',
    version: '0.0.0',
    provides: ['signer'],
    register: (host) => host.provide('signer', () => localSigner(node.privateKey)),
  }
  const stack = await createStack({
    plugins: [fakeExecutorPlugin(), signer, tier, settlement, answers],
    onNotice: () => undefined,
  })
  stacks.push(stack)
  const until = (type: IntakeEvent['type']): Promise<void> =>
    new Promise((found) => {
      look = () => {
        if (events.some((e) => e.type === type)) found()
      }
      look()
    })
  return { answers, events, until, stack, settlement }
}

test('a chain that is gone is said once, and so is that it is back; then the node goes on', async () => {
  const line = await openLine()
  const { events, until } = await nodeAt(line.rpcUrl, tierOf(), await next())
  await until('ready')
  line.cut(true)
  await until('unreachable')
  const id = await scene.place(4, { application: {} })
  line.cut(false)
  await until('reachable')
  await until('settled')
  expect(events.map((e) => e.type).slice(0, 3)).toEqual(['ready', 'unreachable', 'reachable'])
  expect(events.find((e) => e.type === 'unreachable')).toEqual({ type: 'unreachable', network: scene.chain.network })
  expect((await getResult(scene.client, { request: id })).state).toBe('delivered')
}, 60_000)

test('an intake that ends by an error says so, and its promise is rejected', async () => {
  const refusing = new Error('a key for development')
  const tier = tierOf()
  const broken: Plugin = {
    ...tier,
    register: (host) =>
      tier.register({
        ...host,
        provide: (role, make) =>
          host.provide(role, (inner) => {
            const made = make(inner)
            if (role !== 'onchain') return made
            const deployment = async () => {
              throw refusing
            }
            return { ...made, deployment }
          }),
      }),
  }
  const { answers, events, until } = await nodeAt(scene.anvil.rpcUrl, broken, await next())
  await expect(answers.ended).rejects.toBe(refusing)
  await until('ended')
  expect(events).toEqual([{ type: 'ended', message: refusing.message }])
})

test('what it earned is withdrawn from within it, while it runs', async () => {
  const { settlement, until } = await nodeAt(scene.anvil.rpcUrl, tierOf(), await next())
  await scene.place(6, { application: {} })
  await until('settled')
  const to = `0x${'5a'.repeat(20)}` as const
  const earned = await creditOf(scene.client, { account: node.address })
  expect(earned).toBeGreaterThan(0n)
  await withdraw(settlement.client(), { to })
  expect(BigInt(String(await scene.chain.rpc('eth_getBalance', [to, 'latest'])))).toBe(earned)
})

test('an intake that is closed with its stack has ended well', async () => {
  const { answers, events, until, stack } = await nodeAt(scene.anvil.rpcUrl, tierOf(), await next())
  await until('ready')
  await stack.close()
  await expect(answers.ended).resolves.toBeUndefined()
  expect(events.map((e) => e.type)).toEqual(['ready'])
})
