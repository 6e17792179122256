import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import type { Address, Hex } from '@veristack/core'
import { type Account, type Chain, connect, encodeCall, laneOf, privateKeyAccount } from './index.ts'
import { type Anvil, developmentAccounts, startAnvil } from './local/index.ts'

/** What somebody who begins passes by mistake is told with the name of the field. */

let anvil: Anvil
let chain: Chain
let account: Account
beforeAll(async () => {
  const [first] = developmentAccounts
  if (first === undefined) throw new Error('no accounts')
  anvil = await startAnvil()
  chain = await connect({ rpcUrl: anvil.rpcUrl })
  account = await privateKeyAccount(first.privateKey)
})
afterAll(async () => {
  chain.close()
  await anvil.stop()
})

const order = 'fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141'

test.each<[string, unknown]>([
  ['too short', '0x12'],
  ['without 0x', 'ab'.repeat(32)],
  ['zero', `0x${'00'.repeat(32)}`],
  ["the curve's order", `0x${order}`],
  ['a phrase', 'test test test test test test test test test test test junk'],
  ['a number', 7331],
])('a key that is none, %s, is refused and not repeated', async (_, key) => {
  const error: unknown = await privateKeyAccount(key as Hex).catch((e: unknown) => e)
  expect(error).toMatchObject({ code: 'VS_EVM_KEY', details: { field: 'privateKey' } })
  const said = inspect(error, { depth: 5, showHidden: true }).split('\n    at ')[0]
  expect(said).not.toContain(String(key).replace(/^0x/, ''))
})

const bob = { to: `0x${'b0'.repeat(20)}` as Address, data: '0x', name: 'call' } as const

test.each<[string, object, object]>([
  ['to', { to: 'bob' }, { code: 'VS_CORE_INVALID_DATA', details: { field: 'to', got: '"bob"' } }],
  ['data', { data: '0x1' }, { code: 'VS_CORE_INVALID_DATA', details: { field: 'data' } }],
  ['valueWei', { valueWei: 5 }, { code: 'VS_EVM_INVALID_OPTION', details: { field: 'valueWei', got: '5' } }],
  ['valueWei', { valueWei: -1n }, { code: 'VS_EVM_INVALID_OPTION', details: { field: 'valueWei', got: '-1n' } }],
  ['gasLimit', { gasLimit: 21_000 }, { code: 'VS_EVM_INVALID_OPTION', details: { field: 'gasLimit' } }],
])('%s of a transaction', async (_, change, error) => {
  await expect(laneOf(chain, account).send({ ...bob, ...change })).rejects.toMatchObject(error)
})

test('an address is the same one in capitals', async () => {
  const lane = laneOf(chain, account)
  const sent = await lane.send({ ...bob, idempotencyKey: 'capitals' })
  const to = `0x${'B0'.repeat(20)}` as Address
  expect(await lane.send({ ...bob, to, idempotencyKey: 'capitals' })).toEqual(sent)
})

test('the most that is offered', () => {
  for (const maxFeePerGasWei of [0n, 5 as unknown as bigint])
    expect(() => laneOf({ ...chain }, account, { maxFeePerGasWei })).toThrow(
      expect.objectContaining({ code: 'VS_EVM_INVALID_OPTION' }),
    )
})

test('a journal in a file instead of a folder', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'veristack-options-'))
  try {
    const path = join(folder, 'file')
    await writeFile(path, 'something')
    for (const journalDirectory of [path, join(path, 'below')]) {
      await expect(laneOf({ ...chain }, account, { journalDirectory }).open()).rejects.toMatchObject({
        code: 'VS_EVM_INVALID_OPTION',
        details: { field: 'journalDirectory', path: journalDirectory },
      })
    }
  } finally {
    await rm(folder, { recursive: true })
  }
})

test.each([
  ['ftp://node.example/secret', 'a URL with ftp:'],
  ['localhost:8545', 'a URL with localhost:'],
  ['node.example/secret', 'not a URL'],
])('an RPC at %s', async (rpcUrl, got) => {
  await expect(connect({ rpcUrl })).rejects.toMatchObject({
    code: 'VS_EVM_INVALID_OPTION',
    details: { field: 'rpcUrl', expected: 'a URL that begins with http:// or https://', got },
  })
})

test('an argument that is not of its type', async () => {
  const inputs = [
    { name: 'to', type: 'address' },
    { name: 'amount', type: 'uint8' },
  ]
  const abi = [{ type: 'function', name: 'pay', stateMutability: 'view', inputs, outputs: [] }] as const
  for (const [field, ...args] of [
    ['to', 'bob', 1n],
    ['amount', bob.to, -1n],
    ['amount', bob.to, 256n],
  ])
    await expect(encodeCall(abi, 'pay', args)).rejects.toMatchObject({
      code: 'VS_EVM_INVALID_OPTION',
      details: { call: 'pay', field },
    })
})
