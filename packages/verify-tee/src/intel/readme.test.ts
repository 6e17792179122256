import { runExample } from '../readme.fixture.ts'
import { makeCollateral, makeQuote } from './platform.fixture.ts'

/** The example's evidence is our own, so it ends where it has to: Intel's root is the only one. */
test('the example of the README runs as it stands', async () => {
  const files = { 'quote.bin': makeQuote(), 'collateral.json': JSON.stringify(makeCollateral()) }
  expect(await runExample('intel', files)).toMatch(/^rejected pck-chain: /)
})
