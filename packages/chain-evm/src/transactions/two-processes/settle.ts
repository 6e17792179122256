import { connect, laneOf, privateKeyAccount } from '../../index.ts'
import { developmentAccounts } from '../../local/index.ts'
import { COUNTER, word } from '../faults.fixture.ts'

/** A process that may be killed at any time: sends one transaction for each number, and says which are done. */
const [rpcUrl, journalDirectory, total] = process.argv.slice(2)
const [first] = developmentAccounts
if (rpcUrl === undefined || journalDirectory === undefined || first === undefined) throw new Error('usage')

const chain = await connect({ rpcUrl })
const lane = laneOf(chain, await privateKeyAccount(first.privateKey), { journalDirectory })
await lane.open()
process.stdout.write('open\n')
const numbers = Array.from({ length: Number(total) }, (_, n) => n)
const WORKERS = 10
const worker = async (): Promise<void> => {
  for (let n = numbers.shift(); n !== undefined; n = numbers.shift()) {
    const { hash } = await lane.send({ to: COUNTER, data: word(n), name: 'count', idempotencyKey: `settle ${n}` })
    process.stdout.write(`${hash}\n`)
  }
}
await Promise.all(Array.from({ length: WORKERS }, worker))
await lane.close()
chain.close()
process.stdout.write('done\n')
