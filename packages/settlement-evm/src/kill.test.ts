import { killAndRestart } from './deep/kill.ts'
import { answering } from './toy-tier.fixture.ts'

test('killed at six points of forty settlements: each settled once', async () => {
  const verifier = { bytecode: answering(2), params: () => '0x01' as const }
  const seed = 11
  const report = await killAndRestart({ settlements: 40, kills: 6, seed, verifier })
  expect(report).toMatchObject({
    kills: 6,
    settledOnce: 40,
    creditWei: report.owedWei,
    heldWei: 0n,
    nonces: report.needed + report.fills,
    extras: [],
    resentWithAnotherNonce: 0,
  })
}, 120_000)
