import { EventEmitter, once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { deploy, encodeCall, laneOf, privateKeyAccount } from '@veristack/chain-evm'
import {
  claimDigest,
  createStack,
  type Hex,
  isVeristackError,
  localSigner,
  type Plugin,
  type Policy,
  parseDigest,
  policyDigest,
  type RequestId,
  type Stack,
  toHex,
} from '@veristack/core'
import { FAKE_KIND, fakeAnchor, fakeExecutor } from '@veristack/core/testing'
import {
  approve,
  creditOf,
  evm,
  finalize,
  findEvents,
  getResult,
  intake,
  placeRequest,
  publishAnchors,
  refund,
  revokeAnchor,
  revokeProgram,
  submit,
} from '@veristack/settlement-evm'
import { transformSync } from 'esbuild'
import { openProgress } from '../../packages/settlement-evm/src/intake/progress.ts'
import { compileTokens, mintAbi } from '../../packages/settlement-evm/src/tokens.fixture.ts'
import { answering } from '../../packages/settlement-evm/src/toy-tier.fixture.ts'
import {
  FOREIGN,
  inputOf,
  inputsOfNonce,
  type Node,
  node,
  openScene,
  type Placing,
  PRICE,
  payer,
  program,
  type Scene,
  stranger,
  tierOf,
  undecidedUntil,
} from './intake.scene.ts'

const fakePlugin: Plugin = {
  specificationVersion: 'v1',
  name: 'executing',
  version: '0.0.0',
  provides: ['executor'],
  register: (host) => host.provide('executor', () => fakeExecutor()),
}
let scene: Scene
let directory: string
let folders = 0
const open: Node[] = []

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'veristack-intake-'))
  scene = await openScene()
}, 120_000)
afterEach(async () => {
  for (const started of open.splice(0)) await started.close()
})
afterAll(async () => {
  await scene?.stop()
  await rm(directory, { recursive: true, force: true })
})

const start = async (options: Parameters<Scene['startNode']>[0] = {}): Promise<Node> => {
  const { block } = await scene.chain.now()
  const started = await scene.startNode({ from: block + 1n, ...options })
  open.push(started)
  return started
}
const folder = (): string => join(directory, String(++folders))
const credit = () => creditOf(scene.client, { account: node.address })
const acceptedTimes = async (id: RequestId): Promise<number> =>
  (await findEvents(scene.client, { request: id })).filter((e) => e.name === 'Accepted').length

test('answers what is placed before and after it begins, and is paid', async () => {
  const before = await credit()
  const { block } = await scene.chain.now()
  const early = await scene.place(3)
  const answers = await start({ from: block })
  const late = await scene.place(4)
  for (const id of [early, late]) {
    expect(await answers.until('settled', id)).toMatchObject({ settlement: { state: 'delivered' } })
    expect(answers.of(id)).toEqual(['seen', 'taken', 'settled'])
    expect(await getResult(scene.client, { request: id })).toMatchObject({ state: 'delivered', claimant: node.address })
  }
  expect(await credit()).toBe(before + 2n * PRICE)
})

