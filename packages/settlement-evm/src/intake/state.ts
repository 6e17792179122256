import { mkdir, open, readFile, rename } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import {
  type Cursor,
  type EventLog,
  parseCursor,
  parseStoredEventLog,
  serialiseCursor,
  serialiseEventLog,
} from '@veristack/chain-evm'
import { fail } from '../errors.ts'

/** How far the chain was read, and of what was read that which is not finished: one without the other is worth nothing. */
export interface IntakeState {
  readonly cursor?: Cursor
  readonly open: readonly EventLog[]
}

export interface StateFile {
  read(): Promise<IntakeState>
  /** The whole state or none of it, also where the machine stops. */
  write(state: IntakeState): Promise<void>
}

const FILE = 'intake.json'
const LIMIT = 256 * 1024 * 1024

/** `owner` is what the state is about: a file of another chain or contract is refused. */
export function stateFile(directory: string, owner: string): StateFile {
  const folder = resolve(directory)
  const path = join(folder, FILE)
  return {
    read: async () => {
      const text = await readFile(path, 'utf8').catch((error: unknown) => {
        if (isAbsent(error)) return undefined
        throw error
      })
      return text === undefined ? { open: [] } : parse(text, owner)
    },
    write: async ({ cursor, open: logs }) => {
      const text = JSON.stringify({
        version: 1,
        owner,
        ...(cursor === undefined ? {} : { cursor: serialiseCursor(cursor) }),
        open: logs.map(serialiseEventLog),
      })
      await mkdir(folder, { recursive: true, mode: 0o700 })
      const temporary = join(folder, `.${FILE}.${process.pid}.tmp`)
      const file = await open(temporary, 'w', 0o600)
      try {
        await file.writeFile(text)
        await file.sync()
      } finally {
        await file.close()
      }
      await rename(temporary, path)
      await syncFolder(folder)
    },
  }
}

function parse(text: string, owner: string): IntakeState {
  const refuse = (expected: string, cause?: unknown) =>
    fail('VS_SETTLE_INVALID_OPTION', {
      details: { field: 'directory', expected, got: `${FILE} of ${text.length} characters` },
      ...(cause === undefined ? {} : { cause }),
    })
  let raw: unknown
  try {
    if (text.length > LIMIT) throw new TypeError('too long')
    raw = JSON.parse(text)
  } catch (cause) {
    throw refuse('a state that an intake wrote', cause)
  }
  if (!isState(raw)) throw refuse('a state that an intake wrote')
  if (raw.owner !== owner) throw refuse(`the state of an intake of ${owner}`)
  try {
    return {
      ...(raw.cursor === undefined ? {} : { cursor: parseCursor(raw.cursor) }),
      open: raw.open.map(parseStoredEventLog),
    }
  } catch (cause) {
    throw refuse('a state that an intake wrote', cause)
  }
}

interface RawState {
  readonly version: 1
  readonly owner: string
  readonly cursor?: string
  readonly open: readonly string[]
}

function isState(raw: unknown): raw is RawState {
  if (typeof raw !== 'object' || raw === null) return false
  const { version, owner, cursor, open: logs, ...rest } = raw as Record<string, unknown>
  return (
    version === 1 &&
    typeof owner === 'string' &&
    (cursor === undefined || typeof cursor === 'string') &&
    Array.isArray(logs) &&
    logs.every((l) => typeof l === 'string') &&
    Object.keys(rest).length === 0
  )
}

const isAbsent = (error: unknown): boolean =>
  typeof error === 'object' && error !== null && 'code' in error && error.code === 'ENOENT'

/** Makes the name durable; some platforms can not open a directory. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
