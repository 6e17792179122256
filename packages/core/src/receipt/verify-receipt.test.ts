import {
  type Commitment,
  claimDigest,
  commitmentKey,
  commitmentsDigest,
  type Hex,
  type Json,
  keccakCommitment,
  localSigner,
  makeRequest,
  offchainPolicy,
  policyDigest,
  publicScheme,
  RAW_LIMIT,
  type Require,
  type Requirement,
  requirementDigest,
  type Tensor,
  tensor,
  tensorSpec,
} from '../claim/index.ts'
import { fakeCase } from '../testing/doubles/fake-case.ts'
import { FAKE_KIND, fakeAnchor, fakePayload, fakeVerifier } from '../testing/doubles/fake-tier.ts'
import type { AnchorSet } from './anchors.ts'
import { parseReceipt, serialiseReceipt } from './parse.ts'
import type { Receipt } from './receipt.ts'
import type { Evidence, Origin, Verifier } from './verdict.ts'
import { type Confirmation, type VerifyReceiptOptions, verifyReceipt } from './verify-receipt.ts'

const claimant = localSigner(`0x${'c1'.repeat(32)}`)
const stranger = localSigner(`0x${'0b'.repeat(32)}`)
const second = localSigner(`0x${'02'.repeat(32)}`)

/** The honest case with other parts, signed again by its claimant. */
async function receiptWith(
  change: {
    readonly requirement?: Requirement
    readonly policies?: Receipt['policies']
    readonly outputs?: readonly Commitment[]
  } & Partial<Pick<Receipt, 'salts'>> & { readonly tensors?: readonly Tensor[] } = {},
): Promise<Receipt> {
  const { receipt: base } = await fakeCase()
  const requirement = change.requirement ?? base.requirement
  const request = makeRequest({ ...base.request, requirement: requirementDigest(requirement) })
  const outputs = change.outputs ?? base.signed.outputs
  const claim = {
    ...base.signed.claim,
    request: request.id,
    requirement: request.requirement,
    outputs: commitmentsDigest(outputs),
  }
  const digest = claimDigest(claim)
  return {
    ...base,
    request,
    requirement,
    policies: change.policies ?? base.policies,
    signed: { ...base.signed, claim, outputs, signature: await claimant.sign(digest) },
    outputs: change.tensors ?? base.outputs,
    salts: change.salts ?? base.salts,
    evidence: [await evidenceBy(NOTARY, digest)],
  }
}

/** Known to everybody; see the fake tier. */
const NOTARY = localSigner(`0x${'fa'.repeat(32)}`)

const evidenceBy = async (by: typeof NOTARY, claim: Evidence['claim']): Promise<Evidence> => ({
  kind: FAKE_KIND,
  version: 1,
  claim,
  payload: await fakePayload(claim, by),
  blobs: [],
})

const anchorsOf = (receipt: Receipt, ...list: readonly (readonly [Hex, Origin])[]): AnchorSet => ({
  version: 1,
  anchors: list.map(([by, origin]) => ({
    program: receipt.request.program,
    kind: FAKE_KIND,
    digest: fakeAnchor(receipt.request.program, by),
    origin,
  })),
})

const judge = (receipt: Receipt, options: Partial<VerifyReceiptOptions> = {}) =>
  verifyReceipt(parseReceipt(serialiseReceipt(receipt)), {
    verifiers: [fakeVerifier()],
    anchors: anchorsOf(receipt, [NOTARY.address, 'development']),
    now: 1_700_000_000n,
    ...options,
  })

const outcome = async (...args: Parameters<typeof judge>): Promise<string> => {
  const verdict = await judge(...args)
  if (verdict.status === 'rejected') return verdict.code
  return verdict.status === 'undetermined' ? `undetermined: ${verdict.missing}` : verdict.status
}

/** Another tier, whose evidence is what the fake tier takes. */
const otherKind = 'other/keyed'
const other: Verifier = {
  kind: otherKind,
  tier: 'other',
  verify: async (subject, evidence, context) => {
    const verdict = await fakeVerifier().verify(
      subject,
      { ...evidence, kind: FAKE_KIND },
      { ...context, anchors: (program) => context.anchors(program, FAKE_KIND) },
    )
    return verdict.status === 'accepted' ? { ...verdict, tier: 'other' } : verdict
  },
}

