import fc from 'fast-check'
import { equalBytes } from '../bytes.ts'
import { flipped, mutations } from '../mutations.fixture.ts'
import { defaultBackend, nobleBackend, nodeBackend, webBackend } from '../pki/index.ts'
import { makeEvidence, ourOptions } from './enclave.fixture.ts'
import { verifyNitro } from './index.ts'
import { exchanged, requireRefused, signedRange } from './mutation.fixture.ts'

const evidence = makeEvidence()
const other = makeEvidence({ fields: (fields) => void fields.set('nonce', Uint8Array.of(7)) })
const options = { ...ourOptions(), backend: defaultBackend() }

test('a bit of the signed part that is flipped is refused (all of them in deep tests)', async () => {
  const { from, to } = signedRange(evidence)
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 8 * from, max: 8 * to - 1 }), async (bit) => {
      expect(await verifyNitro(flipped(evidence, bit), options)).toMatchObject({ status: 'rejected' })
    }),
    { numRuns: 150 },
  )
})

test('random changes, cuts and splices are refused, by a verdict', async () => {
  await fc.assert(
    fc.asyncProperty(mutations(evidence, other), async (mutated) => {
      await requireRefused(evidence, mutated, options)
    }),
    { numRuns: 300 },
  )
})

test('parts of two documents in one envelope', async () => {
  const mixed = exchanged(evidence, other).filter((bytes) => !equalBytes(bytes, evidence))
  expect(mixed.length).toBeGreaterThan(2)
  for (const bytes of mixed) expect(await verifyNitro(bytes, options)).toMatchObject({ code: 'VS_TEE_SIGNATURE' })
})

test('three backends give one verdict', async () => {
  const backends = [nobleBackend, nodeBackend(), webBackend()].filter((backend) => backend !== undefined)
  await fc.assert(
    fc.asyncProperty(mutations(evidence, other), async (mutated) => {
      const verdicts = await Promise.all(backends.map((backend) => verifyNitro(mutated, { ...options, backend })))
      for (const verdict of verdicts) expect(verdict).toEqual(verdicts[0])
    }),
    { numRuns: 40 },
  )
})
