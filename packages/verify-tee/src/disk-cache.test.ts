import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { diskCache } from './disk-cache.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'veristack-cache-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

test('keeps what it was given, by key, and shows it to another one', async () => {
  const nested = join(directory, 'not', 'there', 'yet')
  const cache = diskCache(nested)
  expect(await cache.get('https://a/b?c')).toBeUndefined()
  await cache.set('https://a/b?c', Uint8Array.of(1, 2))
  await cache.set('../../escape', Uint8Array.of(3))
  await cache.set('https://a/b?c', Uint8Array.of(4))
  expect(await diskCache(nested).get('https://a/b?c')).toEqual(Uint8Array.of(4))
  expect(await cache.get('../../escape')).toEqual(Uint8Array.of(3))
  // No key is a path, and no half-written file stays.
  const files = await readdir(nested)
  expect(files).toHaveLength(2)
  for (const file of files) {
    expect(file).toMatch(/^[0-9a-f]{64}$/)
    expect((await stat(join(nested, file))).mode & 0o077).toBe(0)
  }
})

test('of many writers at once, one wins whole', async () => {
  const cache = diskCache(directory)
  const texts = Array.from({ length: 20 }, (_, i) => new Uint8Array(10_000).fill(i))
  await Promise.all(texts.map((bytes) => cache.set('key', bytes)))
  const kept = await cache.get('key')
  expect(texts).toContainEqual(kept)
  expect(await readdir(directory)).toHaveLength(1)
})

test('what is wrong with the directory is told', async () => {
  const cache = diskCache(join(directory, 'file'))
  await diskCache(directory).set('x', Uint8Array.of(1))
  const [file = ''] = await readdir(directory)
  await expect(diskCache(join(directory, file)).set('y', Uint8Array.of(1))).rejects.toThrow()
  expect(await cache.get('z')).toBeUndefined()
})

test('says so where there is no file system', () => {
  const load = process.getBuiltinModule
  try {
    Reflect.set(process, 'getBuiltinModule', undefined)
    expect(() => diskCache(directory)).toThrow(expect.objectContaining({ code: 'VS_TEE_INVALID_OPTION' }))
  } finally {
    Reflect.set(process, 'getBuiltinModule', load)
  }
})
