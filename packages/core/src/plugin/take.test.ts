import { memoryBlobs } from '../blobs/memory.ts'
import {
  type Address,
  commitmentsDigest,
  type Digest,
  type Hex,
  jsonDigest,
  makeRequest,
  type Policy,
  policyDigest,
  publicScheme,
  type Request,
  type Requirement,
  rawCommitment,
  requirementDigest,
  tensor,
  tensorSpec,
  termsDigest,
} from '../claim/index.ts'
import { isVeristackError } from '../errors/index.ts'
import { memoryRecords } from '../job/records-memory.ts'
import {
  FAKE_TIER,
  fakeExecutorPlugin,
  fakeOnChain,
  fakeProgram,
  fakeSettler,
  fakeSettlerPlugin,
  fakeTier,
  quietCall,
} from '../testing/index.ts'
import type { Plugin } from './roles.ts'
import { createStack, type Published, type Stack } from './stack.ts'
import type { TakeOptions } from './take.ts'

/** Requests that somebody else made and escrowed, told by what their events say. */

const PRICE = 1000n
const PAYER = `0x${'7a'.repeat(20)}` as Address
const ledger = fakeSettler()
const { settler } = ledger
const [records, blobs] = [memoryRecords(), memoryBlobs()]
const shared: Plugin = {
  specificationVersion: 'v1',
  name: 'shared',
  version: '0.0.0',
  provides: ['records', 'blobs'],
  register: (host) => {
    host.provide('records', () => records)
    host.provide('blobs', () => blobs)
  },
}
let executed = 0
const compute = (
  inputs: Parameters<NonNullable<NonNullable<Parameters<typeof fakeExecutorPlugin>[0]>['compute']>>[0],
) => {
  executed += 1
  return inputs.map((t) => tensor('y', 'int32', t.shape, [7]))
}
const open = () =>
  createStack({ plugins: [fakeExecutorPlugin({ compute }), fakeTier(), fakeSettlerPlugin(ledger), shared] })

let stack: Stack
let published: Published
let nonce = 0

beforeAll(async () => {
  stack = await open()
  published = await stack.publish(fakeProgram())
})
afterAll(() => stack.close())

interface Change {
  readonly request?: Partial<Request>
  readonly policy?: Partial<Policy>
  readonly escrow?: boolean
}

async function placed(x: number, change: Change = {}): Promise<TakeOptions> {
  const [artefacts] = published.artefacts
  if (artefacts === undefined) throw new Error('not published')
  const input = tensor('x', 'int32', [1], [x])
  const pinned = await settler.pin(artefacts, fakeOnChain(), quietCall())
  const policy: Policy = { tier: FAKE_TIER, offchain: {}, ...pinned, ...change.policy }
  const requirement: Requirement = { tier: policy.tier, policy: policyDigest(policy) }
  const settlement = settler.terms({ callback: 'somebody' })
  const application = { shop: 'mine' }
  const request = makeRequest({
    program: published.program.id,
    inputs: commitmentsDigest([
      { tensor: tensorSpec(input), scheme: publicScheme(input), value: rawCommitment(input) },
    ]),
    requirement: requirementDigest(requirement),
    terms: termsDigest({ application, settlement: settlement.digest }),
    payer: PAYER,
    priceWei: PRICE,
    nonce: `0x${(++nonce).toString(16).padStart(64, '0')}`,
    chainId: settler.chainId,
    contract: settler.contract,
    expiresAt: BigInt(Math.floor(Date.now() / 1000)) + 3600n,
    ...change.request,
  })
  if (change.escrow !== false) {
    const job = { request, requirement, policies: [policy], application: jsonDigest(application), terms: settlement }
    await settler.prepare(job, quietCall())
  }
  return {
    request,
    requirement,
    policies: [policy],
    settlement,
    application,
    program: published.program,
    inputs: [input],
  }
}

test('is executed, proved and settled, and pays for nothing', async () => {
  const o = await placed(3)
  const before = await ledger.taken()
  const job = await stack.take(o)
  expect(job.id).toBe(o.request.id)
  const receipt = await job.wait('settled')
  expect(receipt.request).toEqual(o.request)
  expect(receipt.terms.application).toEqual({ shop: 'mine' })
  expect(receipt.settlements.map((s) => s.state)).toEqual(['submitted', 'accepted'])
  expect(await ledger.taken()).toBe(before)
  expect(await ledger.credited(stack.claimant)).toBe(PRICE)
})

test('taken often, here and by another process with the same records, it is one job', async () => {
  const o = await placed(4)
  const credited = await ledger.credited(stack.claimant)
  const before = executed
  const other = await open()
  const jobs = await Promise.all([stack.take(o), stack.take(o), other.take(o)])
  const receipts = await Promise.all(jobs.map((j) => j.wait('settled')))
  expect(new Set(receipts.map((r) => r.signed.signature)).size).toBe(1)
  const again = await (await other.take(o)).wait('settled')
  expect(again.signed).toEqual(receipts[0]?.signed)
  await other.close()
  const third = await open()
  expect((await (await third.take(o)).wait('settled')).signed).toEqual(again.signed)
  await third.close()
  // Two processes may both compute; one claim is signed, and one is paid.
  expect(executed - before).toBeLessThanOrEqual(2)
  const claimants = [stack.claimant, other.claimant, third.claimant]
  const paid = await Promise.all(claimants.map((c) => ledger.credited(c)))
  expect(paid.reduce((a, b) => a + b, 0n)).toBe(credited + PRICE)
})

