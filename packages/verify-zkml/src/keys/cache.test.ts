import { createHash } from 'node:crypto'
import { chmod, copyFile, mkdir, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isVeristackError } from '@veristack/core/receipt'
import { temporaryDirectory } from '../testing/stand.ts'
import { type Cache, type CacheEntry, cached, openCache } from './cache.ts'
import { cacheSecret } from './cache-secret.ts'

let directory: Awaited<ReturnType<typeof temporaryDirectory>>
let cache: Cache
beforeEach(async () => {
  directory = await temporaryDirectory()
  cache = { directory: directory.path, secret: new Uint8Array(32).fill(1) }
  notices.length = 0
})
afterEach(async () => {
  jest.restoreAllMocks()
  await directory.remove()
})

const notices: string[] = []
const notice = (reason: string) => void notices.push(reason)
const entry = (change: Partial<CacheEntry> = {}): CacheEntry => ({
  name: 'entry',
  make: async () => Uint8Array.of(1, 2, 3),
  check: () => {},
  notice,
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
  const all = await Promise.all([1, 2, 3].map(() => cached(cache, entry({ make }))))
  expect(all).toEqual([1, 2, 3].map(() => Uint8Array.of(1, 2, 3)))
  expect(made).toBe(1)
  expect(await cached(cache, entry({ make: never }))).toEqual(Uint8Array.of(1, 2, 3))
  expect(await readdir(directory.path)).toEqual(['entry'])
})

test('whoever waits for another one says so once, and stops waiting when told', async () => {
  const waiting = jest.fn()
  const other = new AbortController()
  let finish = (): void => {}
  const made = new Promise<void>((resolve) => {
    finish = resolve
  })
  let began = (): void => {}
  const begun = new Promise<void>((resolve) => {
    began = resolve
  })
  const first = cached(
    cache,
    entry({
      waiting,
      make: async () => {
        began()
        await made
        return Uint8Array.of(1, 2, 3)
      },
    }),
  )
  await begun
  expect(waiting).not.toHaveBeenCalled()
  const impatient = cached(cache, entry({ signal: other.signal, waiting: () => other.abort(new Error('enough')) }))
  await expect(impatient).rejects.toThrow('enough')
  const patient = cached(cache, entry({ make: never, waiting: () => void [waiting(), finish()] }))
  expect(await Promise.all([first, patient])).toEqual([Uint8Array.of(1, 2, 3), Uint8Array.of(1, 2, 3)])
  expect(waiting).toHaveBeenCalledTimes(1)
  expect(await readdir(directory.path)).toEqual(['entry'])
})

describe('where nothing can be stored, that is said, and the entry is made for this time,', () => {
  const said = (pattern: RegExp) => {
    expect(notices).toEqual([expect.stringMatching(pattern)])
    expect(notices[0]).toMatch(/XDG_CACHE_HOME.*cacheDirectory/)
  }

  test('in a directory that can not be made', async () => {
    await writeFile(join(directory.path, 'file'), '')
    for (const path of ['file', 'file/cache']) {
      notices.length = 0
      const own = await cached({ ...cache, directory: join(directory.path, path) }, entry())
      expect(own).toEqual(Uint8Array.of(1, 2, 3))
      said(/can not be made \((ENOTDIR|EEXIST)\): nothing is read from it and nothing is stored/)
    }
    expect(await readdir(directory.path)).toEqual(['file'])
  })

  test('under a name that can not be locked', async () => {
    expect(await cached(cache, entry({ name: 'missing/entry' }))).toEqual(Uint8Array.of(1, 2, 3))
    said(/can not be stored \(ENOENT\), and is made again each time/)
    expect(await readdir(directory.path)).toEqual([])
  })

  test('in a directory that went away meanwhile', async () => {
    const make = async () => {
      await rm(directory.path, { recursive: true })
      return Uint8Array.of(1, 2, 3)
    }
    expect(await cached(cache, entry({ make }))).toEqual(Uint8Array.of(1, 2, 3))
    said(/can not be stored \(ENOENT\)/)
  })
})

test('every damaged byte, a cut file and a refused one are made again, with a notice', async () => {
  const path = join(directory.path, 'entry')
  await cached(cache, entry())
  const good = await readFile(path)
  const damaged = [...good.keys()].map((i) => good.map((b, j) => (i === j ? b ^ 1 : b)))
  for (const bytes of [...damaged, good.subarray(0, -1), new Uint8Array()]) {
    notices.length = 0
    await writeFile(path, bytes)
    expect(await cached(cache, entry())).toEqual(Uint8Array.of(1, 2, 3))
    expect(notices).toEqual([expect.stringContaining('damaged')])
  }
  notices.length = 0
  const check = (bytes: Uint8Array) => {
    if (bytes[0] === 1) throw new Error('no good')
  }
  expect(await cached(cache, entry({ check, make: async () => Uint8Array.of(9) }))).toEqual(Uint8Array.of(9))
  expect(notices).toEqual([expect.stringContaining('no good')])
})

test('what fails its own check is not stored; a failure or a cancellation leaves no lock', async () => {
  const check = () => {
    throw new Error('no good')
  }
  await expect(cached(cache, entry({ check }))).rejects.toThrow('no good')
  await expect(cached(cache, entry({ make: never }))).rejects.toThrow('made again')
  await expect(cached(cache, entry({ signal: AbortSignal.abort(new Error('enough')) }))).rejects.toThrow('enough')
  expect(await readdir(directory.path)).toEqual([])
  await mkdir(join(directory.path, 'entry'))
  await expect(cached(cache, entry())).rejects.toThrow()
})

