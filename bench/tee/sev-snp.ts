import { nobleBackend, nodeBackend } from '@veristack/verify-tee'
import { honest, judge } from '../../packages/verify-tee/src/sev-snp/mutation.fixture.ts'
import { vectors } from '../../packages/verify-tee/src/sev-snp/vectors.fixture.ts'
import { medianMs, type Row, reported } from '../../scripts/measure.ts'

/** A whole verdict: parsing, two certificates under the root (RSA-4096), the report's P-384 signature. */
export async function* sevSnp(progress: (text: string) => void): AsyncIterable<Row> {
  progress('AMD SEV-SNP')
  const real = vectors().at(0)
  const subject =
    real === undefined
      ? honest('Milan', 'vcek')
      : { ...real, kind: 'vcek' as const, collateral: { vek: real.vek, issuer: real.issuer }, now: real.from }
  const what = real === undefined ? 'a report of our own' : 'a real report'
  for (const backend of [nodeBackend(), nobleBackend]) {
    if (backend === undefined) continue
    const run = () => judge(subject.report, subject, subject.collateral, backend)
    const { status } = await run()
    if (status !== 'accepted') throw new Error(`${what} is ${status}`)
    yield reported(`SEV-SNP on ${backend.name}, ${what}`, await medianMs(run, { runs: 21, warmUp: 5 }), 'ms')
  }
}
