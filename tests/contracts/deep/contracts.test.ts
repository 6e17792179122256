import { forgeTest } from '../forge.ts'

test('a million random moves against the settlement contract, and long fuzzing of the rest', async () => {
  const env = { FOUNDRY_INVARIANT_RUNS: '2000', FOUNDRY_INVARIANT_DEPTH: '500', FOUNDRY_FUZZ_RUNS: '20000' }
  expect(await forgeTest([], env)).toBeGreaterThan(150)
}, 7_200_000)