describe('leaves alone, and goes on after', () => {
  const leaves = async (
    answers: Node,
    id: RequestId,
    expected: { readonly reason: string; readonly message?: RegExp },
  ): Promise<void> => {
    const { reason, message } = await answers.until('skipped', id)
    expect(reason).toBe(expected.reason)
    if (expected.message !== undefined) expect(message).toMatch(expected.message)
    expect(answers.of(id)).toEqual(['seen', 'skipped'])
    // The service is none the worse for it.
    const honest = await scene.place(5)
    await answers.until('settled', honest)
    expect((await getResult(scene.client, { request: id })).state).not.toBe('accepted')
  }

  test('inputs that do not give the commitment', async () => {
    const answers = await start()
    // It says 6 and commits to 7.
    const lying = await scene.makeOrder(7)
    const nonce = `0x${(BigInt(lying.order.request.nonce) - 1n).toString(16).padStart(64, '0')}` as Hex
    const id = await scene.place(7, { request: { nonce } })
    await leaves(answers, id, { reason: 'inputs', message: /inputs/ })
  })

  test('inputs that the program does not take', async () => {
    const answers = await start({
      inputsOf: async ({ request }) => ({
        inputs: [
          inputOf(Number(BigInt(request.nonce) & 0xffffn)),
          ...(request.nonce.endsWith('9') ? [inputOf(1)] : []),
        ],
      }),
    })
    await leaves(answers, await scene.place(9), { reason: 'inputs' })
  })

  test('inputs that are not found, in no time, or are too large', async () => {
    const strange: Record<number, () => Promise<{ readonly inputs: ReturnType<typeof inputOf>[] }>> = {
      10: () => Promise.reject(new Error('the blob store has nothing')),
      11: () => new Promise(() => undefined),
      12: async () => ({ inputs: [{ ...inputOf(1), data: new Uint8Array(2000) }] }),
    }
    const answers = await start({
      inputTimeoutMs: 200,
      inputBytes: 1000,
      inputsOf: async ({ request }) => {
        const x = Number(BigInt(request.nonce) & 0xffffn)
        return strange[x]?.() ?? { inputs: [inputOf(x)] }
      },
    })
    await leaves(answers, await scene.place(10), { reason: 'inputs', message: /blob store has nothing/ })
    await leaves(answers, await scene.place(11), { reason: 'inputs', message: /not found within 200 ms/ })
    await leaves(answers, await scene.place(12), { reason: 'inputs', message: /2000 bytes, the limit is 1000/ })
  })

  test("somebody else's verifier of the same kind, which accepts anything", async () => {
    const answers = await start()
    const foreign = await deploy(scene.lane, { ...FOREIGN, name: 'foreign' })
    const own = (await scene.makeOrder(1)).policies[0]
    if (own === undefined) throw new Error('no policy')
    const policy: Policy = { ...own, verifier: foreign.address, codeHash: parseDigest(foreign.codeHash) }
    await leaves(answers, await scene.place(13, { policies: [policy] }), { reason: 'refused', message: /verifier/ })
    const either = { any: [own, policy].map((p) => ({ tier: p.tier, policy: policyDigest(p) })) }
    const id = await scene.place(13, { policies: [own, policy], requirement: either })
    await leaves(answers, id, { reason: 'refused', message: /policies\[1\]\.verifier/ })
  })

  test('too low a price, a loss, another payer', async () => {
    const answers = await start({ minimumPriceWei: PRICE / 1000n })
    const small = { request: { priceWei: PRICE / 1000n - 1n } }
    await leaves(answers, await scene.place(14, small), { reason: 'price' })
    // Gas alone costs more than this.
    const loss = { request: { priceWei: PRICE / 1000n } }
    await leaves(answers, await scene.place(15, loss), { reason: 'loss', message: /costs about/ })
    const callback = { callbackTarget: payer.address, callbackGas: 2_000_000, callbackState: 4 }
    const { message: plain } = await answers.until('skipped', await scene.place(15, loss))
    const { message: calling } = await answers.until('skipped', await scene.place(15, { ...loss, terms: callback }))
    const cost = (message: string) => BigInt(/about (\d+)/.exec(message)?.[1] ?? 0)
    expect(cost(calling)).toBeGreaterThan(2n * cost(plain))
    await answers.close()
    const generous = await start({ atALoss: true })
    await generous.until('settled', await scene.place(15, loss))
    await generous.close()
    const choosy = await start({ payers: [stranger.address] })
    const id = await scene.place(16)
    expect(await choosy.until('skipped', id)).toMatchObject({ reason: 'payer' })
  })

  test('facts of the application, policies and deadlines that are not served', async () => {
    const answers = await start({ marginSeconds: 600 })
    await leaves(answers, await scene.place(17, { application: { shop: 'another' } }), { reason: 'application' })
    const [own] = (await scene.makeOrder(1)).policies
    if (own === undefined) throw new Error('no policy')
    const policies = [{ ...own, offchain: { origin: 'ceremony' } }]
    await leaves(answers, await scene.place(18, { policies }), { reason: 'policy' })
    const { timestamp } = await scene.chain.now()
    await leaves(answers, await scene.place(19, { request: { expiresAt: timestamp + 599n } }), { reason: 'deadline' })
  })

  test('what was answered or refunded before', async () => {
    const { block } = await scene.chain.now()
    const [answered, refunded] = [await scene.place(20), await scene.makeOrder(21)]
    const elsewhere = await start({ from: block })
    await elsewhere.until('settled', answered)
    await elsewhere.close()
    await placeRequest(scene.client, refunded)
    await scene.chain.rpc('evm_increaseTime', [3600 + 601])
    await scene.chain.rpc('evm_mine', [])
    await refund(scene.client, refunded)
    const answers = await start({ from: block })
    // With other records, and the same claimant: it is not answered twice.
    expect(await answers.until('skipped', answered)).toMatchObject({ reason: 'decided' })
    expect(await answers.until('skipped', refunded.id)).toMatchObject({ reason: 'decided' })
    expect(await acceptedTimes(answered)).toBe(1)
  })
})

