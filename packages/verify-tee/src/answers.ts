import { isVeristackError } from '@veristack/core/receipt'
import type { CollateralCache } from './disk-cache.ts'
import { fail } from './errors.ts'

/** What every vendor's fetcher takes. */
export interface FetchOptions {
  /** The only way to the network. */
  readonly fetch: (url: string, init: { signal?: AbortSignal; redirect: 'error' }) => Promise<Response>
  /** Of a mirror of the vendor's service, in place of its own. */
  readonly baseUrl?: string
  /** What is in it is taken for as long as it says that it holds; what the vendor may replace, for a day at most; nothing for ever. */
  readonly cache?: CollateralCache
  /** Unix seconds. */
  readonly now: bigint
  readonly signal?: AbortSignal
}

export const baseOf = (given: string | undefined, own: string): string => (given ?? own).replace(/\/+$/, '')

export const DAY = 86_400n
/** Before an answer that is kept: when it came, in Unix seconds. */
const STAMP_BYTES = 8

export interface Answer {
  readonly url: string
  readonly headers: Headers
  readonly bytes: Uint8Array
}

export const unanswered = (url: string, reason: string, cause?: unknown) =>
  fail('VS_TEE_FETCH', { details: { url, reason }, cause })

/** What a service answers, of at most `limit` bytes. Throws `VS_TEE_FETCH`, or the signal's reason. */
export async function ask(
  url: string,
  { fetch, signal }: Pick<FetchOptions, 'fetch' | 'signal'>,
  limit: number,
): Promise<Answer> {
  try {
    const response = await fetch(url, { ...(signal === undefined ? {} : { signal }), redirect: 'error' })
    if (response.status !== 200) {
      await response.body?.cancel()
      throw unanswered(url, `status ${response.status}`)
    }
    const bytes = await bodyOf(response, limit)
    if (bytes === undefined) throw unanswered(url, `an answer above ${limit} bytes`)
    return { url, headers: response.headers, bytes }
  } catch (error) {
    signal?.throwIfAborted()
    if (isVeristackError(error, 'VS_TEE_FETCH')) throw error
    throw unanswered(url, rootOf(error), error)
  }
}

/** Of `fetch failed` the reason is its cause. */
function rootOf(error: unknown): string {
  if (!(error instanceof Error)) return 'no answer'
  return error.cause instanceof Error ? rootOf(error.cause) : error.message || error.name
}

/** The body; absent when it is longer than `limit` bytes, of which no more is read. */
async function bodyOf(response: Response, limit: number): Promise<Uint8Array | undefined> {
  const parts: Uint8Array[] = []
  let size = 0
  const reader = response.body?.getReader()
  for (;;) {
    const part = await reader?.read()
    if (part?.value === undefined) break
    size += part.value.length
    if (size > limit) {
      await reader?.cancel()
      return undefined
    }
    parts.push(part.value)
  }
  const whole = new Uint8Array(size)
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

/** Keeps an answer with the time at which it came: nobody checked its signatures, so that it must not stay for ever. */
export async function keep(cache: CollateralCache | undefined, key: string, answer: Uint8Array, now: bigint) {
  const entry = new Uint8Array(STAMP_BYTES + answer.length)
  new DataView(entry.buffer).setBigUint64(0, now)
  entry.set(answer, STAMP_BYTES)
  await cache?.set(key, entry)
}

/** What was kept less than `maxAge` seconds ago. */
export async function kept(
  cache: CollateralCache | undefined,
  key: string,
  now: bigint,
  maxAge?: bigint,
): Promise<Uint8Array | undefined> {
  const entry = await cache?.get(key)
  if (entry === undefined || entry.length < STAMP_BYTES) return undefined
  const came = new DataView(entry.buffer, entry.byteOffset).getBigUint64(0)
  // From the future: a clock was wrong then, or is now.
  if (came > now || (maxAge !== undefined && now >= came + maxAge)) return undefined
  return entry.slice(STAMP_BYTES)
}
