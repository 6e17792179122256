import { revertName } from '@veristack/chain-evm'
import { commitTensors, type Host, memoryBlobs, type Settler, tensor } from '@veristack/core'
import { type Hex, numbers, parseRequestId, ZERO_ADDRESS } from '@veristack/core/receipt'
import { FAKE_TIER, fakeExecutor, fakeProgram, fakeProver } from '@veristack/core/testing'
import { evm } from '../evm.ts'
import { orderOf } from '../order.ts'
import { answering, call, outputsOf, PRICE, payer, scene, started, stranger } from '../toy-tier.fixture.ts'
import { commitInputs } from './commit-inputs.ts'
import { findEvents } from './find-events.ts'
import { getAnswer } from './get-answer.ts'
import { getResult } from './get-result.ts'
import { makeOrder } from './make-order.ts'
import { placeRequest, requestIdOf } from './place-request.ts'
import { retryCallback } from './retry-callback.ts'
import { allowanceOf, approve } from './token.ts'
import { creditOf, withdraw } from './withdraw.ts'

const plugin = evm({ network: 'local' })
let settler: Settler

beforeAll(async () => {
  settler = await started(plugin)
}, 120_000)
afterAll(() => plugin.stop?.())

const program: Hex = `0x${'1A'.repeat(32)}`
const verifierOf = async () => (await scene(settler, plugin.client().chain, answering(2), 900)).policy

describe('an order', () => {
  test('of a program, inputs, a verifier and a price is one that the contract takes', async () => {
    const client = plugin.client()
    const { verifier, codeHash, params } = await verifierOf()
    const made = await makeOrder(client, {
      program,
      inputs: [tensor('x', 'int32', [2], [5, -1])],
      policies: [{ tier: 'toy', verifier, codeHash, params }],
      priceWei: PRICE,
    })
    expect(made.formula).toBe('0x00')
    expect(made.policies).toEqual([{ tier: 'toy', verifier, codeHash, params, offchain: {} }])
    expect(made.order.request).toMatchObject({ payer: payer.address, program: program.toLowerCase() })
    expect(await requestIdOf(client, made)).toBe(made.id)
    await placeRequest(client, made)
    expect((await getResult(client, { request: made.id })).state).toBe('open')
  })

  test('commits to tensors as commitTensors does, and takes what that made', async () => {
    const client = plugin.client()
    const x = tensor('x', 'int32', [2], [5, -1])
    const unused = () => {
      throw new Error('unused')
    }
    const host = { use: unused, all: () => [], provide: unused }
    const of = { tensors: ['x'], scheme: 'raw/v1', salted: false }
    const policies = [await verifierOf()]
    const code = { id: parseRequestId(program) as Hex as never, semantics: 'integer/v1', blob: {} as never }
    const inputs = await commitTensors(host, code, [of], [x], {})
    const common = { program, policies, priceWei: 1n, nonce: program }
    const [a, b] = [await makeOrder(client, { ...common, inputs: [x] }), await makeOrder(client, { ...common, inputs })]
    expect(a.order.request.inputs).toBe(b.order.request.inputs)
  })

  test('has other ids each time, and terms, payer and application as they are given', async () => {
    const client = plugin.client()
    const policy = await verifierOf()
    const common = { program, inputs: [], policies: [policy, { ...policy, params: '0x02' as const }], priceWei: 1n }
    const one = await makeOrder(client, common)
    const two = await makeOrder(client, {
      ...common,
      payer: stranger.address,
      settlement: { graceSeconds: 5, tipWei: '3' },
      application: { shop: 'mine' },
      lifetimeSeconds: 60n,
    })
    expect((await makeOrder(client, common)).id).not.toBe(one.id)
    expect(one.formula).toBe('0x0001800202')
    expect(two.order).toMatchObject({ request: { payer: stranger.address }, terms: { graceSeconds: 5n, tipWei: 3n } })
    expect(two.order.application).not.toBe(one.order.application)
    expect(two.order.request.expiresAt).toBeLessThan(one.order.request.expiresAt)
  })

  test('that can not be made names the field', async () => {
    const client = plugin.client()
    const policy = await verifierOf()
    const common = { program, inputs: [], policies: [policy], priceWei: 1n }
    for (const [field, change] of Object.entries({
      program: { program: '0x12' },
      payer: { payer: '0x12' },
      nonce: { nonce: '0x12' },
      'policies[0].verifier': { policies: [{ ...policy, verifier: '0x12' }] },
      'policies[0].codeHash': { policies: [{ ...policy, codeHash: '0x12' }] },
      policies: { policies: [] },
      tipWei: { settlement: { tipWei: -1 } },
    } as const)) {
      await expect(makeOrder(client, { ...common, ...change })).rejects.toMatchObject({ details: { field } })
    }
    const { chain, deployment } = client
    await expect(makeOrder({ chain, deployment }, common)).rejects.toMatchObject({ code: 'VS_SETTLE_NO_SIGNER' })
  })
})

/** A node that says of the event Delivered what it likes. */
function forging(change: (data: string) => string | undefined) {
  const client = plugin.client()
  const rpc: typeof client.chain.rpc = async (method, params, signal) => {
    const answer = await client.chain.rpc(method, params, signal)
    if (method !== 'eth_getLogs' || !Array.isArray(answer)) return answer
    return answer.flatMap((log: { readonly data: string }) => {
      const data = change(log.data)
      return data === undefined ? [] : [{ ...log, data }]
    })
  }
  return { ...client, chain: { ...client.chain, rpc } }
}