test('waits while a request is kept for somebody else, and answers it when it is open', async () => {
  const answers = await start()
  const { timestamp } = await scene.chain.now()
  const terms = { exclusiveClaimant: stranger.address, exclusiveUntil: String(timestamp + 600n) }
  const id = await scene.place(22, { terms })
  const always = await scene.place(23, {
    terms: { exclusiveClaimant: stranger.address, exclusiveUntil: String(timestamp + 36000n) },
  })
  const own = await scene.place(24, { terms: { ...terms, exclusiveClaimant: node.address } })
  await answers.until('settled', own)
  expect(await answers.until('skipped', always)).toMatchObject({ reason: 'exclusive' })
  expect(answers.of(id)).toEqual(['seen'])
  await scene.chain.rpc('evm_increaseTime', [601])
  await scene.chain.rpc('evm_mine', [])
  await answers.until('settled', id)
})

test('goes on with what it had begun when it stopped, and answers nothing twice', async () => {
  const kept = folder()
  const first = await start({ directory: kept, shut: true, parallel: 2 })
  const ids = [await scene.place(25), await scene.place(26), await scene.place(27)]
  await first.until('taken', ids[0])
  await first.until('taken', ids[1])
  await first.close()
  const missed = await scene.place(28)
  const second = await start({ directory: kept, from: 0n })
  for (const id of [...ids, missed]) {
    await second.until('settled', id)
    expect(await acceptedTimes(id)).toBe(1)
  }
  await second.close()
  const seen = second.events.flatMap((e) => (e.type === 'seen' ? [e.request] : []))
  // Nothing that was finished before is looked at again.
  expect(new Set(seen)).toEqual(new Set([...ids, missed]))
  const third = await start({ directory: kept, from: 0n })
  const last = await scene.place(29)
  await third.until('settled', last)
  expect(third.events.flatMap((e) => (e.type === 'seen' ? [e.request] : []))).toEqual([last])
})

test('lets go of a request that a reorganisation removes, and takes it up again where it comes back', async () => {
  const answers = await start({ shut: true })
  const before = await credit()
  // Sent once, by hand: nothing sends it again when it falls out.
  const placing = await scene.makeOrder(30)
  const snapshot = await scene.chain.rpc('eth_blockNumber', [])
  await placeRequest(scene.client, placing)
  await answers.until('taken', placing.id)
  const depth = Number(BigInt(String(await scene.chain.rpc('eth_blockNumber', []))) - BigInt(String(snapshot)))
  await scene.chain.rpc('anvil_reorg', [depth, []])
  await answers.until('removed', placing.id)
  const job = await answers.stack.job(placing.id)
  expect(await job.state()).toMatchObject({ execution: 'cancelled' })
  answers.gate.open()
  // The payer's own lane sends it again.
  await answers.until('settled', placing.id)
  expect(answers.of(placing.id)).toEqual(['seen', 'taken', 'removed', 'seen', 'settled'])
  expect(await acceptedTimes(placing.id)).toBe(1)
  expect(await credit()).toBe(before + PRICE)
})

/** A chain of its own: its clock is put forward. */
async function alone(bytecode: Hex, work: (scene: Scene, start: Scene['startNode']) => Promise<void>): Promise<void> {
  const own = await openScene(bytecode)
  try {
    await work(own, own.startNode)
  } finally {
    await own.stop()
  }
}
const DAY = 86_400n
const inDays = (days: bigint): bigint => BigInt(Math.floor(Date.now() / 1000)) + days * DAY
async function waitUntil({ chain }: Scene, time: bigint): Promise<void> {
  await chain.rpc('evm_setNextBlockTimestamp', [Number(time)])
  await chain.rpc('evm_mine', [])
}
const TIP = 1000n

