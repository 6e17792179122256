import { randomUUID } from 'node:crypto'
import { open, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { fail } from './errors.ts'

const LIMIT = 512 * 1024 * 1024

export async function readBytes(cwd: string, path: string): Promise<Uint8Array> {
  const full = resolve(cwd, path)
  try {
    const { size } = await stat(full)
    if (size <= LIMIT) return new Uint8Array(await readFile(full))
  } catch (cause) {
    throw unreadable(path, cause)
  }
  throw fail('VS_CLI_FILE', { details: { path, expected: `at most ${LIMIT} bytes` } })
}

/** Strict UTF-8 without a byte order mark: one text has one form. */
export async function readText(cwd: string, path: string): Promise<string> {
  const bytes = await readBytes(cwd, path)
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    throw fail('VS_CLI_FILE', { details: { path, expected: 'UTF-8 text' }, cause })
  }
}

/** Whole or not at all, as `writeBytes`. */
export const writeText = (cwd: string, path: string, text: string): Promise<void> =>
  writeBytes(cwd, path, new TextEncoder().encode(text))

/** Whole or not at all: written beside its place, then renamed. */
export async function writeBytes(cwd: string, path: string, bytes: Uint8Array): Promise<void> {
  const full = resolve(cwd, path)
  const part = `${full}.${randomUUID()}.part`
  try {
    const file = await open(part, 'wx')
    try {
      await file.writeFile(bytes)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(part, full)
  } catch (cause) {
    await rm(part, { force: true }).catch(() => {})
    throw unwritable(path, cause)
  }
}

/** Throws, before there is anything to write, what `writeBytes` would throw afterwards. Leaves nothing behind. */
export async function checkWritable(cwd: string, path: string): Promise<void> {
  const full = resolve(cwd, path)
  const found = await stat(full).catch((cause: unknown) => {
    if (codeOf(cause) !== 'ENOENT') throw unwritable(path, cause)
    return undefined
  })
  if (found !== undefined && !found.isFile())
    throw fail('VS_CLI_FILE', {
      details: { path, reason: found.isDirectory() ? 'is a folder' : 'is not a plain file' },
    })
  const part = `${full}.${randomUUID()}.part`
  try {
    await (await open(part, 'wx')).close()
    await rm(part)
  } catch (cause) {
    throw unwritable(path, cause)
  }
}

/** What is missing for a file that is to be written is its folder. */
function unwritable(path: string, cause: unknown) {
  if (codeOf(cause) !== 'ENOENT') return unreadable(path, cause)
  return fail('VS_CLI_FILE', { details: { path, reason: `no such folder: ${dirname(path)}` }, cause })
}

const codeOf = (cause: unknown): string | undefined =>
  typeof cause === 'object' && cause !== null && 'code' in cause ? String(cause.code) : undefined

export function unreadable(path: string, cause: unknown) {
  const reasons: Readonly<Record<string, string>> = {
    ENOENT: 'no such file',
    EISDIR: 'is a folder',
    ENOTDIR: 'is not a folder',
    EACCES: 'no permission',
    EPERM: 'no permission',
    EROFS: 'the file system is read-only',
    ENOSPC: 'no space is left',
  }
  return fail('VS_CLI_FILE', {
    details: { path, reason: reasons[codeOf(cause) ?? ''] ?? (cause instanceof Error ? cause.message : String(cause)) },
    cause,
  })
}
