import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Chain, connect, deploy, type Lane, laneOf, privateKeyAccount, revertName } from '@veristack/chain-evm'
import { type Anvil, developmentAccounts, startAnvil } from '@veristack/chain-evm/local'
import {
  type Claim,
  claimDigest,
  commitmentsDigest,
  type Digest,
  type Hex,
  type Json,
  jsonDigest,
  keccakText,
  localSigner,
  makeRequest,
  type Policy,
  type ProgramId,
  parseDigest,
  policyDigest,
  type Request,
  requirementDigest,
  type SignedClaim,
  type Signer,
  termsDigest,
  toHex,
} from '@veristack/core'
import {
  agreeTerms,
  creditOf,
  deliver,
  deployContracts,
  getResult,
  orderOf,
  placeRequest,
  refund,
  type SettlementClient,
  submit,
  withdraw,
} from '@veristack/settlement-evm'
import { proofBytes, verifyingKeyBytes } from '../../packages/verify-zkml/src/groth16/bytes.ts'
import { encodeEvidence, groth16OnChain, verifierCodeHash } from '../../packages/verify-zkml/src/onchain.ts'
import { simulatedKey, simulateProof } from '../../packages/verify-zkml/src/testing/groth16-simulator.ts'

/**
 * The settlement contract with the Groth16 verifier, on a chain. Keys are simulated: their secrets are known, so that a
 * valid proof of any statement can be made at once. What a proof of a real circuit costs on chain is the same.
 */

const GAS_FILE = join(process.cwd(), 'packages/settlement-evm/gas.json')
const BOUNDS: Readonly<Record<string, number>> = {
  verifier: 250_000,
  request: 130_000,
  submit: 350_000,
  withdraw: 45_000,
  deliver: 120_000,
  'deliver, callback of 50,000 gas': 120_000,
  'dearest, deployments included': 16_777_216,
}
const CALLBACK_GAS = 50_000
/** Uses all but the last few hundred of the gas that it is given. */
const HUNGRY = '0x5b5a61012c1060005700'
const CREATED_AT = 1_900_000_000
const PRICE = 10n ** 15n
const INPUT = 0x1d7ca9f03bb1e25d8a3c64f12e9b7a05n << 120n
const LOGITS = 0x0e91b6d24f5a3c788b1c2d9fe0a46b37n << 120n
const digest = (name: string) => toHex(keccakText(name)) as Digest
const word = (n: bigint): Hex => `0x${n.toString(16).padStart(64, '0')}`

const [first, second, third] = developmentAccounts
if (first === undefined || second === undefined || third === undefined) throw new Error('no accounts')
const [payer, other, stranger] = [first, second, third]
const claimant = localSigner(other.privateKey)
const thief = localSigner(stranger.privateKey)

const parameters = {
  program: digest('program') as Hex as ProgramId,
  circuitId: digest('circuit'),
  verifyingKey: verifyingKeyBytes(simulatedKey(5)),
  layout: {
    inputs: [{ tensor: 'uint8[1024]:features', scheme: 'poseidon-bn254/v1', count: 1024 }],
    outputs: [
      { tensor: 'int32[77]:logits', scheme: 'poseidon-bn254/v1', count: 77 },
      { tensor: 'uint8[1]:label', scheme: 'raw/v1', count: 1 },
    ],
  },
  development: true,
} as const

const commitments = (input: bigint, logits: bigint, label: bigint) => ({
  inputs: [{ tensor: 'uint8[1024]:features', scheme: 'poseidon-bn254/v1', value: word(input) }],
  outputs: [
    { tensor: 'int32[77]:logits', scheme: 'poseidon-bn254/v1', value: word(logits) },
    { tensor: 'uint8[1]:label', scheme: 'raw/v1', value: word(label) },
  ],
})
const LISTS = commitments(INPUT, LOGITS, 7n)

let anvil: Anvil
let chain: Chain
let lane: Lane
let client: SettlementClient
let policy: Policy
let nonce = 0

beforeAll(async () => {
  anvil = await startAnvil({ args: ['--timestamp', String(CREATED_AT)] })
  chain = await connect({ rpcUrl: anvil.rpcUrl })
  lane = laneOf(chain, await privateKeyAccount(payer.privateKey))
  client = { chain, lane, deployment: await deployContracts(lane) }
  const adapter = groth16OnChain({ parameters: async () => parameters, proof: (e) => e.payload })
  const artefacts = {
    kind: adapter.kind,
    program: parameters.program,
    anchor: digest('anchor'),
    origin: 'development',
    blobs: {},
  } as const
  const deployed = await deploy(lane, { ...(await adapter.deployment(artefacts, chain.chainId)), name: 'verifier' })
  expect(deployed.codeHash).toBe(verifierCodeHash(parameters))
  policy = {
    tier: 'zkml',
    verifier: deployed.address,
    codeHash: parseDigest(deployed.codeHash),
    params: '0x',
    offchain: {},
  }
})
afterAll(async () => {
  chain.close()
  await anvil.stop()
})

