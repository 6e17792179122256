import type { ChainReader } from '@veristack/core'
import { type Address, type Hex, parseHex } from '@veristack/core/receipt'
import { fail } from '../errors.ts'
import { httpTransport, type Transport } from './http.ts'

/** One EVM chain behind one RPC URL. Nothing is cached: every answer is the node's present one. */
export interface Chain extends ChainReader {
  /** CAIP-2. */
  readonly network: string
  readonly rpcUrl: string
  /** Milliseconds between two looks at the chain's head. */
  readonly pollMs: number
  /** Aborted by {@link Chain.close}. */
  readonly closed: AbortSignal
  /** A raw JSON-RPC call. Throws `VS_EVM_RPC` with the node's reason, `VS_EVM_UNREACHABLE` where there is no answer. */
  rpc(method: string, params: readonly unknown[], signal?: AbortSignal): Promise<unknown>
  code(address: Address): Promise<Hex>
  balance(address: Address): Promise<bigint>
  close(): void
}

export interface ConnectOptions {
  readonly rpcUrl: string
  /** Refuse any other chain. */
  readonly chainId?: bigint
  readonly pollMs?: number
  /** Milliseconds after which a call counts as unanswered; default 30,000. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

/** The chains on which development keys may be used and the factory is put in place. */
export const isLocalChain = (chainId: bigint): boolean => chainId === 31337n || chainId === 1337n

const LOCAL_POLL_MS = 20
const POLL_MS = 1000
const TIMEOUT_MS = 30_000

export async function connect(options: ConnectOptions): Promise<Chain> {
  const transport = openTransport(options)
  try {
    const chainId = await askChainId(transport, options)
    if (options.chainId !== undefined && options.chainId !== chainId) {
      throw fail('VS_EVM_WRONG_CHAIN', { details: { expected: options.chainId, got: chainId } })
    }
    return chainOver(transport, chainId, options)
  } catch (error) {
    transport.close()
    throw error
  }
}

function openTransport({ rpcUrl, timeoutMs = TIMEOUT_MS }: ConnectOptions): Transport {
  try {
    return httpTransport({ rpcUrl, timeoutMs })
  } catch {
    throw fail('VS_EVM_INVALID_OPTION', {
      details: { field: 'rpcUrl', expected: 'a URL that begins with http:// or https://', got: scheme(rpcUrl) },
    })
  }
}

function chainOver(transport: Transport, chainId: bigint, options: ConnectOptions): Chain {
  const closing = new AbortController()
  const rpc = async (method: string, params: readonly unknown[], signal?: AbortSignal): Promise<unknown> => {
    const answer = await transport.call(method, params, signal).catch((cause: unknown) => {
      signal?.throwIfAborted()
      throw fail('VS_EVM_UNREACHABLE', { details: { rpc: host(options.rpcUrl), method }, cause })
    })
    if ('result' in answer) return answer.result
    const { code, message, data } = answer.refusal
    throw fail('VS_EVM_RPC', { details: { method, reason: message, code, ...(data === undefined ? {} : { data }) } })
  }
  const quantity = async (method: string, params: readonly unknown[]) => BigInt(String(await rpc(method, params)))
  return {
    chainId,
    network: `eip155:${chainId}`,
    rpcUrl: options.rpcUrl,
    pollMs: options.pollMs ?? (isLocalChain(chainId) ? LOCAL_POLL_MS : POLL_MS),
    closed: closing.signal,
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
    close: () => {
      closing.abort(new Error('the chain was closed'))
      transport.close()
    },
  }
}

async function askChainId(transport: Transport, { rpcUrl, signal }: ConnectOptions): Promise<bigint> {
  try {
    const answer = await transport.call('eth_chainId', [], signal)
    return BigInt(String('result' in answer ? answer.result : answer.refusal.message))
  } catch (cause) {
    signal?.throwIfAborted()
    throw fail('VS_EVM_UNREACHABLE', { details: { rpc: host(rpcUrl), method: 'eth_chainId' }, cause })
  }
}

const scheme = (rpcUrl: string): string =>
  URL.canParse(rpcUrl) ? `a URL with ${new URL(rpcUrl).protocol}` : 'not a URL'

/** URLs carry API keys in their paths. */
function host(rpcUrl: string): string {
  try {
    return new URL(rpcUrl).host
  } catch {
    return 'not a URL'
  }
}
