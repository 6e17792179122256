import { seeded } from '../faults.fixture.ts'
import { runAndKill } from '../two-processes/kill.ts'

test.each([undefined, 1])(
  'killed at a hundred points of a thousand transactions: each once (block time %p)',
  async (blockTime) => {
    const seed = Date.now() % 1_000_000
    console.log(`seed ${seed}`)
    const random = seeded(seed)
    const time = blockTime === undefined ? {} : { blockTime }
    const { counts, used, kills } = await runAndKill({ total: 1000, kills: 100, random, ...time })
    expect(counts).toEqual(counts.map(() => 1))
    expect(used).toBe(1000)
    expect(kills).toBe(100)
  },
  1_800_000,
)
