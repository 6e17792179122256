import { randomBytes, randomUUID } from 'node:crypto'
import { link, mkdir, open, rm, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { OTHERS_READ_OR_WRITE, OTHERS_WRITE, readOwnFile, systemCode, unsafe } from './own-file.ts'

const BYTES = 32

/** `~/.config/veristack/cache-secret`, or below `XDG_CONFIG_HOME`. */
export const defaultCacheSecretFile = (): string =>
  join(process.env.XDG_CONFIG_HOME || join(homedir(), '.config'), 'veristack', 'cache-secret')

/** Stands in where no secret can be kept: entries of other processes then fail, and are made again. */
const ofThisProcess = randomBytes(BYTES)

/**
 * What cache entries are authenticated with: 32 random bytes in a file that only its owner may read, made on first use.
 * Where the file can not be made or kept secret, one that lasts as long as the process, with a notice.
 */
export async function cacheSecret(path: string, notice: (reason: string) => void): Promise<Uint8Array> {
  const { bytes, reason = `${path} disappeared` } = await readOrMake(path)
  if (bytes !== undefined) return bytes
  notice(`no cache secret can be kept: ${reason}. Keys that other processes stored are made again`)
  return ofThisProcess
}

type Found = Awaited<ReturnType<typeof readOwnFile>>

async function readOrMake(path: string): Promise<Found> {
  const directory = dirname(path)
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 })
    const fault = unsafe(await stat(directory), OTHERS_WRITE)
    if (fault !== undefined) return { reason: `${directory} ${fault}` }
    const found = await read(path)
    if (found.bytes !== undefined || found.reason !== undefined) return found
    await make(path)
    return read(path)
  } catch (error) {
    return { reason: `${path} can not be made (${systemCode(error)})` }
  }
}

async function read(path: string): Promise<Found> {
  const found = await readOwnFile(path, OTHERS_READ_OR_WRITE)
  return found.bytes === undefined || found.bytes.length === BYTES
    ? found
    : { reason: `${path} has not ${BYTES} bytes` }
}

/** The file appears whole or not at all, and never in the place of another: `link` fails where there is one. */
async function make(path: string): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`
  try {
    const file = await open(temporary, 'wx', 0o600)
    try {
      await file.writeFile(randomBytes(BYTES))
      await file.sync()
    } finally {
      await file.close()
    }
    await link(temporary, path)
  } catch (error) {
    // Another process was first.
    if (systemCode(error) !== 'EEXIST') throw error
  } finally {
    await rm(temporary, { force: true })
  }
}