test('an honest receipt is accepted, with a tensor under two schemes', async () => {
  const receipt = await receiptWith()
  expect(receipt.signed.outputs.map((c) => c.tensor)).toEqual(['int32[2]:y', 'int32[2]:y'])
  expect(Object.keys(receipt.salts)).toEqual(receipt.signed.outputs.slice(1).map(commitmentKey))
  expect(await outcome(receipt)).toBe('accepted')
})

describe('a receipt whose parts disagree is rejected with the code of the part', () => {
  const zero = `0x${'00'.repeat(32)}` as const
  test.each<[string, (r: Receipt) => Receipt | Promise<Receipt>]>([
    ['VS_CORE_REQUEST_MISMATCH', (r) => ({ ...r, request: { ...r.request, nonce: `0x${'77'.repeat(32)}` } })],
    ['VS_CORE_REQUEST_MISMATCH', (r) => ({ ...r, terms: { ...r.terms, application: { a: 1 } } })],
    ['VS_CORE_REQUEST_MISMATCH', (r) => ({ ...r, requirement: { tier: 'fake', policy: r.terms.settlement } })],
    ['VS_CORE_POLICY_MISMATCH', (r) => ({ ...r, policies: [offchainPolicy('fake', { origin: 'none' })] })],
    ['VS_CORE_CLAIM_MISMATCH', (r) => ({ ...r, signed: { ...r.signed, claim: { ...r.signed.claim, expiresAt: 1n } } })],
    ['VS_CORE_LIST_MISMATCH', (r) => ({ ...r, signed: { ...r.signed, inputs: [] } })],
    ['VS_CORE_LIST_MISMATCH', (r) => ({ ...r, signed: { ...r.signed, outputs: r.signed.outputs.slice(1) } })],
    ['VS_CORE_LIST_MISMATCH', (r) => receiptWith({ outputs: [...r.signed.outputs, ...r.signed.outputs.slice(1)] })],
    [
      'VS_CORE_BAD_SIGNATURE',
      async (r) => ({ ...r, signed: { ...r.signed, signature: await stranger.sign(claimDigest(r.signed.claim)) } }),
    ],
    ['VS_CORE_COMMITMENT_MISMATCH', (r) => ({ ...r, outputs: [tensor('y', 'int32', [2], [1, 2])] })],
    ['VS_CORE_COMMITMENT_MISMATCH', (r) => ({ ...r, outputs: [tensor('z', 'int32', [2], [1, 2])] })],
    ['VS_CORE_COMMITMENT_MISMATCH', (r) => ({ ...r, salts: { 'int32[2]:y': zero } })],
    ['VS_CORE_COMMITMENT_MISMATCH', (r) => ({ ...r, salts: { ...r.salts, 'raw/v1 int32[2]:y': zero } })],
    [
      'VS_CORE_EVIDENCE_MISMATCH',
      (r) => ({ ...r, evidence: r.evidence.map((e) => ({ ...e, claim: r.terms.settlement })) }),
    ],
    ['VS_CORE_DUPLICATE_EVIDENCE', (r) => ({ ...r, evidence: [...r.evidence, ...r.evidence] })],
  ])('%s', async (code, change) => {
    expect(await outcome(await change(await receiptWith()))).toBe(code)
  })
})

describe('evidence', () => {
  test('of one kind may be there several times; a leaf is satisfied by any of it, and all of it is reported', async () => {
    const receipt = await receiptWith()
    const [good] = receipt.evidence
    if (good === undefined) throw new Error('no evidence')
    const bad = await evidenceBy(stranger, good.claim)
    for (const evidence of [
      [good, bad],
      [bad, good],
    ]) {
      const verdict = await judge({ ...receipt, evidence })
      expect(verdict.status).toBe('accepted')
      expect(verdict.evidence.map((e) => [e.index, e.verdict.status])).toEqual(
        evidence.map((e, i) => [i, e === good ? 'accepted' : 'rejected']),
      )
      expect(verdict.leaves).toHaveLength(2)
    }
    expect(await outcome({ ...receipt, evidence: [bad, await evidenceBy(second, good.claim)] })).toBe(
      'VS_CORE_EVIDENCE_REFUSED',
    )
  })

  test('of no leaf is judged and reported, and decides nothing', async () => {
    const receipt = await receiptWith()
    const { claim } = receipt.evidence[0] ?? { claim: receipt.terms.settlement }
    const more = [
      { ...(await evidenceBy(NOTARY, claim)), kind: otherKind },
      { ...(await evidenceBy(stranger, claim)), kind: otherKind },
      { ...(await evidenceBy(NOTARY, claim)), kind: 'unknown/kind' },
    ] as const
    const verdict = await judge(
      { ...receipt, evidence: [...receipt.evidence, ...more] },
      { verifiers: [fakeVerifier(), other] },
    )
    expect(verdict.status).toBe('accepted')
    expect(verdict.evidence.map((e) => [e.kind, e.leaf?.tier, e.verdict.status])).toEqual([
      [FAKE_KIND, 'fake', 'accepted'],
      [otherKind, undefined, 'accepted'],
      [otherKind, undefined, 'rejected'],
      ['unknown/kind', undefined, 'undetermined'],
    ])
    expect(await outcome({ ...receipt, evidence: more }, { verifiers: [fakeVerifier(), other] })).toBe(
      'undetermined: plugin',
    )
  })
})

