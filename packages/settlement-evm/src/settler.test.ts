import { type Chain, laneOf, privateKeyAccount, revertName } from '@veristack/chain-evm'
import { type Anvil, developmentAccounts, startAnvil } from '@veristack/chain-evm/local'
import type { Artefacts, Call, EscrowJob, EvidenceKind, OnChain, Plugin, Receipt, SettleJob, Settler } from '@veristack/core'
import {
  type Address,
  claimDigest,
  type Commitment,
  commitmentsDigest,
  type Digest,
  type Hex,
  isVeristackError,
  jsonDigest,
  keccakText,
  localSigner,
  makeRequest,
  type Policy,
  policyDigest,
  type ProgramId,
  type Requirement,
  requirementDigest,
  termsDigest,
  toHex,
} from '@veristack/core'
import { creditOf, evm, type EvmPlugin, finalize, getResult, orderOf, refund, requestIdOf, submit, withdraw } from './index.ts'

const digest = (name: string) => toHex(keccakText(name)) as Digest
const KIND: EvidenceKind = 'toy/answers'
const PRICE = 10n ** 15n

/** Runtime code that answers `status` and `finalAt` to everything, behind a constructor that returns it. */
function answering(status: number, finalAt = 0n): Hex {
  const runtime = `60${status.toString(16).padStart(2, '0')}60005267${finalAt.toString(16).padStart(16, '0')}60205260406000f3`
  const size = (runtime.length / 2).toString(16).padStart(2, '0')
  return `0x60${size}600c60003960${size}6000f3${runtime}`
}
const adapter = (bytecode: Hex): OnChain => ({
  kind: KIND,
  proofSystem: 'toy',
  deployment: async () => ({ bytecode, constructorArgs: '0x' }),
  params: () => '0x01',
  encode: (_signed, _outputs, evidence) => toHex(evidence.payload),
})
const artefacts: Artefacts = { kind: KIND, program: digest('program') as Hex as ProgramId, anchor: digest('anchor'), origin: 'none', blobs: {} }
const call = (): Call => ({ signal: new AbortController().signal, idempotencyKey: 'test', progress: () => {} })
const [payer, claimantAccount, stranger] = developmentAccounts
if (payer === undefined || claimantAccount === undefined || stranger === undefined) throw new Error('no accounts')
const claimant = localSigner(claimantAccount.privateKey)

/** What a stack does with a plugin. */
async function started(plugin: EvmPlugin): Promise<Settler> {
  let settler: Settler | undefined
  const unused = () => {
    throw new Error('unused')
  }
  plugin.register({
    use: unused,
    all: unused,
    provide: (role, make) => {
      if (role === 'settler') settler = make({ use: unused, all: unused, provide: unused }) as Settler
    },
  })
  await (plugin as Plugin).start?.(new AbortController().signal)
  if (settler === undefined) throw new Error('no settler')
  return settler
}

const inputs: readonly Commitment[] = [{ tensor: 'x', scheme: 'raw/v1', value: `0x${'00'.repeat(31)}05` }]
const outputsOf = (label: number): readonly Commitment[] => [
  { tensor: 'label', scheme: 'raw/v1', value: `0x${label.toString(16).padStart(64, '0')}` },
]

interface Scene {
  readonly escrow: EscrowJob
  readonly policy: Policy
  job(label?: number, signer?: typeof claimant): Promise<SettleJob>
}

