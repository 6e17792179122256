import { createHash, randomUUID } from 'node:crypto'
import { readFileSync, unlinkSync } from 'node:fs'
import { link, open, readFile, rename, unlink } from 'node:fs/promises'
import { fail } from '../errors.ts'
import { fateOf, type Holder, parseHolder, thisHolder } from './holder.ts'

export interface FileLock {
  /** Throws `VS_EVM_LANE_LOCKED` where the lock is not this process's any more. */
  check(): Promise<void>
  release(): Promise<void>
}

/**
 * The right to write a file, for one process: a file beside it that names the holder. It has no time after which it is over: a
 * process that was held up for long is not dead. A holder that is dead for certain is replaced at once. Throws
 * `VS_EVM_LANE_LOCKED` with the holder, also where it can not be told whether he is: he ran in another container, or on
 * another host.
 */
export async function lockFile(path: string): Promise<FileLock> {
  const lockPath = `${path}.lock`
  const own: Own = {
    path: `${lockPath}.${randomUUID()}`,
    text: JSON.stringify({ ...thisHolder(), token: randomUUID() }),
  }
  await writeDurably(own)
  try {
    await acquire(own, path, lockPath)
  } finally {
    await unlink(own.path)
  }
  const isOwn = async (): Promise<boolean> => (await textOf(lockPath)) === own.text
  if (locked.size === 0) process.once('exit', releaseAll)
  locked.set(lockPath, own.text)
  return {
    check: async () => {
      if (await isOwn()) return
      throw fail('VS_EVM_LANE_LOCKED', {
        message: 'The lock was taken away from this process',
        details: { journal: path, lock: lockPath },
      })
    },
    release: async () => {
      locked.delete(lockPath)
      if (locked.size === 0) process.off('exit', releaseAll)
      if (await isOwn()) await unlink(lockPath).catch(absent)
    },
  }
}

/** What names this process, on disk before it is a lock: a link gives it a name that was free, whole or not at all. */
interface Own {
  readonly path: string
  readonly text: string
}

/** Those of this process, and what it wrote into them. */
const locked = new Map<string, string>()

/** For a process that ends without releasing them. */
function releaseAll(): void {
  for (const [path, text] of locked) {
    try {
      if (readFileSync(path, 'utf8') === text) unlinkSync(path)
    } catch {
      // The next process finds its holder dead.
    }
  }
}

/** Gives the name to this process. Throws where its holder is not dead, or may not be. */
async function acquire(own: Own, journal: string, name: string): Promise<void> {
  while (!(await isLinked(own.path, name))) {
    const text = await textOf(name)
    if (text === undefined) continue
    const holder = holderIn(text)
    const fate = holder === undefined ? 'unknown' : fateOf(holder)
    if (fate === 'unknown') throw unclear(journal, name, holder)
    if (fate === 'alive')
      throw fail('VS_EVM_LANE_LOCKED', { details: { journal, process: holder?.process, host: holder?.host } })
    if (await isTakenOver(own, journal, name, text)) return
  }
}

/**
 * Takes the place of a dead holder. Many may find him dead: who has the name that is made of his entry is the only one who may
 * replace it, so that a new holder's is never taken for it. That name has a holder too, who may die.
 */
async function isTakenOver(own: Own, journal: string, name: string, text: string): Promise<boolean> {
  const right = `${name}.${createHash('sha256').update(text).digest('hex').slice(0, 16)}`
  await acquire(own, journal, right)
  try {
    if ((await textOf(name)) !== text) return false
    const copy = `${own.path}.copy`
    await link(own.path, copy)
    await rename(copy, name)
    return true
  } finally {
    await unlink(right)
  }
}

const unclear = (path: string, lockPath: string, holder: Holder | undefined) =>
  fail('VS_EVM_LANE_LOCKED', {
    message: 'It can not be told from here whether the process that has the lock still runs',
    details: { journal: path, process: holder?.process, host: holder?.host, lock: lockPath },
  })

function holderIn(text: string): Holder | undefined {
  try {
    return parseHolder(JSON.parse(text))
  } catch {
    return undefined
  }
}

/** False where the name is taken. */
async function isLinked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to)
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw error
  }
}

async function writeDurably({ path, text }: Own): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Undefined where there is none; empty for what is no file. */
const textOf = (path: string): Promise<string | undefined> =>
  readFile(path, 'utf8').catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined
    if (codeOf(error) === 'EISDIR') return ''
    throw error
  })

const codeOf = (error: unknown): unknown =>
  typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined

function absent(error: unknown): undefined {
  if (codeOf(error) !== 'ENOENT') throw error
}
