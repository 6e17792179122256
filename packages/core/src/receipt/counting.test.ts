import { type Leaf, parseDigest, type Requirement } from '../claim/index.ts'
import { fakeCase } from '../testing/doubles/fake-case.ts'
import { fakeVerifier } from '../testing/doubles/fake-tier.ts'
import { conclude, type Judged, meetsFor } from './conclude.ts'
import type { EvidenceKind, Verdict, Verifier } from './verdict.ts'
import { verifyReceipt } from './verify-receipt.ts'

const leaf = (tier: string, i: number): Leaf => ({ tier, policy: parseDigest(`0x${String(i).padStart(64, '0')}`) })
const [a, b, c, d] = [leaf('zkml', 1), leaf('zkml', 2), leaf('tee', 3), leaf('tee', 4)]

const verdict = (status: 'accepted' | 'rejected' | 'undetermined', specs = ['int32[1]:y']): Verdict => {
  const common = {
    checks: [],
    assumptions: [],
    covers: specs.map((tensor) => ({ tensor, scheme: 'raw/v1', value: '0x' as const })),
  }
  if (status === 'accepted') return { ...common, status, tier: 'any' }
  return status === 'rejected' ? { ...common, status, code: 'VS_X' } : { ...common, status, missing: 'anchor' }
}
const by = (
  l: Leaf,
  kind: EvidenceKind,
  status: Parameters<typeof verdict>[0] = 'accepted',
  specs?: string[],
): Judged => ({
  leaf: l,
  kind,
  verdict: verdict(status, specs),
})

describe('under atLeast, evidence of one kind counts once', () => {
  test.each<[string, Requirement, readonly Judged[], string]>([
    ['two policies, one proof', { atLeast: 2, of: [a, b, c] }, [by(a, 'z/1'), by(b, 'z/1')], 'rejected'],
    ['two kinds', { atLeast: 2, of: [a, b, c] }, [by(a, 'z/1'), by(c, 't/1')], 'accepted'],
    [
      'one leaf has the choice, the other has not',
      { atLeast: 2, of: [a, b, c] },
      [by(a, 'z/1'), by(a, 'z/2'), by(b, 'z/1')],
      'accepted',
    ],
    [
      'a group in a group takes what it rests on',
      { atLeast: 2, of: [{ all: [a, c] }, { any: [b, d] }, leaf('x', 9)] },
      [by(a, 'z/1'), by(c, 't/1'), by(b, 'z/1'), by(d, 't/1')],
      'rejected',
    ],
    [
      'groups that rest on different kinds',
      { atLeast: 2, of: [{ any: [a, c] }, { any: [b, d] }, leaf('x', 9)] },
      [by(a, 'z/1'), by(c, 't/1'), by(b, 'z/1')],
      'accepted',
    ],
    ['all counts nothing', { all: [a, b] }, [by(a, 'z/1'), by(b, 'z/1')], 'accepted'],
    ['any needs one', { any: [a, b] }, [by(a, 'z/1'), by(b, 'z/1', 'rejected')], 'accepted'],
    [
      'what is missing may be of any kind',
      { atLeast: 2, of: [a, b, c] },
      [by(a, 'z/1'), by(b, 'z/1'), { leaf: c, kind: undefined, verdict: verdict('undetermined') }],
      'undetermined',
    ],
  ])('%s', (_, requirement, judged, status) => {
    expect(conclude(requirement, judged).status).toBe(status)
  })
})

describe('an output may be relied on where what speaks of it is enough by itself', () => {
  test.each<[string, Requirement, boolean, boolean]>([
    ['all of a strict and a weak one', { all: [a, c] }, true, false],
    ['any of them', { any: [a, c] }, true, true],
  ])('%s', (_, requirement, y, z) => {
    const speaks = meetsFor(requirement, [by(a, 'z/1'), by(c, 't/1', 'accepted', ['int32[1]:y', 'int32[1]:z'])])
    expect([speaks('int32[1]:y'), speaks('int32[1]:z')]).toEqual([y, z])
  })
})

describe('verification', () => {
  test('stops when it is told to, also between two pieces of evidence', async () => {
    const { receipt } = await fakeCase()
    const told = AbortSignal.abort(new Error('enough'))
    await expect(verifyReceipt(receipt, { verifiers: [fakeVerifier()], signal: told })).rejects.toThrow('enough')
    const stop = new AbortController()
    const verifier: Verifier = {
      ...fakeVerifier(),
      verify: async (...args) => {
        stop.abort(new Error('enough'))
        return fakeVerifier().verify(...args)
      },
    }
    const [first] = receipt.evidence
    const twice = first === undefined ? [] : [first, { ...first, version: 2 }]
    const judged = verifyReceipt({ ...receipt, evidence: twice }, { verifiers: [verifier], signal: stop.signal })
    await expect(judged).rejects.toThrow('enough')
  })

  test('asks no chain about a receipt that contradicts itself', async () => {
    const { receipt } = await fakeCase()
    let asked = 0
    const confirm = async () => {
      asked += 1
      return 'confirmed' as const
    }
    const lies = { ...receipt, outputs: [] as const, salts: {}, request: { ...receipt.request, priceWei: 7n } }
    const verdict = await verifyReceipt(lies, { verifiers: [fakeVerifier()], confirm })
    expect([verdict.status, asked]).toEqual(['rejected', 0])
    expect(verdict.settlements.every((s) => s.status === 'undetermined: chain')).toBe(true)
  })

  test('lets a verifier do once what does not depend on the policy', async () => {
    const { receipt } = await fakeCase()
    const seen: unknown[] = []
    const verifier: Verifier = {
      ...fakeVerifier(),
      verify: async (subject, evidence, context) => {
        context.once?.('test proof', evidence, () => seen.push(evidence))
        context.once?.('test claim', subject.signed, () => seen.push(subject.signed))
        return fakeVerifier().verify(subject, evidence, context)
      },
    }
    const require = { all: ['fake', { tier: 'fake', policy: { origin: 'none' } }] }
    await verifyReceipt(receipt, { verifiers: [verifier], require })
    expect(seen).toEqual([receipt.evidence[0], receipt.signed])
  })
})
