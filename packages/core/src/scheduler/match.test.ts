import fc from 'fast-check'
import type { Address, ProgramId } from '../claim/index.ts'
import { makeRequest, type Request, ZERO_ADDRESS, ZERO_DIGEST } from '../claim/index.ts'
import type { NodeOffer } from '../plugin/roles.ts'
import { type Candidate, type MatchTerms, match } from './match.ts'

const SAME = `0x${'5a'.repeat(20)}` as Address
const request: Request = makeRequest({
  program: ZERO_DIGEST as string as ProgramId,
  inputs: ZERO_DIGEST,
  requirement: ZERO_DIGEST,
  terms: ZERO_DIGEST,
  payer: ZERO_ADDRESS,
  priceWei: 100n,
  nonce: ZERO_DIGEST,
  chainId: 1n,
  contract: ZERO_ADDRESS,
  expiresAt: 0n,
})
const offer = (id: string, more: Partial<NodeOffer> = {}): Candidate => ({
  canRun: true,
  offer: {
    id,
    address: ZERO_ADDRESS,
    semantics: ['integer/v1'],
    kinds: ['zkml/groth16-bn254'],
    priceWei: 10n,
    load: 0,
    seenAt: 1000n,
    ...more,
  },
})
const terms = (more: Partial<MatchTerms> = {}): MatchTerms => ({
  step: { run: 'execute', slot: 0 },
  request,
  needs: { semantics: 'integer/v1', kinds: [] },
  taken: new Set(),
  now: 1000n,
  maxAgeMs: 500n,
  ...more,
})

describe('match', () => {
  test('prefers the cheapest, then the least loaded, then the lowest id', () => {
    expect(match([offer('a', { priceWei: 11n }), offer('b')], terms()).node?.id).toBe('b')
    expect(match([offer('a', { load: 0.5 }), offer('b')], terms()).node?.id).toBe('b')
    expect(match([offer('b'), offer('a')], terms()).node?.id).toBe('a')
  })

  test('explains every exclusion', () => {
    const found = match(
      [
        offer('dear', { priceWei: 101n }),
        offer('float', { semantics: ['onnx-float/v1'] }),
        offer('full', { load: 1 }),
        offer('gone', { seenAt: 499n }),
        offer('odd', { load: Number.NaN }),
        { ...offer('remote'), canRun: false },
        offer('same', { address: SAME }),
      ],
      terms({ taken: new Set([SAME]) }),
    )
    expect(found.node).toBeUndefined()
    expect(Object.fromEntries(found.excluded.map((e) => [e.node, e.reasons]))).toEqual({
      dear: ['asks 101 wei, the request pays 100'],
      float: ['does not run integer/v1, only onnx-float/v1'],
      full: ['is full (load 1)'],
      gone: ['was last seen 501 ms ago'],
      odd: ['is full (load NaN)'],
      remote: ['has no worker here that can run the step'],
      same: ['already runs another execution of this job'],
    })
    expect(found.excluded.filter((e) => e.passing).map((e) => e.node)).toEqual(['full', 'odd'])
  })

  test('a step of a tier goes to a node that offers the tier', () => {
    const step = { run: 'prove', kind: 'tee/intel-tdx' } as const
    const nodes = [offer('a'), offer('b', { kinds: ['tee/intel-tdx'], priceWei: 50n })]
    expect(match(nodes, terms({ step })).node?.id).toBe('b')
  })

  test('the order in which offers arrive changes nothing', () => {
    const any = fc.array(
      fc.record({
        id: fc.string({ minLength: 1, maxLength: 3 }),
        priceWei: fc.bigInt(0n, 120n),
        load: fc.constantFrom(0, 0.25, 1),
      }),
      { maxLength: 8 },
    )
    fc.assert(
      fc.property(any, fc.integer(), (list, seed) => {
        const distinct = [...new Map(list.map((o) => [o.id, offer(o.id, o)])).values()]
        const shuffled = [...distinct].sort(
          (a, b) => ((a.offer.id.length * 7919) ^ seed) - ((b.offer.id.length * 104729) ^ seed),
        )
        expect(match(shuffled, terms())).toEqual(match(distinct, terms()))
      }),
    )
  })
})
