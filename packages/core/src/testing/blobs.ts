import { sha256 } from '@noble/hashes/sha2.js'
import type { BlobRef, Blobs } from '../blobs/blobs.ts'
import { type Digest, toHex } from '../claim/index.ts'
import { refuses, type SuiteBase, same, suite, throws } from './runner.ts'

export interface BlobsSuiteOptions extends SuiteBase<Blobs, 'corruption'> {
  /** Changes a stored blob behind the store's back. Capability `corruption`: given. */
  readonly corrupt?: (ref: BlobRef) => Promise<void>
}

const BYTES = Uint8Array.from({ length: 1000 }, (_, i) => (i * 7) % 256)
const TYPE = 'application/octet-stream'

/** What every blob store must do: give back exactly the bytes that a digest names, or say that it can not. */
export function blobsSuite(options: BlobsSuiteOptions): void {
  suite('blobs', options, ({ test, needs }) => {
    test('names a blob by SHA-256 and gives it back', async () => {
      const blobs = await options.make()
      const ref = await blobs.put(BYTES, TYPE)
      same(ref, { digest: toHex(sha256(BYTES)), bytes: BYTES.length, mediaType: TYPE }, 'the reference')
      same(await blobs.get(ref), BYTES, 'the bytes')
      same(await blobs.put(BYTES, TYPE), ref, 'the reference of the same bytes')
    })

    test('holds an empty blob', async () => {
      const blobs = await options.make()
      same(await blobs.get(await blobs.put(new Uint8Array(), TYPE)), new Uint8Array(), 'the bytes')
    })

    test('keeps nothing that its callers can change', async () => {
      const blobs = await options.make()
      const mine = BYTES.slice()
      const ref = await blobs.put(mine, TYPE)
      mine[0] = 1
      const got = await blobs.get(ref)
      got[1] = 0
      same(await blobs.get(ref), BYTES, 'the bytes')
    })

    test('says when a blob is missing', async () => {
      const blobs = await options.make()
      const digest = toHex(new Uint8Array(32).fill(1)) as Digest
      await refuses(() => blobs.get({ digest, bytes: 1, mediaType: TYPE }), 'an unknown digest', 'VS_CORE_BLOB_MISSING')
    })

    test('refuses a reference of another length', async () => {
      const blobs = await options.make()
      const ref = await blobs.put(BYTES, TYPE)
      await refuses(() => blobs.get({ ...ref, bytes: ref.bytes - 1 }), 'another length', 'VS_CORE_BLOB_CORRUPT')
    })

    test('refuses a reference that is none', async () => {
      const blobs = await options.make()
      for (const digest of ['0x', '0x../../../../etc/passwd', `0x${'..'.repeat(32)}`] as Digest[]) {
        await refuses(() => blobs.get({ digest, bytes: 1, mediaType: TYPE }), digest)
      }
      await refuses(
        () => blobs.get({ digest: toHex(sha256(BYTES)) as Digest, bytes: -1, mediaType: TYPE }),
        'a negative length',
      )
    })

    needs('corruption', 'hands out no bytes but those that the digest names', async () => {
      const blobs = await options.make()
      const ref = await blobs.put(BYTES, TYPE)
      await options.corrupt?.(ref)
      await refuses(() => blobs.get(ref), 'a changed blob', 'VS_CORE_BLOB_CORRUPT')
    })

    test('takes the same blob from many at once', async () => {
      const blobs = await options.make()
      const refs = await Promise.all(Array.from({ length: 8 }, () => blobs.put(BYTES, TYPE)))
      for (const ref of refs) same(await blobs.get(ref), BYTES, 'the bytes')
    })

    test('stops for an aborted signal', async () => {
      const blobs = await options.make()
      const ref = await blobs.put(BYTES, TYPE)
      await throws(() => blobs.get(ref, AbortSignal.abort()), 'an aborted read')
    })
  })
}
