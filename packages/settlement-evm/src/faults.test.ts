import { seeded } from '../../chain-evm/src/transactions/faults.fixture.ts'
import { combinations, playAll } from './deep/matrix.ts'

test('a fault of each kind at each step: the end is right, and everything happened once', async () => {
  const random = seeded(20)
  const groups = new Map<string, ReturnType<typeof combinations>>()
  for (const c of combinations()) {
    const group = `${c.step} ${c.kind}`
    groups.set(group, [...(groups.get(group) ?? []), c])
  }
  const some = [...groups.values()].flatMap((g) => g[Math.floor(random() * g.length)] ?? [])
  const { ran, wrong } = await playAll(some, 20, { stages: 2 })
  expect(wrong).toEqual([])
  expect(ran).toBe(18)
}, 300_000)