test('goes on after it was begun by steps, or cancelled', async () => {
  const o = await placed(5)
  const job = await stack.take({ ...o, steps: ['execute', 'claim'] })
  await job.wait('claimed')
  await job.cancel()
  const other = await open()
  expect((await (await other.take(o)).wait('settled')).request.id).toBe(o.request.id)
  await other.close()
})

describe('is refused, by the field', () => {
  const DIGEST = `0x${'ee'.repeat(32)}` as Digest
  const refusedAt = async (field: string, o: TakeOptions) => {
    const error = await stack.take(o).catch((e: unknown) => e)
    expect(isVeristackError(error, 'VS_CORE_NOT_TAKEN') ? error.details.field : error).toBe(field)
    expect(await records.job(o.request.id)).toBeUndefined()
  }
  type Lie = (o: TakeOptions) => TakeOptions
  const cases: readonly [field: string, change: Change, lie?: Lie][] = [
    ['request.id', {}, (o) => ({ ...o, request: { ...o.request, priceWei: 10n * PRICE } })],
    ['program', { request: { program: DIGEST as Hex as Request['program'] } }],
    ['requirement', { request: { requirement: DIGEST } }],
    ['requirement', {}, (o) => ({ ...o, requirement: { all: [] } })],
    ['settlement', {}, (o) => ({ ...o, settlement: { ...o.settlement, preimage: { callback: 'another' } } })],
    ['terms', {}, (o) => ({ ...o, application: { shop: 'another' } })],
    ['chainId', { request: { chainId: 1n } }],
    ['contract', { request: { contract: PAYER } }],
    ['expiresAt', { request: { expiresAt: 1n } }],
    ['priceWei', {}, (o) => ({ ...o, minimumPriceWei: PRICE + 1n })],
    ['state', { escrow: false }],
    ['policies', {}, (o) => ({ ...o, policies: [] })],
    ['policies[0]', {}, (o) => ({ ...o, policies: o.policies.map((p) => ({ ...p, offchain: { origin: 'none' } })) })],
    ['policies[0].tier', { policy: { tier: 'tee' } }],
    // Somebody else's contract for the same kind of evidence: it may accept anything.
    ['policies[0].verifier', { policy: { verifier: PAYER } }],
    ['policies[0].codeHash', { policy: { codeHash: DIGEST } }],
    ['policies[0].params', { policy: { params: '0x01' } }],
    ['inputs', { request: { inputs: DIGEST } }],
    ['inputs', {}, (o) => ({ ...o, inputs: [tensor('x', 'int32', [1], [99])] })],
  ]
  for (const [i, [field, change, lie = (o: TakeOptions) => o]] of cases.entries()) {
    test(`${i}: ${field}`, async () => refusedAt(field, lie(await placed(6, change))))
  }

  test('a leaf of a contract that is not known, where the requirement could do without it', async () => {
    const o = await placed(7)
    const [own] = o.policies
    if (own === undefined) throw new Error('no policy')
    const foreign: Policy = { ...own, verifier: PAYER }
    const requirement: Requirement = {
      any: [own, foreign].map((p) => ({ tier: p.tier, policy: policyDigest(p) })),
    }
    const { id: _id, ...fields } = o.request
    const request = makeRequest({ ...fields, requirement: requirementDigest(requirement) })
    const policies = [own, foreign]
    await settler.prepare({ ...o, application: jsonDigest(o.application), terms: o.settlement, request }, quietCall())
    await refusedAt('policies[1].verifier', { ...o, request, requirement, policies })
  })

  test('a requirement that counts kinds, where one kind is all there is', async () => {
    const o = await placed(9)
    const [own] = o.policies
    if (own === undefined) throw new Error('no policy')
    const policies = [1, 2, 3].map((n): Policy => ({ ...own, offchain: { n } }))
    const requirement: Requirement = {
      atLeast: 2,
      of: policies.map((p) => ({ tier: p.tier, policy: policyDigest(p) })),
    }
    const { id: _id, ...fields } = o.request
    const request = makeRequest({ ...fields, requirement: requirementDigest(requirement) })
    const job = { ...o, application: jsonDigest(o.application), terms: o.settlement, request, requirement, policies }
    await settler.prepare(job, quietCall())
    await refusedAt('requirement', { ...o, request, requirement, policies })
  })

  test('what was answered', async () => {
    const o = await placed(8)
    const elsewhere = await createStack({
      plugins: [fakeExecutorPlugin(), fakeTier(), fakeSettlerPlugin(ledger)],
    })
    await elsewhere.publish(fakeProgram())
    await (await elsewhere.take(o)).wait('settled')
    await elsewhere.close()
    await refusedAt('state', o)
  })
})
