import { createReadStream } from 'node:fs'
import { type FileHandle, mkdir, open, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { type Address, type Hex, isVeristackError } from '@veristack/core/receipt'
import { fail } from '../errors.ts'
import { lockFile } from './lock.ts'
import { type JournalRecord, NO_CHECK, parseRecord, serialiseRecord } from './records.ts'

/** What a lane wrote down before it did it. */
export interface Journal {
  /** Durable when it resolves. Records are kept in the order of the calls. Throws `VS_EVM_JOURNAL_FAILED`. */
  append(records: readonly JournalRecord[]): Promise<void>
  close(): Promise<void>
}

/** Forgets everything with the process: for local chains and tests. */
export const memoryJournal = (): Journal => ({ append: async () => {}, close: async () => {} })

export interface JournalFile {
  readonly directory: string
  readonly chainId: bigint
  readonly account: Address
  /** Hash of the chain's first block: another chain with the same id is another chain. */
  readonly genesis: Hex
}

/**
 * Opens the one journal of an account on a chain and replays it. Throws `VS_EVM_LANE_LOCKED` while another process has
 * it, `VS_EVM_JOURNAL_MISMATCH` for another chain's, `VS_EVM_JOURNAL_CORRUPT` where a line is not what was written there. A
 * last line that was cut short is dropped: it was not yet durable, so nothing was done on its strength.
 * `VS_EVM_INVALID_OPTION` where the directory is a file, `VS_EVM_JOURNAL_FAILED` where it can not be used otherwise.
 */
export async function openJournal(file: JournalFile, replay: (record: JournalRecord) => void): Promise<Journal> {
  try {
    return await openFile(file, replay)
  } catch (error) {
    throw told(error, file.directory)
  }
}

/** An error of the file system with the folder's name; any other as it is. */
function told(error: unknown, directory: string): unknown {
  if (isVeristackError(error) || typeof error !== 'object' || error === null || !('code' in error)) return error
  if (error.code === 'EEXIST' || error.code === 'ENOTDIR') {
    const details = { field: 'journalDirectory', expected: 'a folder', got: 'a file', path: directory }
    return fail('VS_EVM_INVALID_OPTION', { details })
  }
  return fail('VS_EVM_JOURNAL_FAILED', { details: { path: directory, reason: String(error.code) }, cause: error })
}

async function openFile(file: JournalFile, replay: (record: JournalRecord) => void): Promise<Journal> {
  const path = join(file.directory, `${file.chainId}-${file.account}.journal`)
  await mkdir(file.directory, { recursive: true, mode: 0o700 })
  const lock = await lockFile(path)
  try {
    let last = await readJournal(path, file, replay)
    const handle = await open(path, 'a', 0o600)
    if (last === NO_CHECK) {
      const { chainId, account, genesis } = file
      const { line, check } = serialiseRecord({ kind: 'journal', version: 1, chainId, account, genesis }, last)
      await handle.write(line)
      await handle.sync()
      await syncDirectory(file.directory)
      last = check
    }
    return appendTo({ handle, path, lock, last })
  } catch (error) {
    await lock.release()
    throw error
  }
}

/** Records that come while the disk is busy go to it together. `last` is the last line's check. */
function appendTo({
  handle,
  path,
  lock,
  last,
}: {
  readonly handle: FileHandle
  readonly path: string
  readonly lock: Awaited<ReturnType<typeof lockFile>>
  last: string
}): Journal {
  let waiting: { readonly text: string; readonly done: (error?: unknown) => void }[] = []
  let writing: Promise<void> | undefined
  let broken: unknown

  const lineOf = (record: JournalRecord): string => {
    const { line, check } = serialiseRecord(record, last)
    last = check
    return line
  }
  const flush = async (): Promise<void> => {
    while (waiting.length > 0) {
      const batch = waiting
      waiting = []
      try {
        if (broken !== undefined) throw broken
        await lock.check()
        await handle.writeFile(batch.map((b) => b.text).join(''))
        await handle.datasync()
        for (const b of batch) b.done()
      } catch (error) {
        // What is on disk now is unknown; only a new start can tell.
        broken = error
        for (const b of batch) b.done(error)
      }
    }
    writing = undefined
  }
  return {
    append: (records) =>
      new Promise((resolve, reject) => {
        const done = (error?: unknown): void => {
          if (error === undefined) resolve()
          else if (isVeristackError(error)) reject(error)
          else reject(fail('VS_EVM_JOURNAL_FAILED', { details: { path }, cause: error }))
        }
        waiting.push({ text: records.map(lineOf).join(''), done })
        writing ??= Promise.resolve().then(flush)
      }),
    close: async () => {
      await writing
      broken = new Error('the journal is closed')
      await handle.close()
      await lock.release()
    },
  }
}

/** Returns the check of the last whole line; what follows it is cut off. */
async function readJournal(path: string, file: JournalFile, replay: (r: JournalRecord) => void): Promise<string> {
  let line = 0
  let whole = 0
  let last = NO_CHECK
  let rest = Buffer.alloc(0)
  const stream = createReadStream(path, { highWaterMark: 1 << 20 })
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      const bytes = Buffer.concat([rest, chunk])
      let from = 0
      for (let end = bytes.indexOf(10, from); end !== -1; end = bytes.indexOf(10, from)) {
        line += 1
        const parsed = parseRecord(bytes.subarray(from, end), last)
        if (parsed === undefined || (parsed.record.kind === 'journal') !== (line === 1)) throw corrupt(path, line)
        if (parsed.record.kind === 'journal') checkHeader(path, file, parsed.record)
        else replay(parsed.record)
        last = parsed.check
        from = end + 1
      }
      whole += from
      rest = bytes.subarray(from)
    }
  } catch (error) {
    if (typeof error === 'object' && error !== null && 'code' in error && error.code === 'ENOENT') return NO_CHECK
    throw error
  }
  // A whole line with something else where its end was is not one that was cut short.
  if (parseRecord(rest.subarray(0, -1), last) !== undefined) throw corrupt(path, line + 1)
  if (rest.length > 0) await truncate(path, whole)
  return last
}

const corrupt = (path: string, line: number) => fail('VS_EVM_JOURNAL_CORRUPT', { details: { path, line } })

function checkHeader(path: string, file: JournalFile, header: Extract<JournalRecord, { kind: 'journal' }>): void {
  for (const field of ['chainId', 'account', 'genesis'] as const) {
    if (header[field] === file[field]) continue
    throw fail('VS_EVM_JOURNAL_MISMATCH', { details: { path, field, expected: file[field], got: header[field] } })
  }
}

/** A new file is there after a crash only if its directory says so. */
async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r')
  // Some systems do not sync directories.
  await handle.sync().catch(() => undefined)
  await handle.close()
}
