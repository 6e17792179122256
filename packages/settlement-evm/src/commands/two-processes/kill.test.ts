import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Chain, connect } from '@veristack/chain-evm'
import { developmentAccounts, startAnvil } from '@veristack/chain-evm/local'
import { faultyRpc } from '../../../../chain-evm/src/transactions/faults.fixture.ts'
import { compareDeployment, readDeployment } from '../../index.ts'

const CHILD = join(__dirname, 'run-deploy.ts')

/** The process of one run: its exit status, or `killed`. It is killed when a call comes that `isLast` names. */
async function life(
  upstream: string,
  folder: string,
  isLast: (method: string) => 'before' | 'after' | undefined,
): Promise<number | 'killed'> {
  let kill = (): void => undefined
  const rpc = await faultyRpc(upstream, ({ method }) => {
    const when = isLast(method)
    if (when === undefined) return { do: 'pass' }
    kill()
    // Its own connection is gone with it: whether the node is still told is what differs.
    return { do: 'drop', when }
  })
  const node = ['--conditions=@veristack/source', '--import', 'tsx', CHILD, rpc.rpcUrl, folder]
  const env = { ...process.env, XDG_STATE_HOME: join(folder, 'state') }
  const child = spawn(process.execPath, node, { env, stdio: ['ignore', 'ignore', 'pipe'] })
  kill = () => void child.kill('SIGKILL')
  let errors = ''
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString()
  })
  const [status, signal]: (number | string | null)[] = await once(child, 'close')
  await rpc.stop()
  if (signal === 'SIGKILL') return 'killed'
  if (status !== 0) throw new Error(errors)
  return 0
}

async function scene(work: (p: { upstream: string; folder: string; chain: Chain }) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'veristack-deploy-kill-'))
  const anvil = await startAnvil()
  const chain = await connect({ rpcUrl: anvil.rpcUrl })
  try {
    await work({ upstream: anvil.rpcUrl, folder, chain })
    const path = join(folder, 'deployments/eip155-31337.json')
    expect(await compareDeployment(chain, await readDeployment(path))).toEqual([])
    const used = await chain.rpc('eth_getTransactionCount', [developmentAccounts[0]?.address, 'latest'])
    expect(Number(used)).toBe(3)
  } finally {
    chain.close()
    await anvil.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

test.each(['before', 'after'] as const)(
  'killed at each transaction in turn, %s the node has it: each contract is deployed by one transaction',
  (when) =>
    scene(async ({ upstream, folder, chain }) => {
      // What was sent waits in the pool, where only the journal knows whose it is.
      await chain.rpc('evm_setAutomine', [false])
      for (const n of [1, 2, 3]) {
        let sent = 0
        const ended = await life(upstream, folder, (method) => {
          if (method === 'eth_sendRawTransaction') sent += 1
          return method === 'eth_sendRawTransaction' && sent === n ? when : undefined
        })
        expect(ended).toBe('killed')
      }
      await chain.rpc('evm_setIntervalMining', [1])
      expect(await life(upstream, folder, () => undefined)).toBe(0)
    }),
  120_000,
)

test(
  'killed at every eighth call, later and later: each contract is deployed by one transaction',
  () =>
    scene(async ({ upstream, folder }) => {
      let kills = 0
      for (let at = 2; ; at += 8) {
        let calls = 0
        const ended = await life(upstream, folder, () => {
          calls += 1
          return calls === at ? 'after' : undefined
        })
        if (ended === 0) break
        kills += 1
      }
      expect(kills).toBeGreaterThan(5)
    }),
  240_000,
)
