import {
  type Chain,
  deploy,
  encodeCall,
  type Lane,
  laneOf,
  privateKeyAccount,
  read,
  revertName,
} from '@veristack/chain-evm'
import { localSigner, type Settler } from '@veristack/core'
import {
  type Address,
  isVeristackError,
  makeRequest,
  type Policy,
  policyDigest,
  requirementDigest,
  termsDigest,
} from '@veristack/core/receipt'
import { verifyTypedData } from 'ethers'
import { evm } from '../evm.ts'
import { type Order, orderOf } from '../order.ts'
import { compileTokens, mintAbi, TOKENS, type TokenName } from '../tokens.fixture.ts'
import {
  answering,
  call,
  claimant,
  claimantAccount,
  PRICE,
  payer,
  scene,
  started,
  stranger,
} from '../toy-tier.fixture.ts'
import { getResult } from './get-result.ts'
import { permitOf, permitTypedData, placeRequestWithPermit, signPermit } from './permit.ts'
import { type PlaceRequestParameters, placeRequest } from './place-request.ts'
import { allowanceOf, approve } from './token.ts'
import { creditOf, withdraw } from './withdraw.ts'

const TIP = 7n
const ESCROW = PRICE + TIP
const plugin = evm({ network: 'local' })
const signer = localSigner(payer.privateKey)
let settler: Settler
let chain: Chain
let lane: Lane
let tokens: Readonly<Record<TokenName, Address>>
let nonce = 0

beforeAll(async () => {
  settler = await started(plugin)
  const client = plugin.client()
  chain = client.chain
  if (client.lane === undefined) throw new Error('no lane')
  lane = client.lane
  const code = compileTokens()
  const made: [TokenName, Address][] = []
  for (const name of TOKENS) {
    const { address } = await deploy(lane, { bytecode: code[name], constructorArgs: '0x', name })
    const data = await encodeCall(mintAbi, 'mint', [payer.address, 100n * ESCROW])
    await lane.send({ to: address, data, name: 'mint' })
    made.push([name, address])
  }
  tokens = Object.fromEntries(made) as Record<TokenName, Address>
}, 120_000)
afterAll(() => plugin.stop?.())

/** A request whose price and tip are in a token. */
async function asking(name: TokenName) {
  const { escrow, job } = await scene(settler, chain, answering(2), ++nonce, {
    token: tokens[name],
    tipWei: String(TIP),
  })
  const { requirement, policies, request } = escrow
  return { id: request.id, order: orderOf(escrow), requirement, policies, job }
}
const balance = async (name: TokenName, owner: Address): Promise<bigint> =>
  BigInt(String((await read(chain, { address: tokens[name], abi: mintAbi, name: 'balanceOf', args: [owner] }))[0]))
const allowance = (name: TokenName) => allowanceOf(plugin.client(), { token: tokens[name], owner: payer.address })
const sent = async (): Promise<unknown> => chain.rpc('eth_getTransactionCount', [payer.address, 'pending'])

/** What a call is refused with; it has sent nothing. */
async function refusal(work: () => Promise<unknown>): Promise<{ readonly code: string; readonly field: unknown }> {
  const before = await sent()
  const error = await work().then(
    () => undefined,
    (e: unknown) => e,
  )
  expect(await sent()).toBe(before)
  if (!isVeristackError(error)) throw error ?? new Error('it was not refused')
  return { code: error.code, field: error.details.field }
}