function makeScene(change: Partial<Request> = {}, options: Json = {}) {
  const requirement = { tier: 'zkml', policy: policyDigest(policy) }
  const terms = agreeTerms(options)
  const request = makeRequest({
    program: parameters.program,
    inputs: commitmentsDigest(LISTS.inputs),
    requirement: requirementDigest(requirement),
    terms: termsDigest({ application: {}, settlement: terms.digest }),
    payer: payer.address,
    priceWei: PRICE,
    nonce: digest(`nonce ${++nonce}`),
    chainId: chain.chainId,
    contract: client.deployment.settlement,
    expiresAt: BigInt(CREATED_AT + 3600),
    ...change,
  })
  const order = orderOf({ request, terms, application: jsonDigest({}) })
  return { request, requirement, order }
}
type Scene = ReturnType<typeof makeScene>

async function placed(change: Partial<Request> = {}, options: Json = {}) {
  const scene = makeScene(change, options)
  const mined = await placeRequest(client, { ...scene, policies: [policy] })
  return { ...scene, mined }
}

async function sign(scene: Scene, signer: Signer = claimant, lists = LISTS): Promise<SignedClaim> {
  const { id, program, requirement, chainId, contract, expiresAt } = scene.request
  const claim: Claim = {
    request: id,
    program,
    requirement,
    chainId,
    contract,
    expiresAt,
    inputs: commitmentsDigest(lists.inputs),
    outputs: commitmentsDigest(lists.outputs),
    claimant: signer.address,
  }
  return { claim, ...lists, signature: await signer.sign(claimDigest(claim)) }
}

function proofFor(
  { claim }: SignedClaim,
  values: { input?: bigint; logits?: bigint; label?: bigint; a?: bigint } = {},
) {
  const d = BigInt(claimDigest(claim))
  const { input = INPUT, logits = LOGITS, label = 7n, a = 0x1234567890abcdefn << 180n } = values
  return proofBytes(simulateProof([d >> 128n, d & ((1n << 128n) - 1n), input, logits, label], a))
}

const send = (scene: Scene, signed: SignedClaim, proof: Uint8Array) =>
  submit(client, {
    order: scene.order,
    requirement: scene.requirement,
    leaf: 0,
    policy,
    claimant: signed.claim.claimant,
    outputs: signed.claim.outputs,
    signature: signed.signature,
    evidence: encodeEvidence(proof, signed),
  })

const refusal = async (work: Promise<unknown>) => revertName(await work.catch((e: unknown) => e))

interface Frame {
  readonly to?: string
  readonly gasUsed: string
  readonly calls?: readonly Frame[]
}

/** Gas inside a transaction's call of a contract. */
async function insideCall(transaction: Hex, to: string): Promise<number> {
  const trace = (await chain.rpc('debug_traceTransaction', [transaction, { tracer: 'callTracer' }])) as Frame
  return Number(trace.calls?.find((c) => c.to === to)?.gasUsed)
}

/** Delivers a request whose callback uses its 50,000 gas; the transaction's gas. */
async function gasWithCallback(): Promise<number> {
  const callbackTarget = `0x${'ca'.repeat(20)}`
  await chain.rpc('anvil_setCode', [callbackTarget, HUNGRY])
  const scene = await placed({}, { callbackTarget, callbackGas: CALLBACK_GAS, callbackState: 4 })
  const signed = await sign(scene)
  await send(scene, signed, proofFor(signed))
  const { gasUsed, hash } = await deliver(client, { order: scene.order, outputs: signed.outputs })
  expect(await getResult(client, { request: scene.request.id })).toMatchObject({
    state: 'delivered',
    callback: 'succeeded',
  })
  const inside = await insideCall(hash, callbackTarget)
  expect(inside).toBeGreaterThan(CALLBACK_GAS - 600)
  return Number(gasUsed)
}

/** The most that any transaction of this chain used. */
async function dearest(): Promise<number> {
  const { block: head } = await chain.now()
  let most = 0
  for (let n = 1n; n <= head; n++) {
    const receipts = await chain.rpc('eth_getBlockReceipts', [`0x${n.toString(16)}`])
    for (const { gasUsed } of receipts as readonly { gasUsed: string }[]) most = Math.max(most, Number(gasUsed))
  }
  return most
}