describe('anchors', () => {
  test('any one of several will do; none leaves it open; only others refuse it', async () => {
    const receipt = await receiptWith()
    const [old, now] = [
      [second.address, 'ceremony'],
      [NOTARY.address, 'development'],
    ] as const
    expect(await outcome(receipt, { anchors: anchorsOf(receipt, old, now, now) })).toBe('accepted')
    expect(await outcome(receipt, { anchors: anchorsOf(receipt) })).toBe('undetermined: anchor')
    expect(await outcome(receipt, { anchors: anchorsOf(receipt, old) })).toBe('VS_CORE_EVIDENCE_REFUSED')
  })

  test('the origin that a policy asks for must be that of the matching one', async () => {
    const receipt = await receiptWith()
    const require: Require = { tier: 'fake', policy: { origin: 'ceremony' } }
    const by = (...list: readonly (readonly [Hex, Origin])[]) =>
      outcome(receipt, { require, anchors: anchorsOf(receipt, ...list) })
    expect(await by([second.address, 'ceremony'], [NOTARY.address, 'development'])).toBe('VS_CORE_EVIDENCE_REFUSED')
    expect(await by([NOTARY.address, 'ceremony'])).toBe('accepted')
    expect(await by([NOTARY.address, 'development'], [NOTARY.address, 'ceremony'])).toBe('accepted')
  })
})

describe('what the relying party demands', () => {
  const withOther = async () => {
    const receipt = await receiptWith()
    const claim = claimDigest(receipt.signed.claim)
    const good: Evidence = { ...(await evidenceBy(NOTARY, claim)), kind: otherKind }
    const bad: Evidence = { ...(await evidenceBy(stranger, claim)), kind: otherKind }
    return { receipt, good, bad }
  }
  const verifiers = [fakeVerifier(), other]

  test('is judged beside the requirement', async () => {
    const { receipt, good, bad } = await withOther()
    const under = (require: Require, ...more: readonly Evidence[]) =>
      outcome({ ...receipt, evidence: [...receipt.evidence, ...more] }, { require, verifiers })
    expect(await under('fake')).toBe('accepted')
    expect(await under('other')).toBe('undetermined: blob')
    expect(await under('other', good)).toBe('accepted')
    expect(await under('other', bad)).toBe('VS_CORE_EVIDENCE_REFUSED')
    expect(await under('other', bad, good)).toBe('accepted')
    expect(await under({ all: ['fake', 'other'] }, bad)).toBe('VS_CORE_EVIDENCE_REFUSED')
    expect(await under({ any: ['fake', 'other'] }, bad)).toBe('accepted')
    expect(await under({ atLeast: 2, of: ['fake', 'other', 'third'] }, good)).toBe('accepted')
    expect(await under({ atLeast: 2, of: ['fake', 'other', 'third'] })).toBe('undetermined: blob')
    expect(await under({ tier: 'other', policy: { origin: 'ceremony' } }, good)).toBe('VS_CORE_EVIDENCE_REFUSED')
    expect(await outcome({ ...receipt, evidence: [...receipt.evidence, good] }, { require: 'other' })).toBe(
      'undetermined: plugin',
    )
  })

  test('does not replace the requirement', async () => {
    const { receipt, good, bad } = await withOther()
    expect(await outcome({ ...receipt, evidence: [good] }, { require: 'other', verifiers })).toBe('undetermined: blob')
    const claim = claimDigest(receipt.signed.claim)
    const evidence = [await evidenceBy(stranger, claim), good]
    expect(await outcome({ ...receipt, evidence }, { require: 'other', verifiers })).toBe('VS_CORE_EVIDENCE_REFUSED')
    const verdict = await judge({ ...receipt, evidence: [...receipt.evidence, bad] }, { require: 'other', verifiers })
    expect(verdict.demands).toMatchObject([
      { tier: 'other', policy: {}, kind: otherKind, verdict: { status: 'rejected' } },
    ])
  })

  test('must be a requirement', async () => {
    const receipt = await receiptWith()
    for (const require of [{ all: [] }, { atLeast: 2, of: ['fake'] }, ''] as const) {
      await expect(judge(receipt, { require })).rejects.toMatchObject({ code: 'VS_CORE_REQUIREMENT_INVALID' })
    }
  })
})

