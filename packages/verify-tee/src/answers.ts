import type { CollateralCache } from './disk-cache.ts'

export const DAY = 86_400n
/** Before an answer that is kept: when it came, in Unix seconds. */
const STAMP_BYTES = 8

/** The body of a service's answer; absent when it is longer than `limit` bytes, of which no more is read. */
export async function bodyOf(response: Response, limit: number): Promise<Uint8Array | undefined> {
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
