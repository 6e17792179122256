import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Chain, laneOf, privateKeyAccount, revertName } from '@veristack/chain-evm'
import { type Anvil, startAnvil } from '@veristack/chain-evm/local'
import {
  type Address,
  claimDigest,
  commitmentsDigest,
  type EscrowJob,
  type Evidence,
  type EvidenceKind,
  type Hex,
  isVeristackError,
  type Json,
  localSigner,
  makeRequest,
  policyDigest,
  requirementDigest,
  type Settler,
} from '@veristack/core'
import { settlerSuite } from '@veristack/core/testing'
import {
  canonicalDeployment,
  confirmSettlement,
  creditOf,
  evm,
  finalize,
  getResult,
  orderOf,
  placeRequest,
  progressOf,
  quoteRequest,
  refund,
  requestIdOf,
  retryCallback,
  submit,
  withdraw,
} from '../index.ts'
import {
  adapter,
  answering,
  artefacts,
  call,
  claimant,
  claimantAccount,
  digest,
  firstByteIsOne,
  outputsOf,
  PRICE,
  payer,
  scene,
  started,
  stranger,
} from '../toy-tier.fixture.ts'

describe('settler on a local chain', () => {
  const plugin = evm({ network: 'local' })
  let settler: Settler
  let chain: Chain
  let nonce = 0
  const accepting = (options = {}) => scene(settler, chain, answering(2), ++nonce, options)

  beforeAll(async () => {
    settler = await started(plugin)
    chain = plugin.client().chain
  })
  afterAll(() => plugin.stop?.())

  test('states where it settles and who pays', () => {
    expect(settler.network).toBe('eip155:31337')
    expect(settler.chainId).toBe(31337n)
    expect(settler.payer).toBe(payer.address)
    expect(settler.contract).toBe(plugin.client().deployment.settlement)
  })

  test('escrows, settles and delivers, each once', async () => {
    const { escrow, job } = await accepting()
    expect(await settler.status(escrow.request.id)).toBeUndefined()
    expect(await requestIdOf(plugin.client(), { order: orderOf(escrow) })).toBe(escrow.request.id)

    const placed = await settler.prepare(escrow, call())
    expect(placed).toMatchObject({ network: 'eip155:31337', state: 'submitted', mode: 'individual' })
    expect(await chain.balance(settler.contract)).toBe(PRICE)
    expect((await settler.prepare(escrow, call())).ref).toBe(placed.ref)
    expect(await chain.balance(settler.contract)).toBe(PRICE)

    const settled = await settler.settle(await job(), call())
    expect(settled).toMatchObject({
      state: 'delivered',
      detail: { request: escrow.request.id, claimant: claimant.address },
    })
    expect(await creditOf(plugin.client(), { account: claimant.address })).toBe(PRICE)
    const again = await settler.settle(await job(), call())
    expect(again).toMatchObject({ state: 'delivered', ref: settled.ref })
    expect(await settler.status(escrow.request.id)).toMatchObject({ state: 'delivered', ref: settled.ref })
    expect(await creditOf(plugin.client(), { account: claimant.address })).toBe(PRICE)
    expect(await getResult(plugin.client(), { request: escrow.request.id })).toMatchObject({
      state: 'delivered',
      satisfied: 1,
      claimant: claimant.address,
      outputs: commitmentsDigest(outputsOf(7)),
    })

    // The claimant takes his money, wherever he wants it.
    const lane = laneOf(chain, await privateKeyAccount(claimantAccount.privateKey))
    const to = `0x${'ca'.repeat(20)}` as Address
    await withdraw({ ...plugin.client(), lane }, { to })
    expect(await chain.balance(to)).toBe(PRICE)
    const why = await withdraw({ ...plugin.client(), lane }, { to }).catch((e: unknown) => e)
    expect(revertName(why)).toBe('NothingToWithdraw')
  })

  test('confirms what a receipt says of its settlement, and refutes anything else', async () => {
    const { escrow, job } = await accepting()
    const submitted = await settler.prepare(escrow, call())
    const settleJob = await job()
    const settled = await settler.settle(settleJob, call())
    const confirm = confirmSettlement(plugin.client())
    expect(await confirm(submitted, settleJob.receipt)).toBe('confirmed')
    expect(await confirm(settled, settleJob.receipt)).toBe('confirmed')

    const detail = settled.detail as Readonly<Record<string, Json>>
    const lies: readonly Partial<typeof settled>[] = [
      { network: 'eip155:1' },
      { ref: submitted.ref },
      { state: 'refunded' },
      { state: 'final' },
      { mode: 'batch' },
      { detail: null },
      { detail: { ...detail, block: 1 } },
      { detail: { ...detail, claimant: stranger.address } },
      { detail: { ...detail, contract: stranger.address } },
      { detail: { ...detail, request: digest('other') } },
      { detail: { ...detail, delivery: submitted.ref } },
      { detail: { ...detail, gas: { submit: 1 } } },
      { detail: { ...detail, gas: { unknown: 1 } } },
      { detail: { ...detail, gas: { constructor: 1 } } },
      ...[999_999_999, true, [], '', null].map((gas) => ({ detail: { ...detail, gas } })),
      { detail: { ...detail, unknown: 1 } },
    ]
    for (const lie of lies)
      expect([lie, await confirm({ ...settled, ...lie }, settleJob.receipt)]).toEqual([
        lie,
        'network' in lie ? 'unknown' : 'refuted',
      ])
    expect(await confirm(settled, (await job(8)).receipt)).toBe('refuted')
    expect(await confirm(settled, (await job(7, localSigner(stranger.privateKey))).receipt)).toBe('refuted')
    const elsewhere = { ...settleJob.receipt, request: { ...escrow.request, contract: stranger.address } }
    expect(await confirm(settled, elsewhere)).toBe('unknown')
  })

  test('settles concurrent jobs through one account', async () => {
    const scenes = await Promise.all(Array.from({ length: 8 }, () => accepting()))
    await Promise.all(scenes.map(({ escrow }) => settler.prepare(escrow, call())))
    const settled = await Promise.all(scenes.map(async ({ job }) => settler.settle(await job(), call())))
    expect(new Set(settled.map((s) => s.ref)).size).toBe(8)
    expect(settled.every((s) => s.state === 'delivered')).toBe(true)
  })

  test('refuses to settle what is not escrowed, and a claim after another one was accepted', async () => {
    const { escrow, job } = await accepting()
    await expect(settler.settle(await job(), call())).rejects.toMatchObject({ code: 'VS_SETTLE_NOT_REQUESTED' })
    await settler.prepare(escrow, call())
    await settler.settle(await job(7), call())
    await expect(settler.settle(await job(8), call())).rejects.toMatchObject({ code: 'VS_SETTLE_TAKEN' })
    await expect(settler.settle(await job(7, localSigner(stranger.privateKey)), call())).rejects.toMatchObject({
      code: 'VS_SETTLE_TAKEN',
    })
  })

  test('says why the contract refuses', async () => {
    const rejecting = await scene(settler, chain, answering(0), ++nonce)
    await settler.prepare(rejecting.escrow, call())
    const why = await settler.settle(await rejecting.job(), call()).catch((e: unknown) => e)
    expect(isVeristackError(why, 'VS_EVM_REVERTED') && why.details).toMatchObject({
      call: 'submit',
      error: 'EvidenceRejected',
      arguments: expect.stringMatching(/^\w+: 0x/),
    })
    expect(await getResult(plugin.client(), { request: rejecting.escrow.request.id })).toMatchObject({ state: 'open' })
  })

  test('refuses a request that is not for it', async () => {
    const { escrow } = await accepting()
    const change = (fields: object) => ({ ...escrow, request: makeRequest({ ...escrow.request, ...fields }) })
    const wrong: readonly [string, EscrowJob][] = [
      ['payer', change({ payer: stranger.address })],
      ['contract', change({ contract: stranger.address })],
      ['chainId', change({ chainId: 1n })],
      ['id', { ...escrow, request: { ...escrow.request, priceWei: 1n } }],
    ]
    for (const [field, job] of wrong) {
      await expect(settler.prepare(job, call())).rejects.toMatchObject({
        code: 'VS_SETTLE_REQUEST_MISMATCH',
        details: { field },
      })
    }
    expect(await settler.status(escrow.request.id)).toBeUndefined()
  })

  test('settles a composition leaf by leaf, and pays when it is met', async () => {
    const one = await scene(settler, chain, answering(2), ++nonce)
    const two = await scene(settler, chain, answering(2, 1n), ++nonce)
    const policies = [one.policy, { ...two.policy, tier: 'other' }]
    const [a, b] = policies.map((p) => ({ tier: p.tier, policy: policyDigest(p) }))
    if (a === undefined || b === undefined) throw new Error('no leaves')
    const requirement = { all: [a, b] }
    const { id: _id, ...fields } = one.escrow.request
    const request = makeRequest({ ...fields, requirement: requirementDigest(requirement) })
    const escrow: EscrowJob = { ...one.escrow, request, requirement, policies }
    await settler.prepare(escrow, call())

    const first = await one.job()
    const claim = { ...first.receipt.signed.claim, request: request.id, requirement: request.requirement }
    const signed = { ...first.receipt.signed, claim, signature: await claimant.sign(claimDigest(claim)) }
    const [evidence] = first.receipt.evidence
    if (evidence === undefined) throw new Error('no evidence')
    const kind: EvidenceKind = 'other/answers'
    const other: Evidence = { ...evidence, kind }
    const onchain = new Map([...first.onchain, [kind, { ...adapter(answering(2, 1n)), kind }]])
    const job = (list: readonly Evidence[]) => ({
      ...escrow,
      onchain,
      receipt: { ...first.receipt, request, requirement, policies, signed, evidence: list },
    })
    expect(await settler.settle(job([evidence]), call())).toMatchObject({ state: 'submitted' })
    expect(await progressOf(plugin.client(), { claim: claimDigest(claim) })).toEqual({ satisfied: 1, waiting: 0 })
    const before = await creditOf(plugin.client(), { account: claimant.address })
    expect(await settler.settle(job([evidence, other]), call())).toMatchObject({ state: 'delivered' })
    expect(await creditOf(plugin.client(), { account: claimant.address })).toBe(before + PRICE)
    expect(await getResult(plugin.client(), { request: request.id })).toMatchObject({
      satisfied: 3,
      stale: false,
      callback: 'none',
    })
  })

  test('what an order takes, and a callback that nobody answers', async () => {
    const now = (await chain.now()).timestamp
    const options = {
      callbackTarget: stranger.address,
      callbackGas: 50_000,
      callbackState: 4,
      tipWei: 5,
      validUntil: String(now + 7200n),
    }
    const { escrow, job } = await accepting(options)
    const order = orderOf(escrow)
    const quote = await quoteRequest(plugin.client(), { order, gasPriceWei: 3n })
    expect(quote).toMatchObject({ escrow: PRICE + 5n, valueWei: PRICE + 5n, callbackWei: quote.callbackGas * 3n })
    expect(quote.callbackGas).toBeGreaterThan(50_000n)
    await settler.prepare(escrow, call())
    const settleJob = await job()
    await settler.settle(settleJob, call())
    const outputs = settleJob.receipt.signed.outputs
    const result = { state: 'delivered', callback: 'failed', validUntil: now + 7200n, stale: false }
    expect(await getResult(plugin.client(), { request: escrow.request.id })).toMatchObject(result)
    await retryCallback(plugin.client(), { order, outputs, callbackGas: 60_000n })
    expect(await getResult(plugin.client(), { request: escrow.request.id })).toMatchObject(result)
  })

  test("a callback is asked for by the name of its state, or by the contract's number: the terms are the same", () => {
    const callback = { callbackTarget: stranger.address, callbackGas: 50_000 }
    for (const [name, number] of [
      ['accepted', 3],
      ['delivered', 4],
    ] as const) {
      const terms = settler.terms({ ...callback, callbackState: name })
      expect(terms).toEqual(settler.terms({ ...callback, callbackState: number }))
      expect(terms).toEqual(settler.terms(terms.preimage))
      expect(terms.preimage).toMatchObject({ callbackState: String(number) })
    }
    for (const callbackState of ['Accepted', 'pending', 'toString', 'none', '5']) {
      expect(() => settler.terms({ ...callback, callbackState })).toThrow('VS_SETTLE_INVALID_OPTION')
    }
    expect(() => settler.terms({ callbackState: 'delivered' })).toThrow('VS_SETTLE_INVALID_OPTION')
  })

  test('terms that the contract would refuse are refused before', () => {
    const bad: readonly Json[] = [
      { callbackTarget: stranger.address },
      { callbackTarget: stranger.address, callbackGas: 1, callbackState: 2 },
      { callbackTarget: stranger.address, callbackGas: 2_000_001, callbackState: 4 },
      { callbackGas: 1 },
      { callbackState: 4 },
      { validUntil: '4294967296' },
      { graceSeconds: 90 * 86_400 + 1 },
    ]
    for (const options of bad) expect(() => settler.terms(options)).toThrow('VS_SETTLE_INVALID_OPTION')
  })

  test('a pending claim is reported, blocks the refund, and becomes accepted or is dropped', async () => {
    const now = (await chain.now()).timestamp
    const pendingCode = answering(1, now + 7200n)
    const { escrow, job, policy } = await scene(settler, chain, pendingCode, ++nonce)
    await settler.prepare(escrow, call())
    expect(await settler.settle(await job(), call())).toMatchObject({ state: 'pending' })
    expect(await settler.settle(await job(), call())).toMatchObject({ state: 'pending' })
    expect(await settler.status(escrow.request.id)).toMatchObject({ state: 'pending' })
    await chain.rpc('evm_increaseTime', [5000])
    await chain.rpc('evm_mine', [])
    const order = orderOf(escrow)
    const refused = await refund(plugin.client(), { order }).catch((e: unknown) => e)
    expect(revertName(refused)).toBe('WrongState')

    // From its time on this verifier's answer is none, so the claim is dropped and the payer gets his money back.
    await chain.rpc('evm_increaseTime', [3000])
    await chain.rpc('evm_mine', [])
    const { receipt } = await job()
    await finalize(plugin.client(), {
      order,
      requirement: escrow.requirement,
      policy,
      leaf: 0,
      claimant: claimant.address,
      outputs: receipt.signed.claim.outputs,
      signature: receipt.signed.signature,
      evidence: '0x010203',
    })
    expect(await getResult(plugin.client(), { request: escrow.request.id })).toMatchObject({
      state: 'open',
      pending: 0,
    })
    const before = await creditOf(plugin.client(), { account: payer.address })
    await refund(plugin.client(), { order })
    expect(await creditOf(plugin.client(), { account: payer.address })).toBe(before + PRICE)
    await expect(settler.settle(await job(), call())).rejects.toMatchObject({ code: 'VS_SETTLE_REFUNDED' })
    expect(await settler.status(escrow.request.id)).toMatchObject({ state: 'refunded' })
  })

  test('anyone may carry a claim in; only its claimant is credited', async () => {
    const { escrow, job, policy } = await accepting()
    await settler.prepare(escrow, call())
    const { receipt } = await job()
    const lane = laneOf(chain, await privateKeyAccount(stranger.privateKey))
    const submission = {
      order: orderOf(escrow),
      requirement: escrow.requirement,
      policy,
      leaf: 0,
      outputs: receipt.signed.claim.outputs,
      signature: receipt.signed.signature,
      evidence: '0x01' as Hex,
    }
    const theft = await submit({ ...plugin.client(), lane }, { ...submission, claimant: stranger.address }).catch(
      (e: unknown) => e,
    )
    expect(revertName(theft)).toBe('BadSignature')
    const before = await creditOf(plugin.client(), { account: claimant.address })
    await submit({ ...plugin.client(), lane }, { ...submission, claimant: claimant.address })
    expect(await creditOf(plugin.client(), { account: claimant.address })).toBe(before + PRICE)
    expect(await creditOf(plugin.client(), { account: stranger.address })).toBe(0n)
  })

  test('watch ends when nothing can change any more', async () => {
    const { escrow, job } = await accepting()
    await settler.prepare(escrow, call())
    const states: string[] = []
    const watching = (async () => {
      for await (const s of settler.watch(escrow.request.id, AbortSignal.timeout(20_000))) states.push(s.state)
    })()
    await settler.settle(await job(), call())
    await watching
    expect(states.at(-1)).toBe('delivered')
  })

  test('an aborted call sends nothing', async () => {
    const { escrow } = await accepting()
    const signal = AbortSignal.abort(new Error('enough'))
    await expect(settler.prepare(escrow, { ...call(), signal })).rejects.toThrow('enough')
    expect(await settler.status(escrow.request.id)).toBeUndefined()
  })
})

