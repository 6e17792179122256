import { type Chain, type EventLog, parseEventLog } from '@veristack/chain-evm'
import { isVeristackError, parseHex } from '@veristack/core/receipt'
import { Skip } from './choose.ts'
import type { CheckedOptions, FoundInputs, InputSource, Served } from './options.ts'
import type { PlacedRequest } from './placed.ts'

/** The inputs by the application's word, within the bounds of time and size. Throws {@link Skip}. */
export async function findInputs(
  o: CheckedOptions,
  chain: Chain,
  served: Served,
  placed: PlacedRequest,
  signal: AbortSignal,
): Promise<FoundInputs> {
  const timeout = AbortSignal.timeout(o.inputTimeoutMs)
  const either = AbortSignal.any([signal, timeout])
  let stop = (): void => undefined
  const late = new Promise<never>((_, reject) => {
    stop = () => reject(either.reason)
    either.addEventListener('abort', stop, { once: true })
  })
  try {
    either.throwIfAborted()
    const found = await Promise.race([served.inputsOf(placed, sourceOf(o, chain, placed, either)), late])
    const bytes = found.inputs.reduce((n, t) => n + t.data.byteLength, 0)
    if (bytes > o.inputBytes) throw new Skip('inputs', `${bytes} bytes, the limit is ${o.inputBytes}`)
    return found
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof Skip) throw error
    if (timeout.aborted) throw new Skip('inputs', `not found within ${o.inputTimeoutMs} ms`)
    // The node did not answer: that says nothing about the request.
    if (isVeristackError(error, 'VS_EVM_UNREACHABLE')) throw error
    throw new Skip('inputs', messageOf(error))
  } finally {
    either.removeEventListener('abort', stop)
  }
}

export const messageOf = (error: unknown): string =>
  isVeristackError(error)
    ? [error.shortMessage, ...Object.entries(error.details).map(([k, v]) => `${k} ${String(v)}`)]
        .join('; ')
        .slice(0, 500)
    : error instanceof Error
      ? error.message.slice(0, 500)
      : String(error).slice(0, 500)

function sourceOf(o: CheckedOptions, chain: Chain, { log }: PlacedRequest, signal: AbortSignal): InputSource {
  const ask = async (method: string): Promise<Readonly<Record<string, unknown>>> => {
    const answer = await chain.rpc(method, [log.transaction], signal)
    // Between two looks the block may have fallen out of the chain; then the request is gone too.
    if (typeof answer !== 'object' || answer === null || !('blockHash' in answer) || answer.blockHash !== log.blockHash)
      throw new Skip('gone', 'its transaction is not in that block any more')
    return answer as Readonly<Record<string, unknown>>
  }
  const bounded = (bytes: number): void => {
    if (bytes > o.inputBytes) throw new Skip('inputs', `${bytes} bytes on chain, the limit is ${o.inputBytes}`)
  }
  return {
    signal,
    logs: async (): Promise<readonly EventLog[]> => {
      const { logs } = await ask('eth_getTransactionReceipt')
      const parsed = (Array.isArray(logs) ? logs : []).map(parseEventLog)
      bounded(parsed.reduce((n, l) => n + l.data.length / 2, 0))
      return parsed
    },
    calldata: async () => {
      const { input } = await ask('eth_getTransactionByHash')
      bounded(String(input).length / 2)
      return parseHex(input, 'input')
    },
  }
}