describe('a verifier that decides later', () => {
  test('is asked again when it can decide, also by a process that started anew after the deadline, and the tip is earned', () => {
    const finalAt = inDays(3n)
    return alone(undecidedUntil(finalAt, 2), async (own, startOwn) => {
      const kept = folder()
      const first = await startOwn({ directory: kept, from: 0n, parallel: 1 })
      const id = await own.place(40, { terms: { tipWei: String(TIP) } })
      expect(await first.until('pending', id)).toEqual({ type: 'pending', request: id, finalAt })
      // It holds no place: with room for one, another one is taken up.
      const other = await own.place(41)
      await first.until('pending', other)
      expect((await getResult(own.client, { request: id })).state).toBe('pending')
      // Blocks come, the time does not.
      await own.chain.rpc('anvil_mine', ['0x5'])
      await first.close()
      expect(first.of(id)).toEqual(['seen', 'taken', 'pending'])

      await waitUntil(own, finalAt - DAY)
      const second = await startOwn({ directory: kept, from: 0n, parallel: 1 })
      await second.until('pending', id)
      expect((await getResult(own.client, { request: id })).state).toBe('pending')
      await waitUntil(own, finalAt)
      expect(await second.until('settled', id)).toMatchObject({ settlement: { state: 'delivered' } })
      await second.until('settled', other)
      const names = (await findEvents(own.client, { request: id })).map((e) => e.name)
      expect(names).toEqual(['Requested', 'ClaimPending', 'Accepted', 'TipCredited', 'Delivered'])
      expect(await creditOf(own.client, { account: node.address })).toBe(2n * PRICE + TIP)
      expect(await creditOf(own.client, { account: payer.address })).toBe(0n)
    })
  })

  test('may be asked by anybody, who has the tip: the node delivers', () => {
    const finalAt = inDays(2n)
    return alone(undecidedUntil(finalAt, 2), async (own, startOwn) => {
      const kept = folder()
      const answers = await startOwn({ directory: kept, from: 0n })
      const placing = await own.makeOrder(42, { terms: { tipWei: String(TIP) } })
      const { id } = placing
      await placeRequest(own.client, placing)
      await answers.until('pending', id)
      const { signed, evidence, requirement, policies } = await answers.stack.receipt(id)
      const [policy] = policies
      const [piece] = evidence
      if (policy === undefined || piece === undefined) throw new Error('no evidence')
      const lane = laneOf(own.chain, await privateKeyAccount(stranger.privateKey))
      // The request's own node is away while the time comes.
      await answers.close()
      await waitUntil(own, finalAt)
      await finalize(
        { ...own.client, lane },
        {
          order: placing.order,
          requirement,
          leaf: 0,
          policy,
          claimant: node.address,
          outputs: signed.claim.outputs,
          signature: signed.signature,
          evidence: toHex(piece.payload),
        },
      )
      const back = await startOwn({ directory: kept, from: 0n })
      expect(await back.until('settled', id)).toMatchObject({ settlement: { state: 'delivered' } })
      expect(await creditOf(own.client, { account: stranger.address })).toBe(TIP)
      expect(await creditOf(own.client, { account: node.address })).toBe(PRICE)
    })
  })

  test('and takes the evidence back: the node says so, once, and the payer is refunded', () => {
    const finalAt = inDays(2n)
    return alone(undecidedUntil(finalAt, 0), async (own, startOwn) => {
      const kept = folder()
      const answers = await startOwn({ directory: kept, from: 0n })
      const placing = await own.makeOrder(43)
      await placeRequest(own.client, placing)
      await answers.until('pending', placing.id)
      await waitUntil(own, finalAt)
      expect(await answers.until('failed', placing.id)).toMatchObject({ code: 'VS_SETTLE_DROPPED' })
      await answers.close()
      const names = async () => (await findEvents(own.client, { request: placing.id })).map((e) => e.name)
      expect(await names()).toEqual(['Requested', 'ClaimPending', 'ClaimDropped'])
      await refund(own.client, placing)
      expect(await creditOf(own.client, { account: payer.address })).toBe(PRICE)
      // It is over: a process that starts anew does not look at it again.
      const again = await startOwn({ directory: kept, from: 0n })
      await own.chain.rpc('evm_mine', [])
      expect(again.of(placing.id)).toEqual([])
    })
  })
})

