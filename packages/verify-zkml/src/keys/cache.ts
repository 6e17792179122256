import { createHash, randomUUID } from 'node:crypto'
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { lock } from 'proper-lockfile'

const DIGEST = 32
const STALE_MS = 60_000
const RETRY = { retries: 600, factor: 1, minTimeout: 500, maxTimeout: 500 }

/** `~/.cache/veristack`, or below `XDG_CACHE_HOME`. */
export const defaultCacheDirectory = (): string =>
  join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'veristack')

export interface CacheEntry {
  /** A file name; other content needs another name. */
  readonly name: string
  make(): Promise<Uint8Array>
  /** Throws for what must not be used. It sees what is read and what is made. */
  check(bytes: Uint8Array): void | Promise<void>
  /** Told when a stored entry was unusable and is made again. */
  notice(reason: string): void
  readonly signal?: AbortSignal
}

/**
 * The entry's bytes: read where they are stored whole and pass the check, otherwise made and stored. Files hold a SHA-256
 * of the rest in front. One process makes an entry while others wait; a file appears under its name only when it is
 * complete. A damaged file is reported and made again, never used.
 */
export async function cached(directory: string, entry: CacheEntry): Promise<Uint8Array> {
  const path = join(directory, entry.name)
  const found = await read(path, entry)
  if (found.bytes !== undefined) return found.bytes
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const release = await lock(path, { realpath: false, stale: STALE_MS, retries: RETRY })
  try {
    entry.signal?.throwIfAborted()
    // Another process may have made it meanwhile.
    const again = await read(path, entry)
    if (again.bytes !== undefined) return again.bytes
    if (again.reason !== undefined) entry.notice(again.reason)
    const bytes = await entry.make()
    await entry.check(bytes)
    await write(path, bytes)
    return bytes
  } finally {
    await release()
  }
}

async function read(
  path: string,
  entry: CacheEntry,
): Promise<{ readonly bytes?: Uint8Array; readonly reason?: string }> {
  let file: Uint8Array
  try {
    file = await readFile(path)
  } catch (error) {
    if (typeof error === 'object' && error !== null && 'code' in error && error.code === 'ENOENT') return {}
    return { reason: `${path} can not be read` }
  }
  const bytes = Uint8Array.from(file.subarray(DIGEST))
  if (file.length < DIGEST || !createHash('sha256').update(bytes).digest().equals(file.subarray(0, DIGEST))) {
    return { reason: `${path} is damaged` }
  }
  try {
    await entry.check(bytes)
    return { bytes }
  } catch (error) {
    return { reason: `${path} is refused: ${error instanceof Error ? error.message.split('\n', 1)[0] : 'unreadable'}` }
  }
}

async function write(path: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`
  try {
    const file = await open(temporary, 'wx', 0o600)
    try {
      await file.write(createHash('sha256').update(bytes).digest())
      await file.write(bytes)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}
