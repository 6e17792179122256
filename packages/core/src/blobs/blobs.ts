import type { Digest } from '../claim/index.ts'

/** A blob by its content: `digest` is SHA-256 of the bytes. */
export interface BlobRef {
  readonly digest: Digest
  readonly bytes: number
  readonly mediaType: string
}

/** A content-addressed store. `get` checks the digest of what it read and throws `VS_CORE_BLOB_CORRUPT` otherwise. */
export interface Blobs {
  get(ref: BlobRef, signal?: AbortSignal): Promise<Uint8Array>
  put(bytes: Uint8Array, mediaType: string): Promise<BlobRef>
}
