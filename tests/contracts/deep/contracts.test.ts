import { forgeTest } from '../forge.ts'
import { playMillionMoves } from '../moves.ts'

test('a million random moves against the settlement contract', async () => {
  const { calls, reverts } = await playMillionMoves()
  expect(calls).toBeGreaterThanOrEqual(1_000_000)
  // A move that reverts in the player itself tests nothing.
  expect(reverts).toBe(0)
}, 7_200_000)

test('long fuzzing of the rest', async () => {
  const { passed } = await forgeTest(['--no-match-contract', 'SettlementInvariants'], { FOUNDRY_FUZZ_RUNS: '20000' })
  expect(passed).toBeGreaterThan(150)
}, 7_200_000)
