import { createHmac, randomUUID, timingSafeEqual } from 'node:crypto'
import { mkdir, open, rename, rm, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { isAbsolute, join, relative, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { lock } from 'proper-lockfile'
import { fail } from '../errors.ts'
import { cacheSecret } from './cache-secret.ts'
import { OTHERS_WRITE, readOwnFile, systemCode, unsafe } from './own-file.ts'

const TAG = 32
/** Goes up when what is checked before an entry is stored changes: older entries are then made again. */
const FORMAT = 'veristack/verify-zkml/cache/2'
const STALE_MS = 60_000
const RETRY_MS = 500
const RETRIES = 600
/** Why a place to keep something in may be none: that is said, and nothing is kept. */
const NO_PLACE: ReadonlySet<string> = new Set([
  'EACCES',
  'EPERM',
  'EROFS',
  'ENOTDIR',
  'ENOENT',
  'EEXIST',
  'ENOSPC',
  'EDQUOT',
])

/** `~/.cache/veristack`, or below `XDG_CACHE_HOME`. */
export const defaultCacheDirectory = (): string =>
  join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'veristack')

/** A directory whose entries this user made, as their tags under the secret say. */
export interface Cache {
  readonly directory: string
  readonly secret: Uint8Array
}

export interface CacheEntry {
  /** A file name. It is authenticated with the content and says all that the content depends on. */
  readonly name: string
  make(): Promise<Uint8Array>
  /** Throws for what must not be used. It sees what is read and what is made. */
  check(bytes: Uint8Array): void | Promise<void>
  /** Told when a stored entry was unusable and is made again. */
  notice(reason: string): void
  /** Told once when another process makes the entry, and this one waits for it. */
  waiting?(): void
  readonly signal?: AbortSignal
}

/** Throws `VS_ZKML_INVALID_OPTION` where the secret would lie in the directory that it protects. */
export async function openCache(
  directory: string,
  secretFile: string,
  notice: (reason: string) => void,
): Promise<Cache> {
  const path = relative(resolve(directory), resolve(secretFile))
  if (path !== '..' && !/^\.\.[\\/]/.test(path) && !isAbsolute(path)) {
    throw fail('VS_ZKML_INVALID_OPTION', {
      details: { field: 'cacheSecretFile', expected: 'a path outside cacheDirectory', got: secretFile },
    })
  }
  return { directory, secret: await cacheSecret(secretFile, notice) }
}

/**
 * The entry's bytes: read where they are stored whole under this name by somebody who has the secret, and pass the
 * check; otherwise made and stored. Files hold an HMAC-SHA256 of name and content in front. One process makes an entry
 * while others wait; a file appears under its name only when it is complete. What is damaged, foreign, or could have
 * been changed by another user is reported and made again, never used. Where nothing can be stored, that is reported, and
 * the entry is made for this call.
 */
export async function cached(cache: Cache, entry: CacheEntry): Promise<Uint8Array> {
  const { directory } = cache
  const fault = await faultOf(directory)
  if (fault !== undefined) {
    entry.notice(`${directory} ${fault}: nothing is read from it and nothing is stored; ${ELSEWHERE}`)
    return makeChecked(entry)
  }
  const path = join(directory, entry.name)
  const found = await read(path, cache, entry)
  if (found.bytes !== undefined) return found.bytes
  const release = await locked(path, entry)
  if (release === undefined) return makeChecked(entry)
  try {
    // Another process may have made it meanwhile.
    const again = await read(path, cache, entry)
    if (again.bytes !== undefined) return again.bytes
    if (again.reason !== undefined) entry.notice(again.reason)
    const bytes = await makeChecked(entry)
    await write(path, tagOf(cache, entry.name, bytes), bytes).catch((error: unknown) => notStored(path, entry, error))
    return bytes
  } finally {
    await release()
  }
}

const ELSEWHERE = 'choose a folder that you alone can write to by XDG_CACHE_HOME, or by the option cacheDirectory'

/** Makes the directory. Why nothing in it can be used, or undefined. */
async function faultOf(directory: string): Promise<string | undefined> {
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 })
    return unsafe(await stat(directory), OTHERS_WRITE)
  } catch (error) {
    if (!NO_PLACE.has(systemCode(error))) throw error
    return `can not be made (${systemCode(error)})`
  }
}

/** Says that an entry can not be stored, or throws what is another matter. */
function notStored(path: string, entry: CacheEntry, error: unknown): void {
  if (!NO_PLACE.has(systemCode(error))) throw error
  entry.notice(`${path} can not be stored (${systemCode(error)}), and is made again each time; ${ELSEWHERE}`)
}

/** Waits for another process that makes the same entry. Undefined where nothing can be stored, with a notice. */
async function locked(path: string, entry: CacheEntry): Promise<(() => Promise<void>) | undefined> {
  for (let attempt = 0; ; attempt++) {
    entry.signal?.throwIfAborted()
    try {
      return await lock(path, { realpath: false, stale: STALE_MS })
    } catch (error) {
      if (systemCode(error) !== 'ELOCKED') {
        notStored(path, entry, error)
        return undefined
      }
      if (attempt === RETRIES) throw error
    }
    if (attempt === 0) entry.waiting?.()
    // An abort is heard above, with its own reason.
    await delay(RETRY_MS, undefined, entry.signal === undefined ? {} : { signal: entry.signal }).catch(() => {})
  }
}

async function makeChecked(entry: CacheEntry): Promise<Uint8Array> {
  entry.signal?.throwIfAborted()
  const bytes = await entry.make()
  await entry.check(bytes)
  return bytes
}

/** Names hold no zero byte, so no two pairs of name and content give the same message. */
const tagOf = ({ secret }: Cache, name: string, bytes: Uint8Array): Uint8Array =>
  createHmac('sha256', secret).update(`${FORMAT}\0${name}\0`).update(bytes).digest()

async function read(
  path: string,
  cache: Cache,
  entry: CacheEntry,
): Promise<{ readonly bytes?: Uint8Array; readonly reason?: string }> {
  const { bytes: stored, reason } = await readOwnFile(path, OTHERS_WRITE)
  if (stored === undefined) return reason === undefined ? {} : { reason }
  const bytes = Uint8Array.from(stored.subarray(TAG))
  if (stored.length < TAG || !timingSafeEqual(tagOf(cache, entry.name, bytes), stored.subarray(0, TAG))) {
    return { reason: `${path} is damaged, or was not stored under this name by this user` }
  }
  try {
    await entry.check(bytes)
    return { bytes }
  } catch (error) {
    return { reason: `${path} is refused: ${error instanceof Error ? error.message.split('\n', 1)[0] : 'unreadable'}` }
  }
}

async function write(path: string, tag: Uint8Array, bytes: Uint8Array): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`
  try {
    const file = await open(temporary, 'wx', 0o600)
    try {
      await file.writeFile(tag)
      await file.writeFile(bytes)
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