describe('evm() options', () => {
  let anvil: Anvil
  beforeAll(async () => {
    anvil = await startAnvil({ chainId: 4242 })
  })
  afterAll(() => anvil.stop())

  test('a chain that is not local gets nothing deployed, and a differing deployment is refused', async () => {
    const absent = evm({ rpcUrl: anvil.rpcUrl, signer: payer.privateKey })
    await expect(started(absent)).rejects.toMatchObject({ code: 'VS_EVM_CODE_DIFFERS', details: { got: 'no code' } })
    const deployment = { settlement: payer.address, registry: payer.address }
    await expect(started(evm({ rpcUrl: anvil.rpcUrl, deployment }))).rejects.toMatchObject({
      code: 'VS_SETTLE_DEPLOYMENT_DIFFERS',
      details: { field: 'deployment.settlement', expected: canonicalDeployment().settlement, got: payer.address },
    })
  })

  test('another chain than the configured one is refused', async () => {
    await expect(started(evm({ rpcUrl: anvil.rpcUrl, network: 'sepolia' }))).rejects.toMatchObject({
      code: 'VS_EVM_WRONG_CHAIN',
    })
    await expect(started(evm({ rpcUrl: 'http://127.0.0.1:1', network: 'sepolia' }))).rejects.toMatchObject({
      code: 'VS_EVM_UNREACHABLE',
    })
  })

  test('a verifier is deployed only where that is allowed', async () => {
    const { deployContracts } = await import('../deployment.ts')
    const { connect } = await import('@veristack/chain-evm')
    const chain = await connect({ rpcUrl: anvil.rpcUrl })
    const deployment = await deployContracts(laneOf(chain, await privateKeyAccount(payer.privateKey)))
    chain.close()
    const shy = evm({ rpcUrl: anvil.rpcUrl, signer: payer.privateKey, deployment })
    const settler = await started(shy)
    await expect(settler.pin(artefacts, adapter(answering(2)), call())).rejects.toMatchObject({
      code: 'VS_SETTLE_VERIFIER_ABSENT',
    })
    await shy.stop?.()
    const bold = evm({ rpcUrl: anvil.rpcUrl, signer: payer.privateKey, deployment, deployVerifiers: true })
    const pinned = await (await started(bold)).pin(artefacts, adapter(answering(2)), call())
    await bold.stop?.()
    const reader = evm({ rpcUrl: anvil.rpcUrl, deployment })
    const readOnly = await started(reader)
    expect(await readOnly.pin(artefacts, adapter(answering(2)), call())).toEqual(pinned)
    expect(() => readOnly.payer).toThrow('There is no account')
    await reader.stop?.()
  })

  test('what a journal on disk says was sent is not sent again, and one process has it at a time', async () => {
    const journalDirectory = await mkdtemp(join(tmpdir(), 'veristack-settler-'))
    const own = await startAnvil()
    try {
      const options = {
        rpcUrl: own.rpcUrl,
        signer: payer.privateKey,
        journalDirectory,
        deployment: canonicalDeployment(),
      }
      // A local chain gets the contracts from the first who comes.
      const setup = evm({ rpcUrl: own.rpcUrl })
      await started(setup)
      await setup.stop?.()
      const before = evm({ ...options, deployVerifiers: true })
      const settler = await started(before)
      await expect(started(evm(options))).rejects.toMatchObject({ code: 'VS_EVM_LANE_LOCKED' })
      const { escrow } = await scene(settler, before.client().chain, answering(2), 1)
      const placed = await settler.prepare(escrow, call())
      const { deployment } = before.client()
      await before.stop?.()

      const after = evm(options)
      const again = await started(after)
      // As if the chain were not asked first: the journal alone gives the answer.
      const order = orderOf(escrow)
      const { requirement, policies } = escrow
      const idempotencyKey = `test/${escrow.request.id}/request`
      const mined = await placeRequest(after.client(), { order, requirement, policies, idempotencyKey })
      expect(mined.hash).toBe(placed.ref)
      expect((await again.prepare(escrow, call())).ref).toBe(placed.ref)
      expect(await after.client().chain.balance(deployment.settlement)).toBe(PRICE)
      await after.stop?.()
    } finally {
      await own.stop()
      await rm(journalDirectory, { recursive: true, force: true })
    }
  })

  test('bad options are refused before anything starts', () => {
    expect(() => evm({ network: 'sepolia' })).toThrow('VS_SETTLE_INVALID_OPTION')
    expect(() => evm({ network: 'eip155:x', rpcUrl: anvil.rpcUrl })).toThrow('VS_SETTLE_INVALID_OPTION')
    expect(() => evm().client()).toThrow('VS_SETTLE_NOT_STARTED')
  })
})

describe('conformance', () => {
  const plugin = evm({ network: 'local' })
  let settler: Settler
  let nonce = 0
  beforeAll(async () => {
    settler = await started(plugin)
  })
  afterAll(() => plugin.stop?.())

  settlerSuite({
    runner: { describe, test },
    make: () => ({
      settler,
      credited: (account) => creditOf(plugin.client(), { account }),
      // Nobody withdraws here, so what was taken is what the contract has.
      taken: () => plugin.client().chain.balance(settler.contract),
    }),
    fixture: async () => {
      const made = await scene(settler, plugin.client().chain, firstByteIsOne, ++nonce)
      const job = await made.job()
      const evidence = job.receipt.evidence.map((e) => ({ ...e, payload: Uint8Array.of(9) }))
      return { job, forged: { ...job, receipt: { ...job.receipt, evidence } } }
    },
  })
})
