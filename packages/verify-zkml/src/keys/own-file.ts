import { constants, type Stats } from 'node:fs'
import { open } from 'node:fs/promises'

export const OTHERS_WRITE = 0o022
export const OTHERS_READ_OR_WRITE = 0o077

/**
 * Why others could have changed (or read, by the `forbidden` mode bits) a file or directory, or undefined. Windows has
 * neither owners nor modes here: the access list of the user's profile is relied on.
 */
export function unsafe({ uid, mode }: Pick<Stats, 'uid' | 'mode'>, forbidden: number): string | undefined {
  if (process.getuid === undefined) return undefined
  if (uid !== process.getuid()) return 'belongs to another user'
  return (mode & forbidden) === 0 ? undefined : `is open to others (mode ${(mode & 0o777).toString(8)})`
}

/** A file's bytes, or why it is not read; neither where there is none. Links are not followed. */
export async function readOwnFile(
  path: string,
  forbidden: number,
): Promise<{ readonly bytes?: Uint8Array; readonly reason?: string }> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    try {
      const about = await file.stat()
      const fault = about.isFile() ? unsafe(about, forbidden) : 'is no file'
      return fault === undefined ? { bytes: await file.readFile() } : { reason: `${path} ${fault}` }
    } finally {
      await file.close()
    }
  } catch (error) {
    const code = systemCode(error)
    return code === 'ENOENT' ? {} : { reason: `${path} can not be read (${code})` }
  }
}

/** The code of an error of the file system, such as `ENOENT`. */
export const systemCode = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : 'unknown'
