import { runExample } from '../readme.fixture.ts'
import { honest } from './mutation.fixture.ts'
import { pem } from './service.fixture.ts'

/** The example's evidence is our own, so it ends where it has to: AMD's root is the only one. */
test('the example of the README runs as it stands', async () => {
  const { report, collateral } = honest('Milan', 'vcek')
  const { vek, issuer, crl = '' } = collateral
  const files = { 'report.bin': report, 'vcek.der': vek, 'cert_chain.pem': pem(issuer), 'crl.der': crl }
  expect(await runExample('sev-snp', files)).toMatch(/^rejected chain: /)
})
