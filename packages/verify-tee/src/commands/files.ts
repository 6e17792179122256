import { lstat, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
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

/** Throws `VS_TEE_FILE` unless nothing is there, or an empty folder. */
export async function mustBeFree(cwd: string, path: string): Promise<void> {
  const full = resolve(cwd, path)
  const found = await lstat(full).catch((cause: unknown) => {
    if (codeOf(cause) === 'ENOENT') return undefined
    throw unreadable(path, cause)
  })
  if (found === undefined) return
  if (!found.isDirectory() || (await readdir(full)).length > 0) throw taken(path)
}

/** A new folder, which appears with all of the files in it: written beside, then moved. What is there already stays. */
export async function writeFolder(cwd: string, path: string, files: readonly NamedFile[]): Promise<void> {
  const full = resolve(cwd, path)
  const draft = join(dirname(full), `.${basename(full)}-${process.pid}-${Date.now().toString(36)}`)
  try {
    await mkdir(draft)
    for (const { name, bytes } of files) await writeFile(join(draft, name), bytes, { flag: 'wx', flush: true })
    await rename(draft, full)
  } catch (cause) {
    await rm(draft, { recursive: true, force: true })
    const code = codeOf(cause)
    if (code === 'ENOTEMPTY' || code === 'EEXIST' || code === 'ENOTDIR') throw taken(path)
    const reason = code === 'ENOENT' ? 'the folder that it should lie in is not there' : REASONS[code]
    throw fail('VS_TEE_FILE', { details: { path: visible(path), reason: reason ?? 'can not be written' }, cause })
  }
}

const taken = (path: string) => unusable(path, 'is there already, and nothing is written over: name another')

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

const codeOf = (cause: unknown): string =>
  typeof cause === 'object' && cause !== null && 'code' in cause ? String(cause.code) : ''

function unreadable(path: string, cause: unknown) {
  const reason = REASONS[codeOf(cause)] ?? 'can not be read'
  return fail('VS_TEE_FILE', { details: { path: visible(path), reason }, cause })
}
