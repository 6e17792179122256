import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { bondsDeployedBytecode } from '../../packages/settlement-evm/src/bindings/Bonds.ts'
import { programRegistryDeployedBytecode } from '../../packages/settlement-evm/src/bindings/ProgramRegistry.ts'
import { settlementDeployedBytecode } from '../../packages/settlement-evm/src/bindings/Settlement.ts'
import { groth16ClaimVerifierDeployedBytecode } from '../../packages/verify-zkml/src/bindings/Groth16ClaimVerifier.ts'
import { atMost, type Row, reported } from '../../scripts/measure.ts'

const root = join(import.meta.dirname, '../..')
const BOUNDS: Readonly<Record<string, number>> = {
  request: 130_000,
  submit: 350_000,
  'deliver, callback of 50,000 gas': 120_000,
  withdraw: 45_000,
  'dearest, deployments included': 16_777_216,
}
const CODE_BYTES = 24_576
const CODE: Readonly<Record<string, string>> = {
  Settlement: settlementDeployedBytecode,
  ProgramRegistry: programRegistryDeployedBytecode,
  Bonds: bondsDeployedBytecode,
  Groth16ClaimVerifier: groth16ClaimVerifierDeployedBytecode,
}

/** The gas of whole transactions, by the test that measures it on a chain, and the size of the contracts' code. */
export async function* gas(progress: (text: string) => void): AsyncIterable<Row> {
  progress('gas: tests/chain/settlement.test.ts')
  for (const [name, used] of Object.entries(await measure())) {
    const bound = BOUNDS[name]
    const row = name === 'total' ? 'gas of the whole life of a request' : `gas of ${name}`
    yield bound === undefined ? reported(row, used, 'gas') : atMost(row, used, 'gas', bound)
  }
  for (const [name, code] of Object.entries(CODE)) {
    yield atMost(`code of ${name}`, (code.length - 2) / 2, 'bytes', CODE_BYTES)
  }
}

async function measure(): Promise<Readonly<Record<string, number>>> {
  const folder = await mkdtemp(join(tmpdir(), 'veristack-bench-'))
  try {
    const file = join(folder, 'gas.json')
    const args = ['jest', 'tests/chain/settlement.test.ts', '--testNamePattern', 'gas of whole transactions']
    const env = { ...process.env, VERISTACK_GAS_FILE: file }
    // The file is written before the test compares it with what is committed, and read whatever it finds.
    await promisify(execFile)('npx', args, { cwd: root, env }).catch(() => undefined)
    return JSON.parse(await readFile(file, 'utf8')) as Readonly<Record<string, number>>
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
