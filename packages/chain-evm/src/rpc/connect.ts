import type { ChainReader } from '@veristack/core'
import { type Address, type Hex, parseHex } from '@veristack/core/receipt'
import type { JsonRpcProvider } from 'ethers'
import { fail } from '../errors.ts'

/** One EVM chain behind one RPC URL. Nothing is cached: every answer is the node's present one. */
export interface Chain extends ChainReader {
  /** CAIP-2. */
  readonly network: string
  readonly rpcUrl: string
  /** Milliseconds between two looks at a receipt. */
  readonly pollMs: number
  /** A raw JSON-RPC call. Throws `VS_EVM_RPC` with the node's reason. */
  rpc(method: string, params: readonly unknown[]): Promise<unknown>
  code(address: Address): Promise<Hex>
  balance(address: Address): Promise<bigint>
  close(): void
}

export interface ConnectOptions {
  readonly rpcUrl: string
  /** Refuse any other chain. */
  readonly chainId?: bigint
  readonly pollMs?: number
  readonly signal?: AbortSignal
}

/** The chains on which development keys may be used and the factory is put in place. */
export const isLocalChain = (chainId: bigint): boolean => chainId === 31337n || chainId === 1337n

const LOCAL_POLL_MS = 20
const POLL_MS = 1000

export async function connect(options: ConnectOptions): Promise<Chain> {
  const chainId = await askChainId(options)
  if (options.chainId !== undefined && options.chainId !== chainId) {
    throw fail('VS_EVM_WRONG_CHAIN', { details: { expected: options.chainId, got: chainId } })
  }
  const { JsonRpcProvider, Network } = await import('ethers')
  const network = Network.from(chainId)
  // A static network saves a call each; caches lose nonces under concurrency; batches wait for company.
  const provider = new JsonRpcProvider(options.rpcUrl, network, {
    staticNetwork: network,
    cacheTimeout: -1,
    batchMaxCount: 1,
  })
  return chainOver(provider, chainId, options)
}

function chainOver(provider: JsonRpcProvider, chainId: bigint, options: ConnectOptions): Chain {
  const rpc = async (method: string, params: readonly unknown[]): Promise<unknown> => {
    try {
      return await provider.send(method, [...params])
    } catch (cause) {
      const answer = rpcAnswer(cause)
      if (answer === undefined)
        throw fail('VS_EVM_UNREACHABLE', { details: { rpc: host(options.rpcUrl), method }, cause })
      throw fail('VS_EVM_RPC', {
        details: { method, reason: answer.message, ...(answer.data === undefined ? {} : { data: answer.data }) },
      })
    }
  }
  const quantity = async (method: string, params: readonly unknown[]) => BigInt(String(await rpc(method, params)))
  return {
    chainId,
    network: `eip155:${chainId}`,
    rpcUrl: options.rpcUrl,
    pollMs: options.pollMs ?? (isLocalChain(chainId) ? LOCAL_POLL_MS : POLL_MS),
    rpc,
    call: async (to, data, block) =>
      parseHex(
        await rpc('eth_call', [{ to, data }, block === undefined ? 'latest' : `0x${block.toString(16)}`]),
        'eth_call',
      ),
    now: async () => {
      const block = (await rpc('eth_getBlockByNumber', ['latest', false])) as { number: string; timestamp: string }
      return { block: BigInt(block.number), timestamp: BigInt(block.timestamp) }
    },
    code: async (address) => parseHex(await rpc('eth_getCode', [address, 'latest']), 'eth_getCode'),
    balance: (address) => quantity('eth_getBalance', [address, 'latest']),
    close: () => provider.destroy(),
  }
}

async function askChainId({ rpcUrl, signal }: ConnectOptions): Promise<bigint> {
  try {
    const response = await fetch(rpcUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":[]}',
      ...(signal === undefined ? {} : { signal }),
    })
    const { result } = (await response.json()) as { result?: unknown }
    return BigInt(String(result))
  } catch (cause) {
    signal?.throwIfAborted()
    throw fail('VS_EVM_UNREACHABLE', { details: { rpc: host(rpcUrl), method: 'eth_chainId' }, cause })
  }
}

/** URLs carry API keys in their paths. */
function host(rpcUrl: string): string {
  try {
    return new URL(rpcUrl).host
  } catch {
    return 'not a URL'
  }
}

/** The `error` member of a JSON-RPC answer inside what ethers throws. */
function rpcAnswer(cause: unknown): { readonly message: string; readonly data?: string } | undefined {
  for (let e = cause; typeof e === 'object' && e !== null; e = 'info' in e ? e.info : undefined) {
    if (!('error' in e) || typeof e.error !== 'object' || e.error === null || !('message' in e.error)) continue
    const { message } = e.error
    const data = 'data' in e.error ? e.error.data : undefined
    return { message: String(message), ...(typeof data === 'string' ? { data } : {}) }
  }
  return undefined
}
