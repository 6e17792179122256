import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from '../../index.ts'
import { startAnvil } from '../../local/index.ts'
import { countOf, placeCounter } from '../faults.fixture.ts'

const CHILD = join('packages/chain-evm/src/transactions/two-processes', 'settle.ts')

export interface Killed {
  /** How often each transaction took effect. */
  readonly counts: readonly number[]
  /** Nonces used in all. */
  readonly used: number
  readonly kills: number
}

/** Runs `total` transactions in a process that is killed `kills` times at random points of its work, and then left alone. */
export async function runAndKill(p: {
  readonly total: number
  readonly kills: number
  readonly random: () => number
  /** Seconds between blocks; absent: a block for each transaction. */
  readonly blockTime?: number
}): Promise<Killed> {
  const directory = await mkdtemp(join(tmpdir(), 'veristack-kill-'))
  const anvil = await startAnvil({ args: p.blockTime === undefined ? [] : ['--block-time', String(p.blockTime)] })
  const chain = await connect({ rpcUrl: anvil.rpcUrl })
  try {
    await placeCounter(chain)
    const known = new Set<string>()
    let kills = 0
    for (; kills < p.kills; kills++) {
      // Few enough that work is left for all of them.
      const atMost = (p.total - known.size) / (p.kills - kills)
      const point = { after: Math.floor(p.random() * atMost), laterMs: 15 * p.random() }
      if ((await life(anvil.rpcUrl, directory, p.total, known, point)) === 'done') break
    }
    if ((await life(anvil.rpcUrl, directory, p.total, known)) !== 'done') throw new Error('the last process failed')
    const counts = await Promise.all(Array.from({ length: p.total }, (_, n) => countOf(chain, n)))
    const account = '0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266'
    const used = Number(await chain.rpc('eth_getTransactionCount', [account, 'latest']))
    return { counts, used, kills }
  } finally {
    chain.close()
    await anvil.stop()
    await rm(directory, { recursive: true, force: true })
  }
}

interface Point {
  /** Transactions that no process before has reported, since its lane is open. */
  readonly after: number
  readonly laterMs: number
}

/** One process: until it is done, or is killed. */
function life(
  rpcUrl: string,
  directory: string,
  total: number,
  known: Set<string>,
  point?: Point,
): Promise<'done' | 'killed'> {
  const node = ['--conditions=@veristack/source', '--import', 'tsx', CHILD, rpcUrl, directory, String(total)]
  const child = spawn(process.execPath, node, { stdio: ['ignore', 'pipe', 'pipe'] })
  const before = known.size
  return new Promise((resolve, reject) => {
    let output = ''
    let errors = ''
    let timer: NodeJS.Timeout | undefined
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString()
      for (const [hash] of output.matchAll(/0x[0-9a-f]{64}(?=\n)/g)) known.add(hash)
      if (point !== undefined && known.size - before >= point.after) {
        timer ??= setTimeout(() => child.kill('SIGKILL'), point.laterMs)
      }
    })
    child.stderr.on('data', (chunk: Buffer) => {
      errors += chunk.toString()
    })
    child.once('error', reject)
    child.once('close', (code, signal) => {
      clearTimeout(timer)
      if (code === 0) resolve('done')
      else if (signal === 'SIGKILL') resolve('killed')
      else reject(new Error(errors))
    })
  })
}