describe('an entry is made again, with a notice, where it', () => {
  const other = entry({ name: 'other', make: async () => Uint8Array.of(6, 6, 6) })
  const madeAgain = async (reason: string) => {
    expect(await cached(cache, entry())).toEqual(Uint8Array.of(1, 2, 3))
    expect(notices).toEqual([expect.stringContaining(reason)])
    notices.length = 0
    expect(await cached(cache, entry({ make: never }))).toEqual(Uint8Array.of(1, 2, 3))
  }

  test('was stored under another name by the same user', async () => {
    await cached(cache, other)
    await copyFile(join(directory.path, 'other'), join(directory.path, 'entry'))
    await madeAgain('not stored under this name')
  })

  test('was stored under its name by somebody without the secret', async () => {
    await cached({ ...cache, secret: new Uint8Array(32).fill(2) }, { ...other, name: 'entry' })
    await madeAgain('by this user')
  })

  test('only holds a checksum of itself', async () => {
    const content = Uint8Array.of(6, 6, 6)
    const sum = createHash('sha256').update(content).digest()
    await writeFile(join(directory.path, 'entry'), Buffer.concat([sum, content]), { mode: 0o600 })
    await madeAgain('damaged')
  })

  test('is a link', async () => {
    await cached(cache, entry())
    await rename(join(directory.path, 'entry'), join(directory.path, 'elsewhere'))
    await symlink(join(directory.path, 'elsewhere'), join(directory.path, 'entry'))
    await madeAgain('ELOOP')
  })

  test.each([0o620, 0o602])('can be written by others (%o)', async (mode) => {
    await cached(cache, entry())
    await chmod(join(directory.path, 'entry'), mode)
    await madeAgain('open to others')
    expect((await stat(join(directory.path, 'entry'))).mode & 0o777).toBe(0o600)
  })
})

describe('nothing is read from or stored in a directory that', () => {
  const change = entry({ make: async () => Uint8Array.of(9) })

  test.each([0o770, 0o707])('others can write to (%o)', async (mode) => {
    await cached(cache, entry())
    await chmod(directory.path, mode)
    expect(await cached(cache, change)).toEqual(Uint8Array.of(9))
    expect(notices).toEqual([expect.stringContaining('open to others')])
    await chmod(directory.path, 0o700)
    expect(await cached(cache, entry({ make: never }))).toEqual(Uint8Array.of(1, 2, 3))
  })

  test('belongs to another user', async () => {
    await cached(cache, entry())
    const own = process.getuid?.() ?? 0
    jest.spyOn(process, 'getuid').mockReturnValue(own + 1)
    expect(await cached(cache, change)).toEqual(Uint8Array.of(9))
    expect(notices).toEqual([expect.stringContaining('another user')])
  })
})

describe('the secret', () => {
  const path = () => join(directory.path, 'veristack', 'cache-secret')

  test('is made once for its owner alone, however many ask at the same time', async () => {
    const all = await Promise.all([1, 2, 3, 4].map(() => cacheSecret(path(), notice)))
    const [first] = all
    expect(all).toEqual([first, first, first, first])
    expect(first).toHaveLength(32)
    expect(new Uint8Array(await readFile(path()))).toEqual(first)
    expect(await cacheSecret(path(), notice)).toEqual(first)
    expect(await readdir(join(directory.path, 'veristack'))).toEqual(['cache-secret'])
    expect((await stat(path())).mode & 0o777).toBe(0o600)
    expect(notices).toEqual([])
  })

  test('is not taken from a file that others can read, another length, a link or a directory open to others', async () => {
    const first = await cacheSecret(path(), notice)
    const refused = async (reason: string) => {
      const instead = await cacheSecret(path(), notice)
      expect(instead).not.toEqual(first)
      expect(instead).toHaveLength(32)
      expect(notices).toEqual([expect.stringContaining(reason)])
      // It lasts as long as the process, so that what it stores can be read again.
      expect(await cacheSecret(path(), () => {})).toEqual(instead)
      notices.length = 0
    }
    await chmod(path(), 0o640)
    await refused('open to others (mode 640)')
    await chmod(path(), 0o600)
    await chmod(join(directory.path, 'veristack'), 0o770)
    await refused('open to others (mode 770)')
    await chmod(join(directory.path, 'veristack'), 0o700)
    expect(await cacheSecret(path(), notice)).toEqual(first)
    await rename(path(), `${path()}-elsewhere`)
    await symlink(`${path()}-elsewhere`, path())
    await refused('ELOOP')
    await rename(`${path()}-elsewhere`, path())
    await writeFile(path(), new Uint8Array(31))
    await refused('32 bytes')
  })

  test('that can not be kept is replaced by one of the process, and said', async () => {
    await writeFile(join(directory.path, 'veristack'), '')
    expect(await cacheSecret(path(), notice)).toHaveLength(32)
    expect(notices).toEqual([expect.stringContaining('made again')])
    expect(await readFile(join(directory.path, 'veristack'), 'utf8')).toBe('')
  })

  test('does not lie in the directory that it protects', async () => {
    const code = await openCache(directory.path, path(), notice).catch((error: unknown) => error)
    expect(isVeristackError(code) && code.code).toBe('VS_ZKML_INVALID_OPTION')
    expect(await readdir(directory.path)).toEqual([])
    const beside = await openCache(join(directory.path, 'cache'), join(directory.path, '..keep', 'secret'), notice)
    expect(beside.secret).toHaveLength(32)
  })
})
