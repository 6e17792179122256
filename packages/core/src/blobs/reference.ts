import { type Digest, parseDigest } from '../claim/index.ts'
import { fail } from '../errors/index.ts'
import type { BlobRef } from './blobs.ts'

/** Bytes. What one blob may have unless the store is made with another limit. */
export const BLOB_LIMIT = 4 * 2 ** 30

export interface BlobStoreOptions {
  /** Largest blob in bytes, 4 GiB by default. */
  readonly maxBytes?: number
}

const MEDIA_TYPE = /^[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}\/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}$/

type Hash = (bytes: Uint8Array) => Digest

/** The reference of these bytes. Throws `VS_CORE_TOO_LARGE`, and `VS_CORE_INVALID_DATA` for a malformed media type. */
export function blobRef(bytes: Uint8Array, mediaType: string, limit: number, hash: Hash): BlobRef {
  if (!(bytes instanceof Uint8Array)) throw invalid('bytes', 'a Uint8Array', typeof bytes)
  if (!MEDIA_TYPE.test(mediaType))
    throw invalid('mediaType', 'a media type such as application/json', String(mediaType))
  if (bytes.length > limit) throw tooLarge(bytes.length, limit)
  return { digest: hash(bytes), bytes: bytes.length, mediaType }
}

/** A reference may come from outside: its digest becomes a file name and its length an allocation. */
export function checkBlobRef(ref: BlobRef, limit: number): BlobRef {
  if (!Number.isSafeInteger(ref.bytes) || ref.bytes < 0) throw invalid('blob.bytes', 'a length', String(ref.bytes))
  if (ref.bytes > limit) throw tooLarge(ref.bytes, limit)
  return { ...ref, digest: parseDigest(ref.digest, 'blob.digest') }
}

/** The bytes, if they are those that the reference names; otherwise `VS_CORE_BLOB_CORRUPT`. */
export function checkBlob(bytes: Uint8Array, ref: BlobRef, hash: Hash): Uint8Array {
  if (bytes.length !== ref.bytes) throw blobCorrupt(ref, `${ref.bytes} bytes`, `${bytes.length} bytes`)
  const found = hash(bytes)
  if (found !== ref.digest.toLowerCase()) throw blobCorrupt(ref, ref.digest, found)
  return bytes
}

export const blobMissing = (digest: Digest) => fail('VS_CORE_BLOB_MISSING', { details: { digest } })

export const blobCorrupt = (ref: BlobRef, expected: string, got: string) =>
  fail('VS_CORE_BLOB_CORRUPT', { details: { digest: ref.digest, expected, got } })

const tooLarge = (got: number, limit: number) =>
  fail('VS_CORE_TOO_LARGE', { details: { field: 'blob', limit: `${limit} bytes`, got } })

const invalid = (field: string, expected: string, got: string) =>
  fail('VS_CORE_INVALID_DATA', { details: { field, expected, got } })