test('gas of whole transactions', async () => {
  const scene = await placed()
  const signed = await sign(scene)
  const accepted = await send(scene, signed, proofFor(signed))
  const delivered = await deliver(client, { order: scene.order, outputs: signed.outputs })
  const claimantLane = laneOf(chain, await privateKeyAccount(other.privateKey))
  const withdrawn = await withdraw({ ...client, lane: claimantLane })
  const gas: Readonly<Record<string, number>> = {
    request: Number(scene.mined.gasUsed),
    submit: Number(accepted.gasUsed),
    deliver: Number(delivered.gasUsed),
    withdraw: Number(withdrawn.gasUsed),
  }
  const total = Object.values(gas).reduce((a, b) => a + b, 0)
  const more: Readonly<Record<string, number>> = {
    'deliver, callback of 50,000 gas': await gasWithCallback(),
    'dearest, deployments included': await dearest(),
  }
  for (const [name, used] of Object.entries({ ...gas, ...more }))
    expect([name, used <= (BOUNDS[name] ?? 0), used]).toEqual([name, true, used])
  const verifier = await insideCall(accepted.hash, policy.verifier)
  expect(verifier).toBeLessThanOrEqual(BOUNDS.verifier ?? 0)
  const text = `${JSON.stringify({ ...gas, total, 'verifier, inside submit': verifier, ...more }, null, 2)}\n`
  if (process.env.VERISTACK_GAS_FILE) writeFileSync(process.env.VERISTACK_GAS_FILE, text)
  if (process.env.VERISTACK_WRITE_GAS) writeFileSync(GAS_FILE, text)
  // A change of gas is a change to be seen: VERISTACK_WRITE_GAS=1 writes the new figures.
  expect(text).toBe(readFileSync(GAS_FILE, 'utf8'))
})

test('a front-runner can reuse neither claim nor proof for himself', async () => {
  const scene = await placed()
  const signed = await sign(scene)
  const proof = proofFor(signed)
  const own = await sign(scene, thief)
  expect(await refusal(send(scene, { ...own, signature: signed.signature }, proof))).toBe('BadSignature')
  expect(await refusal(send(scene, own, proof))).toBe('EvidenceRejected')
  const ownScene = await placed()
  const ownClaim = await sign(ownScene, thief)
  expect(await refusal(send(ownScene, ownClaim, proof))).toBe('EvidenceRejected')
  await send(scene, signed, proof)
  expect(await creditOf(client, { account: thief.address })).toBe(0n)
})

test('a rerandomised proof settles nothing twice and pays nobody else', async () => {
  const scene = await placed()
  const signed = await sign(scene)
  const before = await creditOf(client, { account: claimant.address })
  await send(scene, signed, proofFor(signed, { a: 29n }))
  expect(await creditOf(client, { account: claimant.address })).toBe(before + PRICE)
  expect(await refusal(send(scene, signed, proofFor(signed, { a: 31n })))).toBe('WrongState')
  expect(await refusal(send(scene, await sign(scene, thief), proofFor(signed, { a: 31n })))).toBe('WrongState')
  expect(await creditOf(client, { account: claimant.address })).toBe(before + PRICE)
})

test('values other than the committed ones, and aliases of them, are rejected', async () => {
  const R = 21888242871839275222246405745257275088548364400416034343698204186575808495617n
  const scene = await placed()
  const lists = [
    commitments(INPUT, LOGITS, 8n),
    commitments(INPUT, LOGITS + 1n, 7n),
    commitments(INPUT, LOGITS, 7n + R),
  ]
  for (const l of lists) {
    // The claim says one thing and the proof another.
    const signed = await sign(scene, claimant, l)
    expect(await refusal(send(scene, signed, proofFor(signed)))).toBe('EvidenceRejected')
  }
  const input = await sign(scene, claimant, commitments(INPUT + 1n, LOGITS, 7n))
  // The contract takes the inputs from the request, so this signature is over another claim.
  expect(await refusal(send(scene, input, proofFor(input, { input: INPUT + 1n })))).toBe('BadSignature')
  const aliased = commitments(INPUT + R, LOGITS, 7n)
  const aliasScene = await placed({ inputs: commitmentsDigest(aliased.inputs) })
  const signed = await sign(aliasScene, claimant, aliased)
  expect(await refusal(send(aliasScene, signed, proofFor(signed)))).toBe('EvidenceRejected')
  expect(await getResult(client, { request: scene.request.id })).toMatchObject({ state: 'open' })
})

test('a request for another model is not answered by this one', async () => {
  const scene = await placed({ program: digest('another program') as Hex as ProgramId })
  const signed = await sign(scene)
  expect(await refusal(send(scene, signed, proofFor(signed)))).toBe('EvidenceRejected')
})

test('nothing is settled after a refund', async () => {
  const scene = await placed()
  const signed = await sign(scene)
  await chain.rpc('evm_increaseTime', [3600 + 600 + 1])
  await chain.rpc('evm_mine', [])
  await refund(client, { order: scene.order })
  expect(await refusal(send(scene, signed, proofFor(signed)))).toBe('WrongState')
  expect(await refusal(refund(client, { order: scene.order }))).toBe('WrongState')
})
