import { isVeristackError } from '@veristack/core/receipt'
import { curveModule, snarkjsProver } from './snarkjs.ts'

jest.mock('snarkjs', () => {
  throw new Error("Cannot find module 'snarkjs'")
})

test('without snarkjs a typed error names the package, and importing this one loads nothing', async () => {
  const prover = snarkjsProver()
  for (const attempt of [curveModule(), prover.prove(new Uint8Array(), new Uint8Array())]) {
    const error: unknown = await attempt.catch((e: unknown) => e)
    expect(isVeristackError(error, 'VS_ZKML_PROVER_MISSING')).toBe(true)
    expect(String(error)).toContain('npm install snarkjs')
  }
  await prover.close()
})
