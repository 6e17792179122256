import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { temporaryDirectory } from '../testing/stand.ts'
import { type CacheEntry, cached } from './cache.ts'

let directory: Awaited<ReturnType<typeof temporaryDirectory>>
beforeEach(async () => {
  directory = await temporaryDirectory()
})
afterEach(() => directory.remove())

const notices: string[] = []
const entry = (change: Partial<CacheEntry> = {}): CacheEntry => ({
  name: 'entry',
  make: async () => Uint8Array.of(1, 2, 3),
  check: () => {},
  notice: (reason) => notices.push(reason),
  ...change,
})
const never = () => Promise.reject(new Error('made again'))

test('is made once, however many ask at the same time, and leaves nothing else behind', async () => {
  let made = 0
  const make = async () => {
    made++
    await new Promise((resolve) => setImmediate(resolve))
    return Uint8Array.of(1, 2, 3)
  }
  const all = await Promise.all([1, 2, 3].map(() => cached(directory.path, entry({ make }))))
  expect(all).toEqual([1, 2, 3].map(() => Uint8Array.of(1, 2, 3)))
  expect(made).toBe(1)
  expect(await cached(directory.path, entry({ make: never }))).toEqual(Uint8Array.of(1, 2, 3))
  expect(await readdir(directory.path)).toEqual(['entry'])
})

test('every damaged byte, a cut file and a refused one are made again, with a notice', async () => {
  const path = join(directory.path, 'entry')
  await cached(directory.path, entry())
  const good = await readFile(path)
  const damaged = [...good.keys()].map((i) => good.map((b, j) => (i === j ? b ^ 1 : b)))
  for (const bytes of [...damaged, good.subarray(0, -1), new Uint8Array()]) {
    notices.length = 0
    await writeFile(path, bytes)
    expect(await cached(directory.path, entry())).toEqual(Uint8Array.of(1, 2, 3))
    expect(notices).toEqual([expect.stringContaining('damaged')])
  }
  notices.length = 0
  const check = (bytes: Uint8Array) => {
    if (bytes[0] === 1) throw new Error('no good')
  }
  expect(await cached(directory.path, entry({ check, make: async () => Uint8Array.of(9) }))).toEqual(Uint8Array.of(9))
  expect(notices).toEqual([expect.stringContaining('no good')])
})

test('what fails its own check is not stored; a failure or a cancellation leaves no lock', async () => {
  const check = () => {
    throw new Error('no good')
  }
  await expect(cached(directory.path, entry({ check }))).rejects.toThrow('no good')
  await expect(cached(directory.path, entry({ make: never }))).rejects.toThrow('made again')
  await expect(cached(directory.path, entry({ signal: AbortSignal.abort(new Error('enough')) }))).rejects.toThrow(
    'enough',
  )
  expect(await readdir(directory.path)).toEqual([])
  await mkdir(join(directory.path, 'entry'))
  await expect(cached(directory.path, entry())).rejects.toThrow()
})