describe('an allowance', () => {
  test.each(['Plain', 'Coin', 'Strict'] as const)('%s: given, taken whole, and paid to the claimant', async (name) => {
    const client = plugin.client()
    const { id, job, ...placing } = await asking(name)
    expect(await refusal(() => placeRequest(client, placing))).toMatchObject({ code: 'VS_SETTLE_ALLOWANCE' })
    await approve(client, { token: tokens[name], amount: ESCROW - 1n })
    expect(await refusal(() => placeRequest(client, placing))).toMatchObject({ code: 'VS_SETTLE_ALLOWANCE' })
    await approve(client, { token: tokens[name], amount: ESCROW })
    const [mine, theirs] = [await balance(name, payer.address), await balance(name, settler.contract)]
    await placeRequest(client, placing)
    expect(await balance(name, payer.address)).toBe(mine - ESCROW)
    expect(await balance(name, settler.contract)).toBe(theirs + ESCROW)
    expect(await allowance(name)).toBe(0n)

    await settler.settle(await job(), call())
    expect(await creditOf(client, { account: claimant.address, token: tokens[name] })).toBe(PRICE)
    const own = laneOf(chain, await privateKeyAccount(claimantAccount.privateKey))
    await withdraw({ ...client, lane: own }, { token: tokens[name] })
    expect(await balance(name, claimant.address)).toBe(PRICE)
    // The tip went back: nobody finalized.
    expect(await creditOf(client, { account: payer.address, token: tokens[name] })).toBe(TIP)
    expect((await getResult(client, { request: id })).state).toBe('delivered')
  })

  test('is made zero first where the token wants it, each step once', async () => {
    const client = plugin.client()
    const token = tokens.Strict
    await approve(client, { token, amount: 5n, idempotencyKey: 'five' })
    await approve(client, { token, amount: 6n, idempotencyKey: 'six' })
    expect(await allowance('Strict')).toBe(6n)
    const before = await sent()
    await approve(client, { token, amount: 6n, idempotencyKey: 'six' })
    expect(await sent()).toBe(before)
    await approve(client, { token, amount: 0n })
    expect(await allowance('Strict')).toBe(0n)
  })

  test('is not given where no token stands', async () => {
    const given = () => approve(plugin.client(), { token: stranger.address, amount: 1n })
    expect(await refusal(given)).toMatchObject({ code: 'VS_EVM_RPC' })
  })

  test('too little money is told before anything else, with what is there', async () => {
    const client = plugin.client()
    const { order, ...rest } = await asking('Coin')
    const much = 1000n * ESCROW
    const {
      id: _id,
      chainId: _chain,
      contract: _contract,
      ...request
    } = makeRequest({
      ...order.request,
      priceWei: much,
      chainId: settler.chainId,
      contract: settler.contract,
    })
    await approve(client, { token: tokens.Coin, amount: much + TIP })
    const why = await placeRequest(client, { ...rest, order: { ...order, request } }).catch((e: unknown) => e)
    expect(why).toMatchObject({ code: 'VS_SETTLE_BALANCE', details: { token: tokens.Coin, payer: payer.address } })
    const have = await balance('Coin', payer.address)
    expect(why).toMatchObject({ details: { need: much + TIP, have } })
    expect(revertName((why as Error).cause)).toBe('ERC20InsufficientBalance')
    await approve(client, { token: tokens.Coin, amount: 0n })

    // An allowance is no remedy: a permit, or none at all, is refused for the same reason.
    const poor = { ...rest, order: { ...order, request } }
    const permit = await signPermit(client, { order: poor.order, signer })
    expect(await refusal(() => placeRequestWithPermit(client, { ...poor, permit }))).toMatchObject({
      code: 'VS_SETTLE_BALANCE',
    })
    expect(await refusal(() => placeRequest(client, poor))).toMatchObject({ code: 'VS_SETTLE_BALANCE' })
  })
})

