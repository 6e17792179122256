import { LeaseCache } from './lease.ts'

const gate = () => {
  let open = () => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { open, opened }
}

/** Values that write down what happens to them. */
function recorder() {
  const log: string[] = []
  const make = (name: string) => async () => {
    log.push(`make ${name}`)
    return {
      name,
      release: async () => {
        log.push(`release ${name}`)
      },
    }
  }
  return { log, make }
}

describe('LeaseCache', () => {
  test('makes a value once for all who ask at the same time', async () => {
    const { log, make } = recorder()
    const cache = new LeaseCache<{ name: string; release(): Promise<void> }>(2)
    const names = await Promise.all([1, 2, 3].map(() => cache.use('a', make('a'), async (v) => v.name)))
    expect(names).toEqual(['a', 'a', 'a'])
    expect(log).toEqual(['make a'])
  })

  test('releases what was not used for longest', async () => {
    const { log, make } = recorder()
    const cache = new LeaseCache<{ release(): Promise<void> }>(2)
    const touch = (name: string) => cache.use(name, make(name), async () => {})
    for (const name of ['a', 'b', 'a', 'c', 'b']) await touch(name)
    expect(log).toEqual(['make a', 'make b', 'make c', 'release b', 'make b', 'release a'])
  })

  test('does not release what is in use, nor twice', async () => {
    const { log, make } = recorder()
    const cache = new LeaseCache<{ release(): Promise<void> }>(1)
    const { open, opened } = gate()
    const [first, second] = [cache.use('a', make('a'), () => opened), cache.use('a', make('a'), () => opened)]
    await cache.use('b', make('b'), async () => {})
    expect(log).toEqual(['make a', 'make b'])
    await cache.clear()
    expect(log).toEqual(['make a', 'make b', 'release b'])
    open()
    await Promise.all([first, second])
    expect(log).toEqual(['make a', 'make b', 'release b', 'release a'])
  })

  test('forgets what could not be made', async () => {
    const { log, make } = recorder()
    const cache = new LeaseCache<{ release(): Promise<void> }>(1)
    const broken = cache.use(
      'a',
      () => Promise.reject(new Error('broken')),
      async () => 1,
    )
    await expect(broken).rejects.toThrow('broken')
    await expect(cache.use('a', make('a'), async () => 2)).resolves.toBe(2)
    await cache.clear()
    expect(log).toEqual(['make a', 'release a'])
  })

  test('hands on what the work throws, and releases all the same', async () => {
    const { log, make } = recorder()
    const cache = new LeaseCache<{ release(): Promise<void> }>(1)
    await expect(cache.use('a', make('a'), () => Promise.reject(new Error('work')))).rejects.toThrow('work')
    await cache.clear()
    expect(log).toEqual(['make a', 'release a'])
  })

  test('a release that fails spoils nothing', async () => {
    const cache = new LeaseCache<{ release(): Promise<void> }>(1)
    const make = async () => ({ release: () => Promise.reject(new Error('release')) })
    await cache.use('a', make, async () => {})
    await expect(cache.clear()).resolves.toBeUndefined()
  })
})