describe('where as many claims of others wait as may', () => {
  const MOST = 16
  const outputs = parseDigest(`0x${'33'.repeat(32)}`)
  /** A request with claims of as many others, which its verifier leaves undecided. */
  async function placeCrowded({ client, makeOrder }: Scene, expiresAt: bigint): Promise<Placing> {
    const placing = await makeOrder(45, { request: { expiresAt } })
    const { order, requirement, policies, id } = placing
    const [policy] = policies
    if (policy === undefined) throw new Error('no policy')
    await placeRequest(client, placing)
    const { program: of, inputs, requirement: wanted } = order.request
    const place = { chainId: client.chain.chainId, contract: client.deployment.settlement }
    for (let i = 1; i <= MOST; i++) {
      const signer = localSigner(`0x${i.toString(16).padStart(64, '0')}`)
      const { address: claimant } = signer
      const claim = { request: id, program: of, inputs, outputs, requirement: wanted, claimant, expiresAt, ...place }
      const signature = await signer.sign(claimDigest(claim))
      await submit(client, { order, requirement, leaf: 0, policy, claimant, outputs, signature, evidence: '0x01' })
    }
    return placing
  }

  test('waits, also over a restart, and is answered when its verifier decides', () => {
    const finalAt = inDays(1n)
    return alone(undecidedUntil(finalAt, 2), async (own, startOwn) => {
      const kept = folder()
      const { id } = await placeCrowded(own, inDays(2n))
      expect(await getResult(own.client, { request: id })).toMatchObject({ state: 'pending', pending: MOST })
      const first = await startOwn({ directory: kept, from: 0n })
      const { retryAt } = await first.until('full', id)
      expect(retryAt).toBeGreaterThan((await own.chain.now()).timestamp)
      // Another block does not make it try before its time.
      await own.chain.rpc('anvil_mine', ['0x2'])
      await first.close()
      expect(first.of(id)).toEqual(['seen', 'taken', 'full'])

      const second = await startOwn({ directory: kept, from: 0n })
      await second.until('full', id)
      await waitUntil(own, finalAt)
      await second.until('settled', id)
      expect(second.of(id)).toEqual(['seen', 'full', 'settled'])
      expect(await creditOf(own.client, { account: node.address })).toBe(PRICE)
    })
  })

  test('gives up at the deadline', () =>
    alone(undecidedUntil(inDays(9n), 2), async (own, startOwn) => {
      const { id, order } = await placeCrowded(own, inDays(1n))
      const answers = await startOwn({ from: 0n })
      await answers.until('full', id)
      await waitUntil(own, order.request.expiresAt - 5n)
      expect(await answers.until('failed', id)).toMatchObject({ code: 'VS_SETTLE_TOO_MANY_PENDING' })
    }))
})

describe('what the publisher revoked', () => {
  const anchor = { kind: FAKE_KIND, digest: fakeAnchor(program.id) }
  const publish = (publisher: Scene) =>
    publishAnchors(publisher.client, {
      program: program.id,
      contentHash: parseDigest(`0x${'11'.repeat(32)}`),
      anchors: [anchor],
    })

  test.each([
    [
      'an anchor',
      (own: Scene) => revokeAnchor(own.client, { program: program.id, ...anchor }),
      new RegExp(`anchor ${anchor.digest} of ${FAKE_KIND} is revoked by ${payer.address}`),
    ],
    [
      'the program',
      (own: Scene) => revokeProgram(own.client, { program: program.id }),
      new RegExp(`program ${program.id} is revoked by ${payer.address}`),
    ],
  ] as const)('%s: it is declined from then on, and for those who rely on him alone', (_, revoke, message) =>
    alone(answering(2), async (own, startOwn) => {
      const answers = await startOwn({ publisher: payer.address, from: 0n })
      const unpublished = await own.place(50)
      await answers.until('settled', unpublished)
      await publish(own)
      const before = await own.place(51)
      await answers.until('settled', before)
      await revoke(own)
      const after = await own.place(52)
      expect(await answers.until('skipped', after)).toMatchObject({
        reason: 'revoked',
        message: expect.stringMatching(message),
      })
      expect((await getResult(own.client, { request: after })).state).toBe('open')
      await answers.close()
      // Somebody else's word is not this publisher's.
      const elsewhere = await startOwn({ publisher: stranger.address, from: 0n })
      await elsewhere.until('settled', after)
    }),
  )
})