describe('a permit', () => {
  test.each(['Coin', 'Dollar'] as const)(
    '%s: escrows in one transaction, without an allowance before',
    async (name) => {
      const client = plugin.client()
      const { id, order, ...rest } = await asking(name)
      expect(await allowance(name)).toBe(0n)
      const permit = await signPermit(client, { order, signer })
      const before = BigInt(String(await sent()))
      await placeRequestWithPermit(client, { order, ...rest, permit, idempotencyKey: id })
      expect(BigInt(String(await sent()))).toBe(before + 1n)
      expect((await getResult(client, { request: id })).state).toBe('open')
      expect(await allowance(name)).toBe(0n)
      // The same work is not done twice, though the permit is used up.
      await placeRequestWithPermit(client, { order, ...rest, permit, idempotencyKey: id })
      expect(BigInt(String(await sent()))).toBe(before + 1n)
    },
  )

  test("is typed data as another library and a wallet read it, and a wallet's signature is taken", async () => {
    const client = plugin.client()
    const { id, order, ...rest } = await asking('Coin')
    const data = await permitTypedData(client, { order })
    expect(JSON.parse(JSON.stringify(data))).toEqual(data)
    const signature = await chain.rpc('eth_signTypedData_v4', [payer.address, data])
    const { Permit } = data.types
    expect(verifyTypedData(data.domain, { Permit: [...Permit] }, data.message, String(signature)).toLowerCase()).toBe(
      payer.address,
    )
    await placeRequestWithPermit(client, { order, ...rest, permit: permitOf(data, signature as `0x${string}`) })
    expect((await getResult(client, { request: id })).state).toBe('open')
    const other = await chain.rpc('eth_signTypedData_v4', [stranger.address, data])
    expect(await refusal(async () => permitOf(data, other as `0x${string}`))).toEqual({
      code: 'VS_SETTLE_PERMIT_INVALID',
      field: 'signature',
    })
  })

  const carry = async (order: Order, permit: Awaited<ReturnType<typeof signPermit>>, by: Lane) => {
    const { v, r, s, deadline } = permit
    const args = [payer.address, settler.contract, order.request.priceWei + order.terms.tipWei, deadline, v, r, s]
    const data = await encodeCall(mintAbi, 'permit', args)
    return { to: order.terms.token, data, name: 'permit', by }
  }

  test('that somebody else carries in before does no harm', async () => {
    const client = plugin.client()
    const { id, order, ...rest } = await asking('Coin')
    const permit = await signPermit(client, { order, signer })
    const { by, ...stolen } = await carry(order, permit, laneOf(chain, await privateKeyAccount(stranger.privateKey)))
    await by.send(stolen)
    expect(await allowance('Coin')).toBe(ESCROW)
    await placeRequestWithPermit(client, { order, ...rest, permit })
    expect((await getResult(client, { request: id })).state).toBe('open')
  })

  test('that somebody carries in within the same block, ahead of the request, does no harm', async () => {
    const client = plugin.client()
    const { id, order, ...rest } = await asking('Coin')
    const permit = await signPermit(client, { order, signer })
    await chain.rpc('evm_setAutomine', [false])
    try {
      const before = BigInt(String(await sent()))
      const placing = placeRequestWithPermit(client, { order, ...rest, permit })
      while (BigInt(String(await sent())) === before) await new Promise((go) => setImmediate(go))
      const { to, data } = await carry(order, permit, lane)
      const fee = `0x${(10n ** 12n).toString(16)}`
      const front = await chain.rpc('eth_sendTransaction', [
        { from: stranger.address, to, data, gas: '0x30d40', maxFeePerGas: fee, maxPriorityFeePerGas: fee },
      ])
      await chain.rpc('evm_mine', [])
      const { hash, block } = await placing
      const ahead = await chain.rpc('eth_getTransactionReceipt', [front])
      const own = await chain.rpc('eth_getTransactionReceipt', [hash])
      const place = (r: unknown) => BigInt(String((r as { transactionIndex: string }).transactionIndex))
      expect(ahead).toMatchObject({ status: '0x1', blockNumber: `0x${block.toString(16)}` })
      expect(place(ahead)).toBeLessThan(place(own))
      expect((await getResult(client, { request: id })).state).toBe('open')
      expect(await allowance('Coin')).toBe(0n)
    } finally {
      await chain.rpc('evm_setAutomine', [true])
    }
  })

  test('over another amount, order, chain or nonce, or by another, is refused before anything is sent', async () => {
    const client = plugin.client()
    const { id: _id, order, ...rest } = await asking('Coin')
    const good = await signPermit(client, { order, signer })
    const data = await permitTypedData(client, { order })
    const wrong = [
      { ...data, message: { ...data.message, value: String(ESCROW - 1n) } },
      { ...data, message: { ...data.message, nonce: String(BigInt(data.message.nonce) + 1n) } },
      { ...data, message: { ...data.message, spender: stranger.address } },
      { ...data, domain: { ...data.domain, chainId: '1' } },
      { ...data, domain: { ...data.domain, version: '2' } },
      { ...data, domain: { ...data.domain, verifyingContract: tokens.Dollar } },
    ]
    const signature = async (d: typeof data) =>
      permitOf(d, (await chain.rpc('eth_signTypedData_v4', [payer.address, d])) as `0x${string}`)
    const permits = [...(await Promise.all(wrong.map(signature))), { ...good, deadline: good.deadline + 1n }]
    for (const permit of permits) {
      expect(await refusal(() => placeRequestWithPermit(client, { order, ...rest, permit }))).toEqual({
        code: 'VS_SETTLE_PERMIT_INVALID',
        field: 'signature',
      })
    }
    expect(await refusal(() => signPermit(client, { order, signer: localSigner(stranger.privateKey) }))).toEqual({
      code: 'VS_SETTLE_PERMIT_INVALID',
      field: 'signer',
    })
  })

  test('whose deadline has passed is refused, when it is signed and when it is used', async () => {
    const client = plugin.client()
    const { id: _id, order, ...rest } = await asking('Coin')
    const { timestamp } = await chain.now()
    const late = { code: 'VS_SETTLE_PERMIT_INVALID', field: 'deadline' }
    expect(await refusal(() => signPermit(client, { order, signer, deadline: timestamp - 1n }))).toEqual(late)
    const permit = await signPermit(client, { order, signer, deadline: timestamp + 60n })
    await chain.rpc('evm_increaseTime', [61])
    await chain.rpc('evm_mine', [])
    expect(await refusal(() => placeRequestWithPermit(client, { order, ...rest, permit }))).toEqual(late)
  })

  test('for a token that takes none, states the domain of another, or is the coin, is not signed', async () => {
    const client = plugin.client()
    const codeFor = async (name: TokenName, version?: string) => {
      const { order } = await asking(name)
      return refusal(() => signPermit(client, { order, signer, ...(version === undefined ? {} : { version }) }))
    }
    for (const name of ['Plain', 'Strict', 'Other'] as const)
      expect(await codeFor(name)).toMatchObject({ code: 'VS_SETTLE_PERMIT_UNSUPPORTED' })
    const wrongDomain = { code: 'VS_SETTLE_PERMIT_INVALID', field: 'domain' }
    expect(await codeFor('Imposter')).toEqual(wrongDomain)
    expect(await codeFor('Coin', '2')).toEqual(wrongDomain)
    const { escrow } = await scene(settler, chain, answering(2), ++nonce)
    expect(await refusal(() => signPermit(client, { order: orderOf(escrow), signer }))).toEqual({
      code: 'VS_SETTLE_INVALID_OPTION',
      field: 'order.terms.token',
    })
  })

  test('for a token without permits: the contract goes by the allowance, and the token says what is wrong', async () => {
    const client = plugin.client()
    const { id, order, ...rest } = await asking('Plain')
    const { order: inCoin } = await asking('Coin')
    const permit = await signPermit(client, { order: inCoin, signer })
    expect(await refusal(() => placeRequestWithPermit(client, { order, ...rest, permit }))).toMatchObject({
      code: 'VS_SETTLE_PERMIT_INVALID',
    })
    await approve(client, { token: tokens.Plain, amount: ESCROW })
    await placeRequestWithPermit(client, { order, ...rest, permit })
    expect((await getResult(client, { request: id })).state).toBe('open')
  })
})

