import { runExample } from '../readme.fixture.ts'
import { makeEvidence } from './enclave.fixture.ts'

/** The example's evidence is our own, so it ends where it has to: AWS's root is the only one. */
test('the example of the README runs as it stands', async () => {
  expect(await runExample('nitro', { 'document.bin': makeEvidence() })).toMatch(/^rejected certificate-chain: /)
})