async function scene(settler: Settler, chain: Chain, bytecode: Hex, nonce: number, options = {}): Promise<Scene> {
  const onchain = adapter(bytecode)
  const policy: Policy = { tier: 'toy', offchain: {}, ...(await settler.pin(artefacts, onchain, call())) }
  const requirement: Requirement = { tier: 'toy', policy: policyDigest(policy) }
  const terms = settler.terms(options)
  const application = { featuriser: 'none' }
  const request = makeRequest({
    program: artefacts.program,
    inputs: commitmentsDigest(inputs),
    requirement: requirementDigest(requirement),
    terms: termsDigest({ application, settlement: terms.digest }),
    payer: settler.payer,
    priceWei: PRICE,
    nonce: `0x${nonce.toString(16).padStart(64, '0')}`,
    chainId: settler.chainId,
    contract: settler.contract,
    expiresAt: (await chain.now()).timestamp + 3600n,
  })
  const escrow: EscrowJob = { request, requirement, policies: [policy], application: jsonDigest(application), terms }
  return {
    escrow,
    policy,
    job: async (label = 7, signer = claimant) => {
      const outputs = outputsOf(label)
      const claim = {
        request: request.id,
        program: request.program,
        inputs: request.inputs,
        outputs: commitmentsDigest(outputs),
        requirement: request.requirement,
        claimant: signer.address,
        chainId: request.chainId,
        contract: request.contract,
        expiresAt: request.expiresAt,
      }
      const signature = await signer.sign(claimDigest(claim))
      const receipt: Receipt = {
        version: 1,
        request,
        requirement,
        policies: [policy],
        terms: { application, settlement: terms.digest },
        signed: { claim, inputs, outputs, signature },
        outputs: [],
        salts: {},
        evidence: [{ kind: KIND, version: 1, claim: claimDigest(claim), payload: Uint8Array.of(1, 2, 3), blobs: [] }],
        settlements: [],
      }
      return { ...escrow, receipt, onchain: new Map([[KIND, onchain]]) }
    },
  }
}

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
    expect(await requestIdOf(plugin.client(), orderOf(escrow))).toBe(escrow.request.id)

    const placed = await settler.prepare(escrow, call())
    expect(placed).toMatchObject({ network: 'eip155:31337', state: 'submitted', mode: 'individual' })
    expect(await chain.balance(settler.contract)).toBe(PRICE)
    expect((await settler.prepare(escrow, call())).ref).toBe(placed.ref)
    expect(await chain.balance(settler.contract)).toBe(PRICE)

    const settled = await settler.settle(await job(), call())
    expect(settled).toMatchObject({ state: 'delivered', detail: { request: escrow.request.id, claimant: claimant.address } })
    expect(await creditOf(plugin.client(), claimant.address)).toBe(PRICE)
    const again = await settler.settle(await job(), call())
    expect(again).toMatchObject({ state: 'delivered', ref: settled.ref })
    expect(await settler.status(escrow.request.id)).toMatchObject({ state: 'delivered', ref: settled.ref })
    expect(await creditOf(plugin.client(), claimant.address)).toBe(PRICE)
    expect(await getResult(plugin.client(), escrow.request.id)).toMatchObject({
      state: 'delivered', satisfied: 1, claimant: claimant.address, outputs: commitmentsDigest(outputsOf(7)),
    })

    // The claimant takes his money, wherever he wants it.
    const lane = laneOf(chain, await privateKeyAccount(claimantAccount.privateKey))
    const to = `0x${'ca'.repeat(20)}` as Address
    await withdraw({ ...plugin.client(), lane }, { to })
    expect(await chain.balance(to)).toBe(PRICE)
    const why = await withdraw({ ...plugin.client(), lane }, { to }).catch((e: unknown) => e)
    expect(revertName(why)).toBe('NothingToWithdraw')
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
      call: 'submit', error: 'EvidenceRejected', arguments: expect.stringMatching(/^0x/),
    })
    expect(await getResult(plugin.client(), rejecting.escrow.request.id)).toMatchObject({ state: 'open' })
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
      await expect(settler.prepare(job, call())).rejects.toMatchObject({ code: 'VS_SETTLE_REQUEST_MISMATCH', details: { field } })
    }
    expect(await settler.status(escrow.request.id)).toBeUndefined()
  })

  test('refuses a composition', async () => {
    const { escrow } = await accepting()
    const [leaf] = [escrow.requirement]
    const other = { tier: 'other', policy: digest('other') }
    await expect(settler.prepare({ ...escrow, requirement: { all: [leaf, other] } }, call())).rejects.toMatchObject({
      code: 'VS_SETTLE_UNSUPPORTED',
    })
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
      order, requirement: escrow.requirement, policy, leaf: 0, claimant: claimant.address,
      outputs: receipt.signed.claim.outputs, signature: receipt.signed.signature, evidence: '0x010203',
    })
    expect(await getResult(plugin.client(), escrow.request.id)).toMatchObject({ state: 'open', pending: 0 })
    const before = await creditOf(plugin.client(), payer.address)
    await refund(plugin.client(), { order })
    expect(await creditOf(plugin.client(), payer.address)).toBe(before + PRICE)
    await expect(settler.settle(await job(), call())).rejects.toMatchObject({ code: 'VS_SETTLE_REFUNDED' })
    expect(await settler.status(escrow.request.id)).toMatchObject({ state: 'refunded' })
  })

  test('anyone may carry a claim in; only its claimant is credited', async () => {
    const { escrow, job, policy } = await accepting()
    await settler.prepare(escrow, call())
    const { receipt } = await job()
    const lane = laneOf(chain, await privateKeyAccount(stranger.privateKey))
    const submission = {
      order: orderOf(escrow), requirement: escrow.requirement, policy, leaf: 0,
      outputs: receipt.signed.claim.outputs, signature: receipt.signed.signature, evidence: '0x01' as Hex,
    }
    const theft = await submit({ ...plugin.client(), lane }, { ...submission, claimant: stranger.address }).catch((e: unknown) => e)
    expect(revertName(theft)).toBe('BadSignature')
    const before = await creditOf(plugin.client(), claimant.address)
    await submit({ ...plugin.client(), lane }, { ...submission, claimant: claimant.address })
    expect(await creditOf(plugin.client(), claimant.address)).toBe(before + PRICE)
    expect(await creditOf(plugin.client(), stranger.address)).toBe(0n)
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
    await expect(started(evm({ rpcUrl: anvil.rpcUrl, deployment }))).rejects.toMatchObject({ code: 'VS_EVM_CODE_DIFFERS' })
  })

  test('another chain than the configured one is refused', async () => {
    await expect(started(evm({ rpcUrl: anvil.rpcUrl, network: 'sepolia' }))).rejects.toMatchObject({ code: 'VS_EVM_WRONG_CHAIN' })
    await expect(started(evm({ rpcUrl: 'http://127.0.0.1:1', network: 'sepolia' }))).rejects.toMatchObject({
      code: 'VS_EVM_UNREACHABLE',
    })
  })

  test('a verifier is deployed only where that is allowed', async () => {
    const { deployContracts } = await import('./deployment.ts')
    const { connect } = await import('@veristack/chain-evm')
    const chain = await connect({ rpcUrl: anvil.rpcUrl })
    const deployment = await deployContracts(laneOf(chain, await privateKeyAccount(payer.privateKey)))
    chain.close()
    const shy = evm({ rpcUrl: anvil.rpcUrl, signer: payer.privateKey, deployment })
    const settler = await started(shy)
    await expect(settler.pin(artefacts, adapter(answering(2)), call())).rejects.toMatchObject({ code: 'VS_SETTLE_VERIFIER_ABSENT' })
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

  test('bad options are refused before anything starts', () => {
    expect(() => evm({ network: 'sepolia' })).toThrow('VS_SETTLE_INVALID_OPTION')
    expect(() => evm({ network: 'eip155:x', rpcUrl: anvil.rpcUrl })).toThrow('VS_SETTLE_INVALID_OPTION')
    expect(() => evm().client()).toThrow('VS_SETTLE_NOT_STARTED')
  })
})
