import { browserBundle, MOST_BUNDLE_BYTES, VENDORS } from './bundle.fixture.ts'

test.each(VENDORS)('%s bundles for browsers, small, alone and without Node', async (vendor) => {
  const { bytes, warnings, inputs, external } = await browserBundle(vendor)
  process.stderr.write(`${vendor} in a browser: ${(bytes / 1000).toFixed(1)} kB minified and compressed\n`)
  expect(bytes).toBeLessThanOrEqual(MOST_BUNDLE_BYTES)
  expect(warnings).toEqual([])
  expect(external).toEqual([])
  const others = VENDORS.filter((name) => name !== vendor)
  expect(inputs.filter((path) => others.some((name) => path.includes(`/src/${name}/`)))).toEqual([])
})