test('takes what is paid in a token where the price is what its operator wants of that token', async () => {
  const { Coin, Plain } = compileTokens()
  const made = async (bytecode: Hex, name: string) => {
    const { address } = await deploy(scene.lane, { bytecode, constructorArgs: '0x', name })
    await scene.lane.send({
      to: address,
      data: await encodeCall(mintAbi, 'mint', [payer.address, 10n ** 24n]),
      name: 'mint',
    })
    await approve(scene.client, { token: address, amount: 10n ** 24n })
    return address
  }
  const [coin, plain] = [await made(Coin, 'Coin'), await made(Plain, 'Plain')]
  // 500 of it are worth as much as PRICE.
  const unitsPerEther = (500n * 10n ** 18n) / PRICE
  const tokens = { [coin.toUpperCase().replace('0X', '0x')]: { unitsPerEther, minimumPriceUnits: 500n } }
  const answers = await start({ tokens, minimumPriceWei: PRICE })
  const paying = (token: string, price: bigint) => ({ terms: { token, tipWei: '3' }, request: { priceWei: price } })

  const taken = await scene.place(60, paying(coin, 500n))
  await answers.until('settled', taken)
  expect(await creditOf(scene.client, { account: node.address, token: coin })).toBe(500n)
  const cheap = await scene.place(61, paying(coin, 499n))
  expect(await answers.until('skipped', cheap)).toMatchObject({
    reason: 'price',
    message: expect.stringMatching(/499.*500/),
  })
  const unknown = await scene.place(62, paying(plain, 10n ** 20n))
  expect(await answers.until('skipped', unknown)).toMatchObject({
    reason: 'token',
    message: `paid in ${plain}, which is not in tokens`,
  })
  // What a token's price must be says nothing of the coin's.
  const small = await scene.place(63, { request: { priceWei: PRICE - 1n } })
  expect(await answers.until('skipped', small)).toMatchObject({ reason: 'price' })
  expect((await getResult(scene.client, { request: cheap })).state).toBe('open')
})

test('answers for a token only what covers the gas, by what its operator says that the token is worth', async () => {
  const { Coin } = compileTokens()
  const { address: coin } = await deploy(scene.lane, { bytecode: Coin, constructorArgs: '0x', name: 'Coin' })
  const minted = await encodeCall(mintAbi, 'mint', [payer.address, 10n ** 24n])
  await scene.lane.send({ to: coin, data: minted, name: 'mint' })
  await approve(scene.client, { token: coin, amount: 10n ** 24n })
  const paying = (price: bigint) => ({ terms: { token: coin }, request: { priceWei: price } })
  // What answering costs, by what the node says of a price that does not cover it.
  const rate = { unitsPerEther: 3_000_000_000n }
  const answers = await start({ tokens: { [coin]: rate } })
  const cheap = await scene.place(64, paying(1n))
  const { reason, message } = await answers.until('skipped', cheap)
  expect(reason).toBe('loss')
  const costWei = BigInt(/about (\d+) wei/.exec(message)?.[1] ?? 0)
  // Gas prices rise and fall by the block: half as much, and twice as much.
  const worth = (wei: bigint) => (wei * rate.unitsPerEther) / 10n ** 18n
  const half = await scene.place(65, paying(worth(costWei) / 2n))
  expect(await answers.until('skipped', half)).toMatchObject({ reason: 'loss' })
  const twice = await scene.place(66, paying(worth(costWei) * 2n))
  await answers.until('settled', twice)
  await answers.close()
  // A token that is worth a thousandth of that does not cover it.
  const poorer = await start({ tokens: { [coin]: { unitsPerEther: rate.unitsPerEther * 1000n } } })
  const same = await scene.place(67, paying(worth(costWei) * 2n))
  expect(await poorer.until('skipped', same)).toMatchObject({ reason: 'loss' })
  await poorer.close()
  const generous = await start({ tokens: { [coin]: rate }, atALoss: true, from: 0n })
  await generous.until('settled', same)
})

