import { randomBytes } from 'node:crypto'
import { link, mkdir, open, rename, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** Blobs and records hold inputs and salts, so only the user who runs the process may read them. */
const DIRECTORY_MODE = 0o700
const FILE_MODE = 0o600

export async function makeDirectory(path: string): Promise<void> {
  const made = await mkdir(path, { recursive: true, mode: DIRECTORY_MODE })
  if (made !== undefined) await syncDirectory(dirname(made))
}

/**
 * Writes the whole file or nothing, even if the machine stops: a temporary file in the same directory, then `rename`.
 * An existing file is replaced in one step.
 */
export async function replaceFile(directory: string, name: string, bytes: Uint8Array): Promise<void> {
  const temporary = await writeTemporary(directory, bytes)
  try {
    await rename(temporary, join(directory, name))
  } catch (cause) {
    await unlink(temporary)
    throw cause
  }
  await syncDirectory(directory)
}

/**
 * Like {@link replaceFile}, but false where the file exists, whoever made it: `link` is exclusive between processes,
 * and the file is complete from the moment it has its name.
 */
export async function createFile(directory: string, name: string, bytes: Uint8Array): Promise<boolean> {
  const temporary = await writeTemporary(directory, bytes)
  try {
    await link(temporary, join(directory, name))
  } catch (cause) {
    if (hasCode(cause, 'EEXIST')) return false
    throw cause
  } finally {
    await unlink(temporary)
  }
  await syncDirectory(directory)
  return true
}

/** Names of temporary files begin with a dot; one that a crash left behind is never read. */
async function writeTemporary(directory: string, bytes: Uint8Array): Promise<string> {
  const path = join(directory, `.${process.pid}-${randomBytes(12).toString('hex')}.tmp`)
  const file = await open(path, 'wx', FILE_MODE)
  try {
    await file.writeFile(bytes)
    await file.sync()
  } catch (cause) {
    await unlink(path)
    throw cause
  } finally {
    await file.close()
  }
  return path
}

/** Makes the names in a directory durable. Some platforms can not open a directory; there the file system decides. */
async function syncDirectory(path: string): Promise<void> {
  if (process.platform === 'win32') return
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}

/** True for an error of the operating system with this code. */
export const hasCode = (error: unknown, code: string): boolean =>
  typeof error === 'object' && error !== null && 'code' in error && error.code === code
