import { setTimeout as delay } from 'node:timers/promises'
import { isVeristackError } from '@veristack/core/receipt'

const FIRST_MS = 50
const LONGEST_MS = 30_000

/** Waits longer from time to time, up to half a minute, with chance in it so that many clients do not come back together. */
export function backoff(firstMs = FIRST_MS, longestMs = LONGEST_MS) {
  let next = firstMs
  return {
    wait: async (signal: AbortSignal): Promise<void> => {
      const ms = next * (0.75 + Math.random() / 2)
      next = Math.min(2 * next, longestMs)
      await pause(ms, signal)
    },
    reset: (): void => {
      next = firstMs
    },
  }
}

/** Ends early when the signal is aborted, without an error. Does not keep a process alive unless told to. */
export async function pause(ms: number, signal: AbortSignal, keepAlive = true): Promise<void> {
  await delay(ms, undefined, { signal, ref: keepAlive }).catch(() => undefined)
}

/** A read that is repeated while the node does not answer, at most eight times in about ten seconds. */
export async function persistently<T>(read: () => Promise<T>, signal: AbortSignal): Promise<T> {
  const gap = backoff(FIRST_MS, 3000)
  for (let left = 8; ; left--) {
    signal.throwIfAborted()
    try {
      return await read()
    } catch (error) {
      if (left <= 1 || !isVeristackError(error, 'VS_EVM_UNREACHABLE')) throw error
      await gap.wait(signal)
    }
  }
}
