import { spawn } from 'node:child_process'
import { watch } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Chain, connect, deploy, laneOf, privateKeyAccount } from '@veristack/chain-evm'
import { developmentAccounts, startAnvil } from '@veristack/chain-evm/local'
import { type Hex, localSigner, parseDigest, type RequestId } from '@veristack/core'
import { type Fault, faultyRpc, seeded } from '../../../chain-evm/src/transactions/faults.fixture.ts'
import { creditOf, deployContracts, withdraw } from '../index.ts'
import { audit } from './audit.ts'
import { jobOf, PRICE, type World } from './life.fixture.ts'
import type { Orders } from './two-processes/settle.ts'

const CHILD = join('packages/settlement-evm/src/deep/two-processes', 'settle.ts')
const SIDE_BY_SIDE = 24
const BLOCK_EVERY_MS = 100
const STEPS = 3
const [payer, claimant] = developmentAccounts

export interface KillOptions {
  readonly settlements: number
  readonly kills: number
  readonly seed: number
  /** Creation code of the verifier, and what it takes for parameters of a claimant. */
  readonly verifier: { readonly bytecode: Hex; readonly params: (claimant: Hex) => Hex }
  readonly progress?: (text: string) => void
}

/** What was found on the chain after the last process had ended. */
export interface KillReport {
  readonly kills: number
  /** How many kills there were of each kind of point. */
  readonly points: Readonly<Record<string, number>>
  /** Requested, accepted and delivered exactly once each. */
  readonly settledOnce: number
  /** What the claimant was credited, and what that is for all requests, in wei. */
  readonly creditWei: bigint
  readonly owedWei: bigint
  /** What the contract holds after the claimant has withdrawn, in wei. */
  readonly heldWei: bigint
  /** Nonces used between beginning and end, and transactions that only filled a nonce. */
  readonly nonces: number
  readonly fills: number
  readonly needed: number
  /** Steps that were in blocks more than once, reverted, or unknown. */
  readonly extras: readonly string[]
  /** Steps for which transactions with different nonces were handed to the node. */
  readonly resentWithAnotherNonce: number
}

/**
 * Settles in a process that is killed at random points of its work and started again, and then is left alone. Points are
 * before a call reaches the node, after it did and before its answer comes back, and after a write to the journal.
 */
export async function killAndRestart(o: KillOptions): Promise<KillReport> {
  if (payer === undefined || claimant === undefined) throw new Error('no accounts')
  const random = seeded(o.seed)
  const directory = await mkdtemp(join(tmpdir(), 'veristack-kill-'))
  const journalDirectory = join(directory, 'journal')
  await mkdir(journalDirectory)
  const anvil = await startAnvil({ args: ['--gas-limit', '60000000'] })
  const chain = await connect({ rpcUrl: anvil.rpcUrl })
  let onCall: (method: string) => Fault = () => ({ do: 'pass' })
  const sent = new Map<Hex, number>()
  const proxy = await faultyRpc(anvil.rpcUrl, ({ method, params }) => {
    if (method === 'eth_sendRawTransaction') sent.set(params[0] as Hex, sent.size)
    return onCall(method)
  })
  let miner: NodeJS.Timeout | undefined
  try {
    const { world, registry } = await setUp(chain, o)
    const before = await nonceOf(chain, payer.address)
    const start = await chain.now()
    await chain.rpc('evm_setAutomine', [false])
    miner = setInterval(() => void chain.rpc('evm_mine', []).catch(() => undefined), BLOCK_EVERY_MS)

    const settled = new Set<number>()
    const points: Record<string, number> = {}
    let kills = 0
    const orders = { rpcUrl: proxy.rpcUrl, registry, payerKey: payer.privateKey, journalDirectory, world }
    for (;;) {
      // Few enough that work is left for all kills; and now and then while the journal is still being read.
      const left = Math.max(0, STEPS * o.settlements - sent.size)
      const after = Math.floor((random() * 2 * left) / (o.kills - kills + 1))
      const point = kills < o.kills ? choosePoint(random, after, left === 0) : undefined
      const jobs = Array.from({ length: o.settlements }, (_, n) => n).filter((n) => !settled.has(n) || random() < 0.02)
      const path = join(directory, 'orders.json')
      await writeFile(path, JSON.stringify({ ...orders, jobs, sideBySide: SIDE_BY_SIDE } satisfies Orders))
      const soFar = sent.size
      const ended = await live({
        path,
        journalDirectory,
        settled,
        point,
        progress: () => sent.size - soFar,
        listen: (f) => {
          onCall = f
        },
      })
      if (ended === 'killed' && point !== undefined) {
        kills += 1
        points[point.kind] = (points[point.kind] ?? 0) + 1
      }
      o.progress?.(`${kills} of ${o.kills} kills, ${settled.size} of ${o.settlements} settled`)
      if (ended === 'done' && kills === o.kills) break
    }
    clearInterval(miner)
    await chain.rpc('evm_setAutomine', [true])
    const client = { chain, deployment: { settlement: world.settlement, registry } }
    const ids: RequestId[] = []
    for (let n = 0; n < o.settlements; n++) ids.push((await jobOf(world, n)).request.id)
    const creditWei = await creditOf(client, { account: claimant.address })
    const found = await audit(chain, { world, ids, from: start.block + 1n, sent: [...sent.keys()] })
    const lane = laneOf(chain, await privateKeyAccount(claimant.privateKey))
    await withdraw({ ...client, lane })
    return {
      ...found,
      kills,
      points,
      creditWei,
      owedWei: BigInt(o.settlements) * PRICE,
      heldWei: await chain.balance(world.settlement),
      nonces: (await nonceOf(chain, payer.address)) - before,
      needed: STEPS * o.settlements,
    }
  } finally {
    clearInterval(miner)
    chain.close()
    await proxy.stop()
    await anvil.stop()
    await rm(directory, { recursive: true, force: true })
  }
}

