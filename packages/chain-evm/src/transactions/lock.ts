import { readFile, rm, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { lock } from 'proper-lockfile'
import { fail } from '../errors.ts'

/** Without a sign of life for this long, a holder that can not be looked up counts as dead. */
const STALE_MS = 15_000
const TAKEOVER = { stale: 5000, retries: { retries: 100, factor: 1, minTimeout: 100, maxTimeout: 100 } }

export interface FileLock {
  /** Throws `VS_EVM_LANE_LOCKED` where another process has taken the lock away. */
  check(): void
  release(): Promise<void>
}

interface Owner {
  readonly process: number
  readonly host: string
}

/**
 * The right to write a file, for one process. What a killed process left behind is taken over at once on the same machine,
 * and after 15 s elsewhere. Throws `VS_EVM_LANE_LOCKED` with the holder.
 */
export async function lockFile(path: string): Promise<FileLock> {
  const ownerPath = `${path}.owner`
  let lost: unknown
  const acquire = () =>
    lock(path, {
      realpath: false,
      stale: STALE_MS,
      onCompromised: (error) => {
        lost = error
      },
    })
  const refusal = async (): Promise<Error> => {
    const owner = await readOwner(ownerPath)
    return fail('VS_EVM_LANE_LOCKED', { details: { journal: path, process: owner?.process, host: owner?.host } })
  }
  // One process at a time decides whether the holder is dead, or two could take over from the same one.
  const decide = await lock(ownerPath, { realpath: false, ...TAKEOVER })
  try {
    const release = await acquire().catch(async (error: unknown) => {
      if (!isLocked(error) || !isDead(await readOwner(ownerPath))) throw isLocked(error) ? await refusal() : error
      await rm(`${path}.lock`, { recursive: true, force: true })
      return acquire()
    })
    const owner: Owner = { process: process.pid, host: hostname() }
    await writeFile(ownerPath, JSON.stringify(owner), { mode: 0o600 })
    return {
      check: () => {
        if (lost !== undefined) throw fail('VS_EVM_LANE_LOCKED', { details: { journal: path }, cause: lost })
      },
      release: () => release().catch(() => undefined),
    }
  } finally {
    await decide()
  }
}

const isLocked = (error: unknown): boolean =>
  typeof error === 'object' && error !== null && 'code' in error && error.code === 'ELOCKED'

async function readOwner(path: string): Promise<Owner | undefined> {
  try {
    const raw: unknown = JSON.parse(await readFile(path, 'utf8'))
    if (typeof raw !== 'object' || raw === null || !('process' in raw) || !('host' in raw)) return undefined
    if (typeof raw.process !== 'number' || typeof raw.host !== 'string') return undefined
    return { process: raw.process, host: raw.host }
  } catch {
    return undefined
  }
}

function isDead(owner: Owner | undefined): boolean {
  if (owner === undefined || owner.host !== hostname()) return false
  try {
    process.kill(owner.process, 0)
    return false
  } catch (error) {
    return typeof error === 'object' && error !== null && 'code' in error && error.code === 'ESRCH'
  }
}
