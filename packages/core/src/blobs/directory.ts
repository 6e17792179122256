import { createHash } from 'node:crypto'
import { constants, open } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { type Digest, toHex } from '../claim/index.ts'
import { isVeristackError } from '../errors/index.ts'
import type { BlobRef, Blobs } from './blobs.ts'
import { hasCode, makeDirectory, replaceFile } from './durable-file.ts'
import {
  BLOB_LIMIT,
  type BlobStoreOptions,
  blobCorrupt,
  blobMissing,
  blobRef,
  checkBlob,
  checkBlobRef,
} from './reference.ts'

/**
 * Blobs in a directory, as `sha256/ab/abcd…`. Any number of processes may share it: a blob is written whole before it
 * has its name, and what is read is hashed before it is handed out.
 */
export function directoryBlobs(path: string, options: BlobStoreOptions = {}): Blobs {
  const root = resolve(path)
  const limit = options.maxBytes ?? BLOB_LIMIT

  async function get(ref: BlobRef, signal?: AbortSignal): Promise<Uint8Array> {
    signal?.throwIfAborted()
    const checked = checkBlobRef(ref, limit)
    const { directory, name } = place(root, checked.digest)
    return checkBlob(await readRegular(join(directory, name), checked, signal), checked, sha256)
  }

  return {
    get,
    async put(bytes, mediaType) {
      const ref = blobRef(bytes, mediaType, limit, sha256)
      // A damaged copy is replaced rather than kept: the bytes in hand are the right ones.
      if (await holds(get, ref)) return ref
      const { directory, name } = place(root, ref.digest)
      await makeDirectory(directory)
      await replaceFile(directory, name, bytes)
      return ref
    },
  }
}

const sha256 = (bytes: Uint8Array): Digest => toHex(createHash('sha256').update(bytes).digest()) as Digest

function place(root: string, digest: Digest): { readonly directory: string; readonly name: string } {
  const name = digest.slice(2)
  return { directory: join(root, 'sha256', name.slice(0, 2)), name }
}

async function holds(get: Blobs['get'], ref: BlobRef): Promise<boolean> {
  try {
    await get(ref)
    return true
  } catch (error) {
    if (isVeristackError(error, 'VS_CORE_BLOB_MISSING') || isVeristackError(error, 'VS_CORE_BLOB_CORRUPT')) return false
    throw error
  }
}

/** Reads exactly `ref.bytes` bytes of a regular file: no link is followed, no pipe is waited for, no more is allocated. */
async function readRegular(path: string, ref: BlobRef, signal: AbortSignal | undefined): Promise<Uint8Array> {
  const flags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)
  const file = await open(path, flags).catch((cause: unknown) => {
    if (hasCode(cause, 'ENOENT')) throw blobMissing(ref.digest)
    if (hasCode(cause, 'ELOOP')) throw blobCorrupt(ref, 'a regular file', 'a symbolic link')
    throw cause
  })
  try {
    const stat = await file.stat()
    if (!stat.isFile()) throw blobCorrupt(ref, 'a regular file', 'something else')
    if (stat.size !== ref.bytes) throw blobCorrupt(ref, `${ref.bytes} bytes`, `${stat.size} bytes`)
    const bytes = new Uint8Array(ref.bytes)
    let at = 0
    while (at < bytes.length) {
      signal?.throwIfAborted()
      const { bytesRead } = await file.read(bytes, at, Math.min(bytes.length - at, CHUNK), at)
      if (bytesRead === 0) throw blobCorrupt(ref, `${ref.bytes} bytes`, `${at} bytes`)
      at += bytesRead
    }
    return bytes
  } finally {
    await file.close()
  }
}

const CHUNK = 16 * 2 ** 20