async function setUp(chain: Chain, o: KillOptions): Promise<{ world: World; registry: World['settlement'] }> {
  if (payer === undefined || claimant === undefined) throw new Error('no accounts')
  const lane = laneOf(chain, await privateKeyAccount(payer.privateKey))
  const { settlement, registry } = await deployContracts(lane)
  const verifier = await deploy(lane, { bytecode: o.verifier.bytecode, name: 'verifier' })
  const { address } = localSigner(claimant.privateKey)
  const world: World = {
    chainId: String(chain.chainId),
    settlement,
    payer: payer.address,
    claimantKey: claimant.privateKey,
    policy: {
      tier: 'plain',
      verifier: verifier.address,
      codeHash: parseDigest(verifier.codeHash),
      params: o.verifier.params(address),
      offchain: {},
    },
    expiresAt: String((await chain.now()).timestamp + 86_400n),
  }
  await lane.close()
  return { world, registry }
}

const nonceOf = async (chain: Chain, account: string): Promise<number> =>
  Number(await chain.rpc('eth_getTransactionCount', [account, 'latest']))

const KINDS = [
  'before any call',
  'after any call',
  'before a broadcast',
  'after a broadcast',
  'after a journal write',
] as const

interface Point {
  readonly kind: (typeof KINDS)[number]
  /** Transactions that this life hands to the node before it may be killed; -1: from its first breath. */
  readonly after: number
  /** How many of its kind are let through after that. */
  readonly skip: number
}

function choosePoint(random: () => number, after: number, isEarly: boolean): Point {
  const early = random() < 0.15 || isEarly
  const kind = KINDS[Math.floor(random() * (isEarly ? 2 : KINDS.length))] ?? 'before any call'
  const skip = Math.floor(random() * (early ? 10 : kind.includes('any') ? 40 : 8))
  return { kind, after: early ? -1 : after, skip }
}

/** One process: until it is done, or is killed. */
function live(p: {
  readonly path: string
  readonly journalDirectory: string
  readonly settled: Set<number>
  readonly point: Point | undefined
  /** Transactions of this life that the node saw. */
  progress(): number
  listen(on: (method: string) => Fault): void
}): Promise<'done' | 'killed'> {
  const { point } = p
  const node = ['--conditions=@veristack/source', '--import', 'tsx', CHILD, p.path]
  const child = spawn(process.execPath, node, { stdio: ['ignore', 'pipe', 'pipe'] })
  let skipped = 0
  let isOpen = false
  /** Whether this is the moment. */
  const strikes = (...kinds: readonly Point['kind'][]): boolean => {
    if (point === undefined || !kinds.includes(point.kind) || child.killed) return false
    if (point.after >= 0 && !(isOpen && p.progress() >= point.after)) return false
    if (skipped++ < point.skip) return false
    return child.kill('SIGKILL')
  }
  p.listen((method) => {
    const isBroadcast = method === 'eth_sendRawTransaction'
    if (strikes('before any call') || (isBroadcast && strikes('before a broadcast'))) {
      return { do: 'drop', when: 'before' }
    }
    if (strikes('after any call') || (isBroadcast && strikes('after a broadcast'))) return { do: 'drop', when: 'after' }
    return { do: 'pass' }
  })
  const watcher = watch(p.journalDirectory, (_, file) => {
    if (file?.endsWith('.journal')) strikes('after a journal write')
  })
  return new Promise((resolve, reject) => {
    let rest = ''
    let errors = ''
    child.stdout.on('data', (chunk: Buffer) => {
      const lines = (rest + chunk.toString()).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) {
        const n = /^settled (\d+)$/.exec(line)?.[1]
        if (n === undefined) isOpen ||= line === 'open'
        else p.settled.add(Number(n))
      }
    })
    child.stderr.on('data', (chunk: Buffer) => {
      errors = (errors + chunk.toString()).slice(-4000)
    })
    child.once('error', reject)
    child.once('close', (code, signal) => {
      watcher.close()
      if (code === 0) resolve('done')
      else if (signal === 'SIGKILL') resolve('killed')
      else reject(new Error(errors))
    })
  })
}
