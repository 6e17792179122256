import fc from 'fast-check'
import { flipped, mutations } from '../mutations.fixture.ts'
import { defaultBackend, nobleBackend, webBackend } from '../pki/index.ts'
import { inspectSevSnp } from './index.ts'
import { type Honest, honest, judge, sameMeaning, signedBits, withTable } from './mutation.fixture.ts'
import { REPORT_BYTES } from './parse.ts'
import { authority } from './pki.fixture.ts'

const keys = authority()
const milan = honest('Milan', 'vcek', keys)
const turin = honest('Turin', 'vlek', keys)
const [whole, other] = [withTable(milan), withTable(turin)]

test('what is mutated here is accepted before', async () => {
  for (const each of [milan, turin]) {
    expect(await judge(each.report, each, each.collateral)).toMatchObject({ status: 'accepted' })
    expect(await judge(withTable(each), each)).toMatchObject({ status: 'accepted' })
  }
})

test('any bit of the report', async () => {
  const bit = fc.nat(8 * REPORT_BYTES - 1)
  await fc.assert(
    fc.asyncProperty(bit, fc.constantFrom<Honest>(milan, turin), async (at, each) => {
      const verdict = await judge(flipped(each.report, at), each, each.collateral)
      expect(verdict.status).toBe('rejected')
      if (at < signedBits) expect(verdict.checks.some(({ outcome }) => outcome === 'fail')).toBe(true)
    }),
    { numRuns: 150 },
  )
})

test('evidence with its certificates', async () => {
  await fc.assert(
    fc.asyncProperty(mutations(whole, other), async (evidence) => {
      const verdict = await judge(evidence, milan)
      if (!sameMeaning(evidence, whole)) expect(verdict.status).not.toBe('accepted')
      if (verdict.status === 'rejected') expect(verdict.code).not.toBe('VS_TEE_INTERNAL')
    }),
    { numRuns: 150 },
  )
})

test('collateral', async () => {
  for (const part of ['vek', 'issuer', 'crl'] as const) {
    const [original, another] = [milan.collateral[part], turin.collateral[part]]
    if (original === undefined || another === undefined) throw new Error(part)
    await fc.assert(
      fc.asyncProperty(mutations(original, another), async (bytes) => {
        fc.pre(Buffer.compare(bytes, original) !== 0)
        const verdict = await judge(milan.report, milan, { ...milan.collateral, [part]: bytes })
        expect(verdict).toMatchObject({ status: 'rejected', code: expect.not.stringMatching('INTERNAL') })
      }),
      { numRuns: 60 },
    )
  }
})

test('parts of six chips under one authority: only what belongs together', async () => {
  const chips = (['Milan', 'Genoa', 'Turin'] as const).flatMap((product) =>
    (['vcek', 'vlek'] as const).map((kind) => ({ product, ...honest(product, kind, keys) })),
  )
  let accepted = 0
  for (const report of chips)
    for (const {
      collateral: { vek },
    } of chips)
      for (const {
        collateral: { issuer },
      } of chips)
        for (const { product, collateral } of chips) {
          const { crl } = collateral
          const verdict = await judge(report.report, report, { vek, issuer, ...(crl === undefined ? {} : { crl }) })
          const whole =
            vek === report.collateral.vek && issuer === report.collateral.issuer && product === report.product
          expect(verdict.status).toBe(whole ? 'accepted' : 'rejected')
          if (verdict.status === 'accepted') accepted += 1
        }
  // The lists for VCEKs and VLEKs are of one root.
  expect(accepted).toBe(12)
})

test('every arithmetic answers the same', async () => {
  const backends = [defaultBackend(), nobleBackend, webBackend() ?? nobleBackend]
  await fc.assert(
    fc.asyncProperty(mutations(whole, other), async (evidence) => {
      const verdicts = await Promise.all(backends.map((backend) => judge(evidence, milan, {}, backend)))
      for (const verdict of verdicts) expect(verdict).toEqual(verdicts[0])
    }),
    { numRuns: 60 },
  )
})

test('inspection throws nothing but its own error', () => {
  fc.assert(
    fc.property(mutations(whole, other), (evidence) => {
      try {
        expect(inspectSevSnp(evidence).claims.measurement).toHaveLength(96)
      } catch (error) {
        expect(error).toMatchObject({ code: 'VS_TEE_MALFORMED' })
      }
    }),
  )
})