test.each([
  [{ nobody: { unitsPerEther: 1n } }, 'intake.tokens'],
  [{ [stranger.address]: { unitsPerEther: 0n } }, `intake.tokens.${stranger.address}.unitsPerEther`],
  [{ [stranger.address]: { unitsPerEther: 3e9 } }, `intake.tokens.${stranger.address}.unitsPerEther`],
  [{ [stranger.address]: 500n }, `intake.tokens.${stranger.address}.unitsPerEther`],
  [
    { [stranger.address]: { unitsPerEther: 1n, minimumPriceUnits: -1n } },
    `intake.tokens.${stranger.address}.minimumPriceUnits`,
  ],
])('tokens that say nothing of their worth are refused (%#)', (tokens, field) => {
  const options = { settlement: evm(), serves: [{ program, inputsOf: inputsOfNonce }], tokens: tokens as never }
  expect(() => intake(options)).toThrow(expect.objectContaining({ details: expect.objectContaining({ field }) }))
})

test('the lines of the README do what they say', async () => {
  const readme = await readFile(join(__dirname, '../../packages/settlement-evm/README.md'), 'utf8')
  const section = readme.split('\n## A node that answers what is asked on chain\n')[1] ?? ''
  const [, code = ''] = /```ts\n([\s\S]*?)```/.exec(section) ?? []
  const { code: body } = transformSync(code.replace(/^import .*$/gm, ''), { loader: 'ts', target: 'es2022' })
  const [, told = ''] = /\/\/ (ready, .*)/.exec(code) ?? []
  const lines: string[] = []
  const heard = new EventEmitter()
  const given = {
    createStack,
    evm,
    intake,
    network: scene.chain.network,
    rpcUrl: scene.anvil.rpcUrl,
    signer: stranger.privateKey,
    folder: folder(),
    program,
    inputsOf: inputsOfNonce,
    token: stranger.address,
    tiers: [tierOf(), fakePlugin],
    console: {
      log: (line: string) => {
        lines.push(line)
        heard.emit(line)
      },
    },
  }
  const id = await scene.place(70, { application: {} })
  const settled = once(heard, 'settled')
  const run = new Function(...Object.keys(given), `return (async () => {${body}; return node})()`)
  const stack: Stack = await run(...Object.values(given))
  try {
    await settled
    expect((await getResult(scene.client, { request: id })).state).toBe('delivered')
    // What else the chain holds from before is none of its business.
    expect(lines.filter((line) => line !== 'skipped' && line !== 'seen')).toEqual(['ready', 'taken', 'settled'])
    expect(told.split(', ')).toEqual(['ready', 'seen', 'taken', 'settled'])
  } finally {
    await stack.close()
  }
})

test('a flood is answered by no more at once than it may be', async () => {
  const COUNT = 1000
  const answers = await start({ parallel: 8, waiting: 50 })
  const before = await credit()
  const began = performance.now()
  const placings = await Promise.all(Array.from({ length: COUNT }, (_, i) => scene.makeOrder(i)))
  await Promise.all(placings.map((p) => placeRequest(scene.client, p)))
  await Promise.all(placings.map(({ id }) => answers.until('settled', id)))
  console.log(
    `${COUNT} requests placed, answered and delivered in ${((performance.now() - began) / 1000).toFixed(1)} s`,
  )
  expect(answers.gate.begun).toBe(COUNT)
  expect(answers.gate.most).toBeLessThanOrEqual(8)
  expect(answers.gate.most).toBeGreaterThan(1)
  expect(await credit()).toBe(before + BigInt(COUNT) * PRICE)
}, 600_000)

test('a state that it did not write, or of another contract, is refused', async () => {
  const kept = folder()
  const noticed = async (text: string) => {
    await mkdir(join(kept, 'intake'), { recursive: true })
    await writeFile(join(kept, 'intake/intake.json'), text)
    return openProgress(join(kept, 'intake'), 'eip155:31337/0xme').then(
      () => 'taken',
      (e: unknown) => (isVeristackError(e, 'VS_SETTLE_INVALID_OPTION') ? e.details.expected : e),
    )
  }
  const state = { version: 1, owner: 'eip155:31337/0xme', open: [] }
  expect(await noticed(JSON.stringify(state))).toBe('taken')
  expect(await noticed(JSON.stringify({ ...state, owner: 'eip155:1/0xme' }))).toMatch(/of eip155:31337/)
  const broken = [
    '',
    '{',
    'null',
    '{}',
    ...[{ version: 2 }, { more: 1 }, { open: [1] }, { open: ['{}'] }, { cursor: '{}' }].map((c) =>
      JSON.stringify({ ...state, ...c }),
    ),
  ]
  for (const text of broken) expect(await noticed(text)).toBe('a state that an intake wrote')
})
