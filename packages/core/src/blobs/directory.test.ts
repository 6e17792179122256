import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Digest } from '../claim/index.ts'
import type { BlobRef, Blobs } from './blobs.ts'
import { directoryBlobs } from './directory.ts'
import { memoryBlobs } from './memory.ts'

const JSON_TYPE = 'application/json'
const bytes = new TextEncoder().encode('{"a":1}')
const digest = `0x${createHash('sha256').update(bytes).digest('hex')}` as Digest

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'veristack-blobs-'))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

const fileOf = (d: Digest) => join(root, 'sha256', d.slice(2, 4), d.slice(2))
const filesIn = (path: string) => readdirSync(path, { recursive: true, withFileTypes: true }).filter((e) => e.isFile())

describe.each([
  ['memory', () => memoryBlobs({ maxBytes: 1000 })],
  ['directory', () => directoryBlobs(root, { maxBytes: 1000 })],
] as const)('%s', (_, make) => {
  let blobs: Blobs
  beforeEach(() => {
    blobs = make()
  })

  test('names a blob by SHA-256 and gives it back', async () => {
    const ref = await blobs.put(bytes, JSON_TYPE)
    expect(ref).toEqual({ digest, bytes: 7, mediaType: JSON_TYPE })
    expect(await blobs.get(ref)).toEqual(bytes)
    expect(await blobs.put(bytes, JSON_TYPE)).toEqual(ref)
  })

  test('holds an empty blob', async () => {
    expect(await blobs.get(await blobs.put(new Uint8Array(), JSON_TYPE))).toEqual(new Uint8Array())
  })

  test('keeps no reference to the bytes of the caller', async () => {
    const mine = bytes.slice()
    const ref = await blobs.put(mine, JSON_TYPE)
    mine[0] = 0
    const got = await blobs.get(ref)
    got[1] = 0
    expect(await blobs.get(ref)).toEqual(bytes)
  })

  test('says when a blob is missing', async () => {
    await expect(blobs.get({ digest, bytes: 7, mediaType: JSON_TYPE })).rejects.toMatchObject({
      code: 'VS_CORE_BLOB_MISSING',
    })
  })

  test('refuses a reference whose length is not that of the blob', async () => {
    const ref = await blobs.put(bytes, JSON_TYPE)
    await expect(blobs.get({ ...ref, bytes: 8 })).rejects.toMatchObject({ code: 'VS_CORE_BLOB_CORRUPT' })
  })

  test('refuses what is over the limit, written or asked for', async () => {
    await expect(blobs.put(new Uint8Array(1001), JSON_TYPE)).rejects.toMatchObject({ code: 'VS_CORE_TOO_LARGE' })
    await expect(blobs.get({ digest, bytes: 1001, mediaType: JSON_TYPE })).rejects.toMatchObject({
      code: 'VS_CORE_TOO_LARGE',
    })
  })

  test.each<[string, Partial<Record<keyof BlobRef, unknown>>]>([
    ['a path', { digest: '0x../../../etc/passwd' }],
    ['a path of the right length', { digest: `0x${'../'.repeat(22).slice(0, 64)}` }],
    ['no text', { digest: 7 }],
    ['a negative length', { bytes: -1 }],
    ['a fractional length', { bytes: 1.5 }],
  ])('refuses %s in a reference', async (_name, change) => {
    const ref = { digest, bytes: 7, mediaType: JSON_TYPE, ...change } as BlobRef
    await expect(blobs.get(ref)).rejects.toMatchObject({ code: 'VS_CORE_INVALID_DATA' })
  })

  test.each(['', 'json', 'a/b\n', '../..', 'a/b/c'])('refuses the media type %j', async (type) => {
    await expect(blobs.put(bytes, type)).rejects.toMatchObject({ code: 'VS_CORE_INVALID_DATA' })
  })

  test('stops for an aborted signal', async () => {
    const ref = await blobs.put(bytes, JSON_TYPE)
    await expect(blobs.get(ref, AbortSignal.abort())).rejects.toMatchObject({ name: 'AbortError' })
  })
})

describe('directory, as a directory', () => {
  test('a changed byte, a shortened file and a longer file are corrupt; put repairs them', async () => {
    const blobs = directoryBlobs(root)
    const ref = await blobs.put(bytes, JSON_TYPE)
    for (const damage of [
      () => writeFileSync(fileOf(digest), '{"a":2}'),
      () => truncateSync(fileOf(digest), 3),
      () => writeFileSync(fileOf(digest), '{"a":1} '),
    ]) {
      damage()
      await expect(blobs.get(ref)).rejects.toMatchObject({ code: 'VS_CORE_BLOB_CORRUPT' })
      await blobs.put(bytes, JSON_TYPE)
      expect(await blobs.get(ref)).toEqual(bytes)
    }
  })

  test('follows no link, even to the right bytes', async () => {
    const blobs = directoryBlobs(root)
    mkdirSync(dirname(fileOf(digest)), { recursive: true })
    writeFileSync(join(root, 'elsewhere'), bytes)
    symlinkSync(join(root, 'elsewhere'), fileOf(digest))
    await expect(blobs.get({ digest, bytes: 7, mediaType: JSON_TYPE })).rejects.toMatchObject({
      code: 'VS_CORE_BLOB_CORRUPT',
    })
  })

  test('does not wait for a pipe', async () => {
    mkdirSync(dirname(fileOf(digest)), { recursive: true })
    execFileSync('mkfifo', [fileOf(digest)])
    await expect(directoryBlobs(root).get({ digest, bytes: 7, mediaType: JSON_TYPE })).rejects.toMatchObject({
      code: 'VS_CORE_BLOB_CORRUPT',
    })
  })

  test('is private to the user, and leaves no temporary files', async () => {
    await directoryBlobs(root).put(bytes, JSON_TYPE)
    expect(statSync(fileOf(digest)).mode & 0o077).toBe(0)
    expect(statSync(dirname(fileOf(digest))).mode & 0o077).toBe(0)
    expect(filesIn(root).map((e) => e.name)).toEqual([digest.slice(2)])
  })

  test('many writers of the same blobs at once', async () => {
    const stores = Array.from({ length: 8 }, () => directoryBlobs(root))
    const texts = Array.from({ length: 5 }, (_, i) => new TextEncoder().encode(`blob ${i}`))
    const refs = await Promise.all(stores.flatMap((s) => texts.map((t) => s.put(t, 'text/plain'))))
    expect(new Set(refs.map((r) => r.digest)).size).toBe(5)
    for (const ref of refs) await directoryBlobs(root).get(ref)
    expect(filesIn(root)).toHaveLength(5)
  })

  test('a temporary file of a writer that died is not a blob', async () => {
    const blobs = directoryBlobs(root)
    mkdirSync(dirname(fileOf(digest)), { recursive: true })
    writeFileSync(join(dirname(fileOf(digest)), '.1-00.tmp'), '{"a"')
    await expect(blobs.get({ digest, bytes: 7, mediaType: JSON_TYPE })).rejects.toMatchObject({
      code: 'VS_CORE_BLOB_MISSING',
    })
    await blobs.put(bytes, JSON_TYPE)
    expect(readFileSync(fileOf(digest), 'utf8')).toBe('{"a":1}')
  })
})
