import { browserBundle, MOST_BUNDLE_BYTES, VENDORS } from '../../packages/verify-tee/src/bundle.fixture.ts'
import { atMost, type Row } from '../../scripts/measure.ts'

/** What a browser loads to judge one vendor's evidence: minified and compressed with gzip. */
export async function* bundles(progress: (text: string) => void): AsyncIterable<Row> {
  progress('browser bundles')
  for (const vendor of VENDORS)
    yield atMost(
      `browser bundle of ${vendor}`,
      (await browserBundle(vendor)).bytes / 1000,
      'kB',
      MOST_BUNDLE_BYTES / 1000,
    )
}