describe('an answer', () => {
  test('is there once it is delivered, as tensors and as what retryCallback takes', async () => {
    const client = plugin.client()
    // The registry has no such function: the callback is made, and fails.
    const { escrow, job } = await scene(settler, client.chain, answering(2), 901, {
      callbackTarget: client.deployment.registry,
      callbackGas: 100_000,
      callbackState: 'delivered',
    })
    const request = escrow.request.id
    expect(await getAnswer(client, { request })).toBeUndefined()
    await settler.prepare(escrow, call())
    expect(await getAnswer(client, { request })).toBeUndefined()
    await settler.settle(await job(7), call())
    const answer = await getAnswer(client, { request })
    if (answer === undefined) throw new Error('no answer')
    expect(answer.result.state).toBe('delivered')
    expect(answer.outputs).toEqual(outputsOf(7))
    expect(answer.tensors.map((t) => [t.name, numbers(t)])).toEqual([['label', [7]]])
    expect(answer.result.callback).toBe('failed')
    const order = orderOf(escrow)
    const other = await retryCallback(client, { order, outputs: outputsOf(8) }).catch((e: unknown) => e)
    expect(revertName(other)).toBe('OutputsMismatch')
    await retryCallback(client, { order, outputs: answer.outputs })
    const names = (await findEvents(client, { request })).map((e) => e.name)
    expect(names.filter((name) => name === 'CalledBack').length).toBe(2)
  }, 60_000)

  test('that is not the one whose digest the contract holds is not given', async () => {
    const { escrow, job } = await scene(settler, plugin.client().chain, answering(2), 902)
    const request = escrow.request.id
    await settler.prepare(escrow, call())
    await settler.settle(await job(7), call())
    const seven = '7'.padStart(64, '0')
    const eight = forging((data) => data.replace(seven, '8'.padStart(64, '0')))
    const silent = forging(() => undefined)
    for (const client of [eight, silent])
      await expect(getAnswer(client, { request })).rejects.toMatchObject({ code: 'VS_SETTLE_ANSWER_UNAVAILABLE' })
  }, 60_000)
})

test('addresses and digests are taken as other libraries have them, and refused by name', async () => {
  const client = plugin.client()
  // As viem types and writes them.
  const account: `0x${string}` = '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266'
  const id: `0x${string}` = `0x${'AB'.repeat(32)}`
  expect((await getResult(client, { request: id })).state).toBe('none')
  expect(await findEvents(client, { request: id })).toEqual([])
  expect(await creditOf(client, { account, token: ZERO_ADDRESS })).toBeGreaterThanOrEqual(0n)
  const short = '0x12'
  const refused: readonly (readonly [string, () => Promise<unknown>])[] = [
    ['request', () => getResult(client, { request: short })],
    ['request', () => getAnswer(client, { request: short })],
    ['request', () => findEvents(client, { request: short })],
    ['account', () => creditOf(client, { account: short })],
    ['token', () => creditOf(client, { account, token: short })],
    ['to', () => withdraw(client, { to: short })],
    ['token', () => withdraw(client, { token: short })],
    ['token', () => approve(client, { token: short, amount: 1n })],
    ['owner', () => allowanceOf(client, { token: account, owner: short })],
  ]
  for (const [field, work] of refused)
    await expect(work()).rejects.toMatchObject({ code: 'VS_CORE_INVALID_DATA', details: { field } })
})

describe('inputs', () => {
  const x = tensor('x', 'int32', [1], [5])
  const stackOf = (salted: boolean | undefined): Host => {
    const plan = { inputs: [{ tensors: ['x'], scheme: 'raw/v1', salted: salted === true }], outputs: 'raw' as const }
    const prover = salted === undefined ? fakeProver() : { ...fakeProver(), commitments: async () => plan }
    const roles: Readonly<Record<string, unknown>> = { executor: fakeExecutor(), prover, blobs: memoryBlobs() }
    return {
      use: (role) => roles[role] as never,
      all: (role) => (roles[role] === undefined ? [] : [roles[role] as never]),
      provide: () => undefined,
    }
  }
  const common = { program: fakeProgram(), tier: FAKE_TIER, inputs: [x] }

  test('are committed to as the tier wants them', async () => {
    const expected = [{ tensor: 'int32[1]:x', scheme: 'raw/v1', value: `0x${'5'.padStart(64, '0')}` }]
    for (const salted of [undefined, false]) expect(await commitInputs(stackOf(salted), common)).toEqual(expected)
  })

  test('are not committed to without the salt, or by a stack that lacks tier or executor', async () => {
    const program = { ...common.program, semantics: 'onnx/v1' as never }
    for (const [field, work] of [
      ['salts', () => commitInputs(stackOf(true), common)],
      ['tier', () => commitInputs(stackOf(false), { ...common, tier: 'other' })],
      ['program.semantics', () => commitInputs(stackOf(false), { ...common, program })],
    ] as const)
      await expect(work()).rejects.toMatchObject({ code: 'VS_SETTLE_INVALID_OPTION', details: { field } })
  })
})
