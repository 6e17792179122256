import { readFileSync } from 'node:fs'
import type { Hex } from '@veristack/core'
import { evm } from '../../index.ts'
import { started } from '../../toy-tier.fixture.ts'
import { callOf, jobOf, settleJob, type World } from '../life.fixture.ts'

/** A process that may be killed at any time: settles jobs, a few side by side, and says which are settled. */
export interface Orders {
  readonly rpcUrl: string
  readonly registry: World['settlement']
  readonly payerKey: Hex
  readonly journalDirectory: string
  readonly world: World
  readonly jobs: readonly number[]
  readonly sideBySide: number
}

const [path] = process.argv.slice(2)
if (path === undefined) throw new Error('usage: settle.ts ORDERS')
const { world, ...orders } = JSON.parse(readFileSync(path, 'utf8')) as Orders

const plugin = evm({
  rpcUrl: orders.rpcUrl,
  signer: orders.payerKey,
  journalDirectory: orders.journalDirectory,
  deployment: { settlement: world.settlement, registry: orders.registry },
})
const settler = await started(plugin)
process.stdout.write('open\n')
const left = [...orders.jobs]
const worker = async (): Promise<void> => {
  for (let n = left.shift(); n !== undefined; n = left.shift()) {
    await settleJob(settler, await jobOf(world, n), callOf(n))
    process.stdout.write(`settled ${n}\n`)
  }
}
await Promise.all(Array.from({ length: orders.sideBySide }, worker))
await plugin.stop?.()
process.stdout.write('done\n')
