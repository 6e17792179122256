import { type Chain, interfaceOf } from '@veristack/chain-evm'
import type { Hex, RequestId } from '@veristack/core'
import { settlementAbi } from '../index.ts'
import type { KillReport } from './kill.ts'
import type { World } from './life.fixture.ts'

interface Transaction {
  readonly hash: Hex
  readonly from: string
  readonly to: string | null
  readonly input: Hex
}

const ONCE_EACH = ['Requested', 'Accepted', 'Delivered']

/** Reads from the chain alone what became of requests: what is in its blocks, and what was handed to its node. */
export async function audit(
  chain: Chain,
  p: {
    readonly world: World
    readonly ids: readonly RequestId[]
    readonly from: bigint
    /** Signed transactions that reached the node. */
    readonly sent: readonly Hex[]
  },
): Promise<Pick<KillReport, 'settledOnce' | 'fills' | 'extras' | 'resentWithAnotherNonce'>> {
  const events = await eventsOf(chain, p)
  const settledOnce = p.ids.filter((id) => String(events.get(id)) === String(ONCE_EACH)).length
  const own = await transactionsOf(chain, p)
  const extras: string[] = []
  const seen = new Set<Hex>()
  let fills = 0
  for (const t of own) {
    if (t.to === t.from && t.input === '0x') {
      fills += 1
      continue
    }
    const receipt = (await chain.rpc('eth_getTransactionReceipt', [t.hash])) as { status: string }
    const isNeeded = t.to === p.world.settlement && receipt.status === '0x1' && !seen.has(t.input)
    if (!isNeeded) extras.push(t.hash)
    seen.add(t.input)
  }
  return { settledOnce, fills, extras, resentWithAnotherNonce: await resent(p.sent) }
}

/** The names of each request's events, oldest first. */
async function eventsOf(
  chain: Chain,
  { world, from }: { readonly world: World; readonly from: bigint },
): Promise<ReadonlyMap<string, readonly string[]>> {
  const parser = await interfaceOf(settlementAbi)
  const filter = { address: world.settlement, fromBlock: `0x${from.toString(16)}`, toBlock: 'latest' }
  const logs = (await chain.rpc('eth_getLogs', [filter])) as readonly { topics: string[]; data: string }[]
  const events = new Map<string, string[]>()
  for (const log of logs) {
    const id = log.topics[1] ?? ''
    events.set(id, [...(events.get(id) ?? []), parser.parseLog(log)?.name ?? 'unknown'])
  }
  return events
}

async function transactionsOf(
  chain: Chain,
  { world, from }: { readonly world: World; readonly from: bigint },
): Promise<readonly Transaction[]> {
  const { block: head } = await chain.now()
  const own: Transaction[] = []
  for (let n = from; n <= head; n++) {
    const block = await chain.rpc('eth_getBlockByNumber', [`0x${n.toString(16)}`, true])
    const { transactions } = block as { transactions: readonly Transaction[] }
    own.push(...transactions.filter((t) => t.from.toLowerCase() === world.payer))
  }
  return own
}

/** For how many steps there were transactions with different nonces. */
async function resent(sent: readonly Hex[]): Promise<number> {
  const { Transaction } = await import('ethers')
  const nonces = new Map<string, Set<number>>()
  for (const raw of sent) {
    const { data, nonce } = Transaction.from(raw)
    // What only fills a nonce is nobody's step.
    if (data !== '0x') nonces.set(data, (nonces.get(data) ?? new Set()).add(nonce))
  }
  return [...nonces.values()].filter((n) => n.size > 1).length
}
