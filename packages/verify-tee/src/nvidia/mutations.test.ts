import fc from 'fast-check'
import { flipped } from '../mutations.fixture.ts'
import { nobleBackend, nodeBackend, webBackend } from '../pki/index.ts'
import { base64Url, makeBundle, makeReport } from './devices.fixture.ts'
import { inspectNvidia, verifyNvidia } from './index.ts'
import {
  collaterals,
  honest,
  mutations,
  requireCollateralRefused,
  requireRefused,
  withBackend,
} from './mutation.fixture.ts'
import { parseReport } from './spdm.ts'

describe.each(honest)('$name', (each) => {
  const { evidence, other, options } = each

  test('itself is accepted', async () => {
    expect(await verifyNvidia(evidence, options)).toMatchObject({ status: 'accepted' })
  })

  test('random changes, cuts and splices', async () => {
    await fc.assert(
      fc.asyncProperty(mutations(evidence, other), (mutated) => requireRefused(mutated, each)),
      { numRuns: 150 },
    )
  })

  test('three backends give one verdict', async () => {
    const backends = [nobleBackend, nodeBackend(), webBackend()].filter((backend) => backend !== undefined)
    expect(backends).toHaveLength(3)
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.constant(evidence), mutations(evidence, other)), async (mutated) => {
        const verdicts = await Promise.all(backends.map((by) => verifyNvidia(mutated, withBackend(options, by))))
        for (const verdict of verdicts) expect(verdict).toEqual(verdicts[0])
      }),
      { numRuns: 25 },
    )
  })

  test('inspection throws nothing but its own errors', () => {
    fc.assert(
      fc.property(mutations(evidence, other), (mutated) => {
        try {
          expect(inspectNvidia(mutated).devices.length).toBeGreaterThan(0)
        } catch (error) {
          expect(error).toMatchObject({
            code: expect.stringMatching(/^VS_TEE_(MALFORMED|TRAILING_BYTES|UNSUPPORTED)$/),
          })
        }
      }),
      { numRuns: 150 },
    )
  })
})

test('any bit of what a device signed, and of its signature (all of them in deep tests)', async () => {
  const { evidence, options } = honest[2] ?? { evidence: makeReport(), options: undefined }
  if (options === undefined) throw new Error('no options')
  expect(parseReport(evidence, 'report').signed.length).toBe(evidence.length - 96)
  await fc.assert(
    fc.asyncProperty(fc.nat(8 * evidence.length - 1), async (bit) => {
      expect(await verifyNvidia(flipped(evidence, bit), options)).toMatchObject({ status: 'rejected' })
    }),
    { numRuns: 150 },
  )
})

test('any bit of a bundle of tokens (all of them in deep tests)', async () => {
  const { evidence, options } = honest[1] ?? { evidence: makeBundle(), options: undefined }
  if (options === undefined) throw new Error('no options')
  await fc.assert(
    fc.asyncProperty(fc.nat(8 * evidence.length - 1), async (bit) => {
      expect(await verifyNvidia(flipped(evidence, bit), options)).toMatchObject({ status: 'rejected' })
    }),
    { numRuns: 150 },
  )
})

test.each(collaterals)('$name, mutated', async (each) => {
  const [evidence, options] = each.judge(each.original)
  expect(await verifyNvidia(evidence, options)).toMatchObject({ status: 'accepted' })
  await fc.assert(
    fc.asyncProperty(mutations(each.original, each.other), (mutated) => requireCollateralRefused(mutated, each)),
    { numRuns: 80 },
  )
})

test('tokens of two bundles in one', async () => {
  const [a, b] = [makeBundle(), makeBundle()].map((bytes) => JSON.parse(new TextDecoder().decode(bytes)))
  const { options } = honest[1] ?? {}
  if (options === undefined) throw new Error('no options')
  for (const mixed of [
    [a[0], b[1]],
    [b[0], a[1]],
    [a[0], { ...a[1], 'GPU-0': b[1]['GPU-0'] }],
  ])
    expect(await verifyNvidia(new TextEncoder().encode(JSON.stringify(mixed)), options)).toMatchObject({
      code: 'VS_TEE_BINDING',
      check: 'submodules',
    })
  // The parts of tokens too.
  const [head, body, tail] = String(a[0][1]).split('.')
  const forged = base64Url(Buffer.from(String(body), 'base64url').toString().replace('true', 'true '))
  for (const token of [`${head}.${forged}.${tail}`, `${head}.${body}.${String(b[0][1]).split('.')[2]}`])
    expect(await verifyNvidia(new TextEncoder().encode(JSON.stringify([['JWT', token], a[1]])), options)).toMatchObject(
      { code: 'VS_TEE_SIGNATURE' },
    )
})