describe('settlements', () => {
  const settled = async (): Promise<Receipt> => ({
    ...(await receiptWith()),
    settlements: [{ network: 'eip155:1', ref: '0x01', state: 'accepted', mode: 'individual', detail: {} }],
  })
  const asked = async (confirm: VerifyReceiptOptions['confirm'], signal?: AbortSignal) =>
    judge(await settled(), {
      ...(confirm === undefined ? {} : { confirm }),
      ...(signal === undefined ? {} : { signal }),
    })

  test.each<[Confirmation, string, string]>([
    ['confirmed', 'accepted', 'confirmed'],
    ['refuted', 'rejected', 'refuted'],
    ['unknown', 'accepted', 'undetermined: chain'],
  ])('%s', async (said, status, shown) => {
    const verdict = await asked(async () => said)
    expect([verdict.status, verdict.settlements[0]?.status]).toEqual([status, shown])
  })

  test('a chain that can not be asked has said nothing, and the reason is told', async () => {
    const failing = [
      () => Promise.reject(new Error('no route to host\nat line 1')),
      () => {
        throw new Error('no route to host')
      },
    ]
    for (const confirm of failing) {
      const { settlements } = await asked(confirm)
      expect(settlements).toMatchObject([{ status: 'undetermined: chain', reason: 'no route to host' }])
    }
    expect((await asked(undefined)).settlements[0]?.reason).toBeUndefined()
    const aborted = AbortSignal.abort(new Error('enough'))
    await expect(asked(() => Promise.reject(new Error('cut')), aborted)).rejects.toThrow('enough')
  })
})

describe('outputs in the open', () => {
  const large = tensor(
    'large',
    'int32',
    [RAW_LIMIT + 1],
    Array.from({ length: RAW_LIMIT + 1 }, (_, i) => i),
  )
  const float = tensor('scores', 'float32', [3], [0.5, -1, 1e-9])

  const inKeccak = (t: Tensor): Commitment => ({
    tensor: tensorSpec(t),
    scheme: publicScheme(t),
    value: keccakCommitment(t),
  })

  test.each([large, float])('of any type and size: $name', async (t) => {
    const list = [inKeccak(t)]
    const honest = await receiptWith({ outputs: list, tensors: [t], salts: {} })
    expect(list[0]?.scheme).toBe('keccak/v1')
    expect(await outcome(honest)).toBe('accepted')
    const wrong = { ...t, data: t.data.map((b, i) => (i === 0 ? b ^ 1 : b)) }
    expect(await outcome({ ...honest, outputs: [wrong] })).toBe('VS_CORE_COMMITMENT_MISMATCH')
    expect(await outcome({ ...honest, outputs: [] })).toBe('VS_CORE_COMMITMENT_MISMATCH')
    const salts = { [commitmentKey(list[0] as Commitment)]: `0x${'01'.repeat(32)}` as Hex }
    expect(await outcome({ ...honest, salts })).toBe('VS_CORE_COMMITMENT_MISMATCH')
  })

  test('raw values of another length open nothing', async () => {
    const [raw] = (await receiptWith()).signed.outputs
    if (raw === undefined) throw new Error('no output')
    for (const value of ['0x', raw.value.slice(0, -64), `${raw.value}${'00'.repeat(32)}`] as Hex[]) {
      expect(await outcome(await receiptWith({ outputs: [{ ...raw, value }], salts: {} }))).toBe(
        'VS_CORE_COMMITMENT_MISMATCH',
      )
    }
  })
})

test('a leaf in a group of one is the leaf', async () => {
  const policy = offchainPolicy('fake', {} as Json)
  const requirement: Requirement = { any: [{ all: [{ tier: 'fake', policy: policyDigest(policy) }] }] }
  const receipt = await receiptWith({ requirement, policies: [policy] })
  expect(receipt.request.requirement).toBe(requirementDigest({ tier: 'fake', policy: policyDigest(policy) }))
  expect(await outcome(receipt)).toBe('accepted')
})