describe('a request is refused before anything is sent', () => {
  /** Two leaves of different tiers, over one verifier with other parameters. */
  async function composed(): Promise<PlaceRequestParameters> {
    const { escrow, policy } = await scene(settler, chain, answering(2), ++nonce)
    const other: Policy = { ...policy, tier: 'other', params: '0x02' }
    const policies = [policy, other]
    const requirement = { all: policies.map((p) => ({ tier: p.tier, policy: policyDigest(p) })) }
    const request = makeRequest({
      ...escrow.request,
      requirement: requirementDigest(requirement),
      terms: termsDigest({ application: { featuriser: 'none' }, settlement: escrow.terms.digest }),
    })
    return { order: orderOf({ ...escrow, request }), requirement, policies }
  }
  const plan = (scheme: string) => ({ inputs: [{ tensors: ['x'], scheme, salted: false }], outputs: 'raw' as const })

  test('where its tiers have no commitment in common, or nobody says what they commit to', async () => {
    const client = plugin.client()
    const p = await composed()
    const code = { code: 'VS_SETTLE_NO_SHARED_COMMITMENT' }
    expect(await refusal(() => placeRequest(client, p))).toMatchObject(code)
    expect(await refusal(() => placeRequest(client, { ...p, commitments: ['any'] }))).toMatchObject(code)
    const differ = [plan('raw/v1'), plan('poseidon/v1')]
    expect(await refusal(() => placeRequest(client, { ...p, commitments: differ }))).toMatchObject(code)
    const outputs = [
      plan('raw/v1'),
      { ...plan('raw/v1'), outputs: [{ tensors: ['y'], scheme: 'raw/v1', salted: true }] },
    ]
    expect(await refusal(() => placeRequest(client, { ...p, commitments: outputs }))).toMatchObject(code)
    await placeRequest(client, { ...p, commitments: [plan('raw/v1'), plan('raw/v1')] })
    await placeRequest(client, { ...(await composed()), commitments: ['any', plan('poseidon/v1')] })
  })

  test('where requirement, policies and request do not belong together', async () => {
    const client = plugin.client()
    const p = { ...(await composed()), commitments: ['any', 'any'] as const }
    const [first, second] = p.policies
    if (first === undefined || second === undefined) throw new Error('no policies')
    const code = 'VS_SETTLE_REQUEST_MISMATCH'
    const leaf = { tier: first.tier, policy: policyDigest(first) }
    expect(await refusal(() => placeRequest(client, { ...p, requirement: leaf }))).toEqual({
      code,
      field: 'requirement',
    })
    expect(await refusal(() => placeRequest(client, { ...p, policies: [first] }))).toEqual({ code, field: 'policies' })
    expect(await refusal(() => placeRequest(client, { ...p, policies: [second, first] }))).toEqual({
      code,
      field: 'policies[0]',
    })
  })
})
