import { sha256 } from '@noble/hashes/sha2.js'
import { type Digest, toHex } from '../claim/index.ts'
import type { Blobs } from './blobs.ts'
import { BLOB_LIMIT, type BlobStoreOptions, blobMissing, blobRef, checkBlob, checkBlobRef } from './reference.ts'

const sha256Digest = (bytes: Uint8Array): Digest => toHex(sha256(bytes)) as Digest

/** Blobs that are gone with the process. Stores a copy and gives out copies. */
export function memoryBlobs(options: BlobStoreOptions = {}): Blobs {
  const limit = options.maxBytes ?? BLOB_LIMIT
  const stored = new Map<Digest, Uint8Array>()
  return {
    async get(ref, signal) {
      signal?.throwIfAborted()
      const { digest } = checkBlobRef(ref, limit)
      const bytes = stored.get(digest)
      if (bytes === undefined) throw blobMissing(digest)
      return checkBlob(bytes.slice(), ref, sha256Digest)
    },
    async put(bytes, mediaType) {
      const ref = blobRef(bytes, mediaType, limit, sha256Digest)
      if (!stored.has(ref.digest)) stored.set(ref.digest, bytes.slice())
      return ref
    },
  }
}
