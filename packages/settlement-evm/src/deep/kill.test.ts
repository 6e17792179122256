import { compileBenchContract } from '../../../../bench/settlement/compile.ts'
import { killAndRestart } from './kill.ts'

test('killed at a hundred points of a thousand settlements: each settled once', async () => {
  const seed = Number(process.env.VERISTACK_SEED ?? Date.now() % 1_000_000)
  process.stderr.write(`VERISTACK_SEED=${seed}\n`)
  const report = await killAndRestart({
    settlements: 1000,
    kills: 100,
    seed,
    verifier: {
      bytecode: compileBenchContract('SignatureVerifier'),
      params: (claimant) => `0x${'00'.repeat(12)}${claimant.slice(2)}`,
    },
    progress: (text) => process.stderr.write(`${text}\n`),
  })
  process.stderr.write(`${JSON.stringify(report, (_, v) => (typeof v === 'bigint' ? String(v) : v))}\n`)
  expect(report).toMatchObject({
    kills: 100,
    settledOnce: 1000,
    creditWei: report.owedWei,
    heldWei: 0n,
    nonces: report.needed + report.fills,
    extras: [],
    resentWithAnotherNonce: 0,
  })
}, 3_600_000)
