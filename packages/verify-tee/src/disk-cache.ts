import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import { invalidOption } from './policy/index.ts'

type Files = typeof import('node:fs/promises')
type Paths = typeof import('node:path')

/** Where fetched collateral is kept. What is read is judged again by whoever judges with it. */
export interface CollateralCache {
  get(key: string): Promise<Uint8Array | undefined>
  set(key: string, bytes: Uint8Array): Promise<void>
}

let written = 0

/**
 * A cache for collateral: files in a directory, each named by the SHA-256 digest of its key. On Node; no import names
 * `node:`, so bundles for browsers stay free of it. Throws `VS_TEE_INVALID_OPTION` where there is no file system.
 */
export function diskCache(directory: string): CollateralCache {
  const files = builtin<Files>('node:fs/promises')
  const paths = builtin<Paths>('node:path')
  if (files === undefined || paths === undefined) throw invalidOption('cache', 'a file system', 'none')
  const fileOf = (key: string): string => paths.join(directory, bytesToHex(sha256(utf8ToBytes(key))))
  return {
    async get(key) {
      try {
        return new Uint8Array(await files.readFile(fileOf(key)))
      } catch (error) {
        if (typeof error === 'object' && error !== null && 'code' in error && error.code === 'ENOENT') return undefined
        throw error
      }
    },
    async set(key, bytes) {
      await files.mkdir(directory, { recursive: true })
      // A reader sees the old file or the new one, never half of one; of two writers at once, the later one's.
      written += 1
      const draft = `${fileOf(key)}.${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}-${written}`
      await files.writeFile(draft, bytes, { mode: 0o600 })
      await files.rename(draft, fileOf(key))
    },
  }
}

function builtin<T>(name: string): T | undefined {
  const host: unknown = Reflect.get(globalThis, 'process')
  if (typeof host !== 'object' || host === null) return undefined
  const load: unknown = Reflect.get(host, 'getBuiltinModule')
  return typeof load === 'function' ? (load.call(host, name) as T) : undefined
}
