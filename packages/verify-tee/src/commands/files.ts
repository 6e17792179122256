import { readdir, readFile, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { fail } from '../errors.ts'
import { visible } from './print.ts'

const MAX_BYTES = 16 * 1024 * 1024
/** Collateral of one platform is a handful of files. */
const MAX_FILES = 64

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  EISDIR: 'is a folder',
  ENOTDIR: 'is not a folder',
  EACCES: 'no permission',
  EPERM: 'no permission',
}

export async function readBytes(cwd: string, path: string): Promise<Uint8Array> {
  const full = resolve(cwd, path)
  const { size, isFile } = await about(full, path)
  if (!isFile) throw unusable(path, 'is not a plain file')
  if (size > MAX_BYTES) throw unusable(path, `is larger than ${MAX_BYTES} bytes`)
  try {
    return new Uint8Array(await readFile(full))
  } catch (cause) {
    throw unreadable(path, cause)
  }
}

export interface NamedFile {
  /** As a person would call it. */
  readonly name: string
  readonly bytes: Uint8Array
}

/** One file, or the files of a folder by name, without those that begin with a dot. */
export async function readFileOrFolder(
  cwd: string,
  path: string,
): Promise<{ readonly path: string; readonly isFolder: boolean; readonly files: readonly NamedFile[] }> {
  const full = resolve(cwd, path)
  const { isFolder } = await about(full, path)
  if (!isFolder) return { path, isFolder, files: [{ name: path, bytes: await readBytes(cwd, path) }] }
  const names = await readdir(full).catch((cause: unknown) => {
    throw unreadable(path, cause)
  })
  const shown = names.filter((name) => !name.startsWith('.')).sort()
  if (shown.length > MAX_FILES) throw unusable(path, `has more than ${MAX_FILES} files`)
  const files: NamedFile[] = []
  for (const name of shown) {
    const { isFile } = await about(resolve(full, name), name)
    if (isFile) files.push({ name, bytes: await readBytes(full, name) })
  }
  return { path, isFolder, files }
}

async function about(full: string, path: string) {
  try {
    const found = await stat(full)
    return { size: found.size, isFile: found.isFile(), isFolder: found.isDirectory() }
  } catch (cause) {
    throw unreadable(path, cause)
  }
}

/** UTF-8, or undefined where the bytes are none. A byte order mark is taken off. */
export function textOf(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return undefined
  }
}

export async function readJson(cwd: string, path: string): Promise<unknown> {
  const text = textOf(await readBytes(cwd, path))
  try {
    if (text !== undefined) return JSON.parse(text)
  } catch {
    // Told below; the parser's message would quote the file.
  }
  throw unusable(path, 'is no JSON')
}

export const unusable = (path: string, reason: string) =>
  fail('VS_TEE_FILE', { details: { path: visible(path), reason } })

function unreadable(path: string, cause: unknown) {
  const code = typeof cause === 'object' && cause !== null && 'code' in cause ? String(cause.code) : ''
  return fail('VS_TEE_FILE', { details: { path: visible(path), reason: REASONS[code] ?? 'can not be read' }, cause })
}
