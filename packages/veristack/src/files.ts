import { randomUUID } from 'node:crypto'
import { open, readFile, rename, rm, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
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
    await rm(part, { force: true })
    throw unreadable(path, cause)
  }
}

export function unreadable(path: string, cause: unknown) {
  const code = typeof cause === 'object' && cause !== null && 'code' in cause ? String(cause.code) : undefined
  const reasons: Readonly<Record<string, string>> = {
    ENOENT: 'no such file',
    EISDIR: 'is a folder',
    ENOTDIR: 'is not a folder',
    EACCES: 'no permission',
  }
  return fail('VS_CLI_FILE', {
    details: { path, reason: reasons[code ?? ''] ?? (cause instanceof Error ? cause.message : String(cause)) },
    cause,
  })
}
