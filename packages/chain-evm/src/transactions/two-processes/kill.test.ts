import { seeded } from '../faults.fixture.ts'
import { runAndKill } from './kill.ts'

test('killed at ten points of a hundred transactions: each once', async () => {
  const { counts, used, kills } = await runAndKill({ total: 100, kills: 10, random: seeded(7) })
  expect(counts).toEqual(counts.map(() => 1))
  expect(used).toBe(100)
  expect(kills).toBe(10)
}, 120_000)
