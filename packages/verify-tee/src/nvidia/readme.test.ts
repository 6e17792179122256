import { runExample } from '../readme.fixture.ts'
import { makeBundle, makeKeySet, webKey } from './devices.fixture.ts'

/** The example's evidence is our own, of another day, so it ends where it has to. */
test('the example of the README runs as it stands', async () => {
  const files = { 'tokens.json': makeBundle(), 'jwks.json': makeKeySet(webKey()) }
  expect(await runExample('nvidia', files)).toMatch(/^rejected token-dates: /)
})
