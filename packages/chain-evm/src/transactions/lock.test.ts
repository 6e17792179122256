import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fateOf, type Holder, thisHolder } from './holder.ts'
import { lockFile } from './lock.ts'

let directory: string
let path: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'veristack-lock-'))
  path = join(directory, 'journal')
})
afterEach(() => rm(directory, { recursive: true, force: true }))

const here: Holder = { process: 17, host: 'a', started: '5', boot: 'b', pids: 'pid:[4026531836]', machine: 'm' }
/** A process id that was a process's, and is nobody's. */
async function ended(): Promise<number> {
  const child = spawn(process.execPath, ['-e', ''])
  await once(child, 'close')
  return child.pid ?? 0
}

describe('what has become of a holder', () => {
  test('of a process beside this one is looked up', async () => {
    const self = thisHolder()
    expect(fateOf(self)).toBe('alive')
    expect(fateOf({ ...self, process: await ended() })).toBe('dead')
  })

  const onLinux = process.platform === 'linux' ? test : test.skip
  onLinux('whose id another process has by now: dead', () => {
    expect(fateOf({ ...thisHolder(), started: '1' })).toBe('dead')
  })

  test('elsewhere can not be told, whether this system has such a process or not', async () => {
    const own = { ...here, process: process.pid }
    const gone = { ...here, process: await ended() }
    for (const holder of [own, gone]) {
      expect(fateOf(holder, { ...here, host: 'another host' })).toBe('unknown')
      expect(fateOf(holder, { ...here, pids: 'pid:[4026532198]' })).toBe('unknown')
      expect(fateOf(holder, { ...here, boot: 'c', machine: 'n' })).toBe('unknown')
      expect(fateOf(holder, { ...here, pids: 'pid:[4026532198]', boot: 'c' })).toBe('unknown')
      const { boot: _boot, ...silent } = here
      expect(fateOf(holder, silent)).toBe('unknown')
      expect(fateOf({ ...silent, process: holder.process }, here)).toBe('unknown')
      const { pids: _pids, ...unnamed } = here
      expect(fateOf({ ...unnamed, process: holder.process }, unnamed)).toBe('unknown')
    }
  })

  test('on this machine before it was started anew: dead, but in containers, whose ids may be those of an image', () => {
    expect(fateOf({ ...here, process: process.pid }, { ...here, boot: 'c' })).toBe('dead')
    const inContainer = { ...here, pids: 'pid:[4026532198]' }
    expect(fateOf(inContainer, { ...inContainer, boot: 'c' })).toBe('unknown')
    const { machine: _machine, ...unnamed } = here
    expect(fateOf(unnamed, { ...unnamed, boot: 'c' })).toBe('unknown')
  })
})

const LOCKED = 'VS_EVM_LANE_LOCKED'

describe('a lock', () => {
  test('is had by one, and free when released', async () => {
    const first = await lockFile(path)
    await expect(lockFile(path)).rejects.toMatchObject({ code: LOCKED, details: { process: process.pid } })
    await first.check()
    await first.release()
    const second = await lockFile(path)
    await expect(first.check()).rejects.toMatchObject({ code: LOCKED })
    // It is not the first one's any more.
    await first.release()
    await second.check()
    await second.release()
    expect(await readdir(directory)).toEqual([])
  })

  test('of a dead holder is taken over at once, by one of many', async () => {
    const process = await ended()
    // What comes between what is left to chance.
    for (let round = 0; round < 30; round++) {
      await writeFile(`${path}.lock`, JSON.stringify({ ...thisHolder(), process, token: String(round) }))
      const came = await Promise.allSettled(Array.from({ length: 20 }, () => lockFile(path)))
      const got = came.flatMap((c) => (c.status === 'fulfilled' ? [c.value] : []))
      expect(got).toHaveLength(1)
      for (const c of came) if (c.status === 'rejected') expect(c.reason).toMatchObject({ code: LOCKED })
      await got[0]?.check()
      expect(await readdir(directory)).toEqual(['journal.lock'])
      await got[0]?.release()
    }
  })

  test('that a dead process was about to take over is taken over too', async () => {
    const dead = JSON.stringify({ ...thisHolder(), process: await ended(), token: 'x' })
    const right = `${path}.lock.${createHash('sha256').update(dead).digest('hex').slice(0, 16)}`
    await writeFile(`${path}.lock`, dead)
    await writeFile(right, JSON.stringify({ ...thisHolder(), process: await ended(), token: 'y' }))
    const lock = await lockFile(path)
    await lock.check()
    expect(await readdir(directory)).toEqual(['journal.lock'])
    await lock.release()
    // One that is alive, and about to: it is left to him.
    await writeFile(`${path}.lock`, dead)
    await writeFile(right, JSON.stringify({ ...thisHolder(), token: 'y' }))
    await expect(lockFile(path)).rejects.toMatchObject({ code: LOCKED, details: { process: process.pid } })
    expect(await readFile(`${path}.lock`, 'utf8')).toBe(dead)
  })

  test.each([
    ['in another container', { pids: 'pid:[1]' }],
    ['on another host', { host: 'another' }],
    ['of another start of a system', { boot: 'another', machine: 'another' }],
  ])(
    'whose holder was %s is refused, dead or not, until somebody removes the file that is named',
    async (_, change) => {
      const holder = { ...thisHolder(), process: await ended(), ...change, token: 'x' }
      const text = JSON.stringify(holder)
      await writeFile(`${path}.lock`, text)
      const refused = await lockFile(path).catch((e: unknown) => e)
      expect(refused).toMatchObject({
        code: LOCKED,
        message: expect.stringContaining('can not be told'),
        details: { lock: `${path}.lock`, process: holder.process, host: holder.host },
      })
      expect(await readFile(`${path}.lock`, 'utf8')).toBe(text)
      await rm(`${path}.lock`)
      await (await lockFile(path)).release()
    },
  )

  test.each([
    '',
    '{',
    'null',
    '{"process":"1","host":"a"}',
    '{"process":0,"host":"a"}',
    '{"process":1,"host":"a","boot":1}',
  ])('that can not be read is refused: %s', async (text) => {
    await writeFile(`${path}.lock`, text)
    await expect(lockFile(path)).rejects.toMatchObject({ code: LOCKED, details: { lock: `${path}.lock` } })
  })

  test('that is a folder is refused', async () => {
    await mkdir(`${path}.lock`)
    await expect(lockFile(path)).rejects.toMatchObject({ code: LOCKED, details: { lock: `${path}.lock` } })
  })

  test('that somebody removed is noticed', async () => {
    const lock = await lockFile(path)
    await rm(`${path}.lock`)
    await expect(lock.check()).rejects.toMatchObject({ code: LOCKED })
    const other = await lockFile(path)
    await expect(lock.check()).rejects.toMatchObject({ code: LOCKED })
    await other.release()
  })
})
