import fc from 'fast-check'
import { flipped, mutations, Stopwatch } from '../../mutations.fixture.ts'
import { type Honest, honest, judge, sameMeaning, signedBits, withTable } from '../mutation.fixture.ts'
import { REPORT_BYTES } from '../parse.ts'
import { authority } from '../pki.fixture.ts'
import { vectors } from '../vectors.fixture.ts'

jest.setTimeout(3_600_000)

const keys = authority()
const own = [honest('Milan', 'vcek', keys), honest('Turin', 'vlek', keys)]
const real: readonly Honest[] = vectors().map(({ report, vek, issuer, from }) => ({
  report,
  kind: 'vcek',
  collateral: { vek, issuer },
  now: from,
}))

const watch = new Stopwatch()
afterAll(() => void process.stderr.write(`SEV-SNP: ${watch}\n`))

test.each([...own, ...real].map((each, i) => [i, each] as const))('every bit of report %i', async (_, each) => {
  expect((await judge(each.report, each, each.collateral)).status).toBe('accepted')
  for (let bit = 0; bit < 8 * REPORT_BYTES; bit++) {
    const verdict = await watch.time(() => judge(flipped(each.report, bit), each, each.collateral))
    if (verdict.status !== 'rejected') throw new Error(`bit ${bit} of ${signedBits} signed ones: ${verdict.status}`)
    expect(verdict.code).not.toBe('VS_TEE_INTERNAL')
  }
})

const RUNS = 30_000

test.each([...own, ...real].map((each, i) => [i, each] as const))('mutated evidence %i', async (i, each) => {
  const [whole, other] = [withTable(each), withTable(own[(i + 1) % 2] ?? each)]
  await fc.assert(
    fc.asyncProperty(mutations(whole, other), async (evidence) => {
      const verdict = await watch.time(() => judge(evidence, each))
      if (verdict.status === 'accepted' && !sameMeaning(evidence, whole)) throw new Error('accepted')
      if (verdict.status === 'rejected' && verdict.code === 'VS_TEE_INTERNAL') throw new Error(verdict.detail)
    }),
    { numRuns: RUNS },
  )
})

test.each(['vek', 'issuer', 'crl'] as const)('mutated collateral: %s', async (part) => {
  const [milan, turin] = own
  const [original, another] = [milan?.collateral[part], turin?.collateral[part]]
  if (milan === undefined || original === undefined || another === undefined) throw new Error(part)
  await fc.assert(
    fc.asyncProperty(mutations(original, another), async (bytes) => {
      if (Buffer.compare(bytes, original) === 0) return
      const verdict = await watch.time(() => judge(milan.report, milan, { ...milan.collateral, [part]: bytes }))
      if (verdict.status !== 'rejected') throw new Error(verdict.status)
      if (verdict.code === 'VS_TEE_INTERNAL') throw new Error(verdict.detail)
    }),
    { numRuns: RUNS },
  )
})
