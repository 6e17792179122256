import { readdir, readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { utf8ToBytes } from '@noble/hashes/utils.js'
import { createFile, hasCode, makeDirectory, replaceFile } from '../blobs/durable-file.ts'
import { keccakText, toHex } from '../claim/index.ts'
import { fail } from '../errors/index.ts'
import type { Job, Records } from './job.ts'
import {
  checkRecordName,
  checkSwap,
  parseJob,
  parseRecordId,
  parseRef,
  serialiseJob,
  serialiseRef,
} from './records-form.ts'

/**
 * Records in a directory that any number of processes may share: `<id>/job.<revision>.json` and
 * `<id>/record.<name>.json`. Every revision of a job stays, and each is created exclusively: of the processes that try
 * to write the same one, exactly one succeeds, without a lock that a crash could leave behind.
 */
export function directoryRecords(path: string): Records {
  const root = resolve(path)
  const directoryOf = (id: string) => join(root, parseRecordId(id).slice(2))

  return {
    async get(id, name) {
      const text = await readIfPresent(join(directoryOf(id), recordFile(name)))
      return text === undefined ? undefined : parseRef(text)
    },
    async put(id, name, ref) {
      const text = serialiseRef(ref)
      parseRef(text)
      const file = recordFile(name)
      await makeDirectory(directoryOf(id))
      await replaceFile(directoryOf(id), file, utf8ToBytes(text))
    },
    async once(id, name, ref) {
      const text = serialiseRef(ref)
      parseRef(text)
      const file = recordFile(name)
      await makeDirectory(directoryOf(id))
      if (await createFile(directoryOf(id), file, utf8ToBytes(text))) return parseRef(text)
      return parseRef(await readFile(join(directoryOf(id), file), 'utf8'))
    },
    job: async (id) => newestJob(directoryOf(id), parseRecordId(id)),
    async swap(expected, next) {
      const checked = checkSwap(expected, next)
      const directory = directoryOf(checked.request)
      if ((await newestRevision(directory)) !== expected) return false
      await makeDirectory(directory)
      return createFile(directory, jobFile(checked.revision), utf8ToBytes(serialiseJob(checked)))
    },
  }
}

const jobFile = (revision: number) => `job.${revision}.json`
const JOB_FILE = /^job\.([1-9][0-9]{0,14})\.json$/

/** Names of files have at most 255 bytes: what gets longer by escaping is named by its digest. */
function recordFile(name: string): string {
  const escaped = checkRecordName(name).replace(/[^a-z0-9_.-]/g, (c) => `%${c.charCodeAt(0).toString(16)}`)
  return `record.${escaped.length > 200 ? `%%${toHex(keccakText(name)).slice(2)}` : escaped}.json`
}

/** Revisions are never deleted and each follows the one before, so the highest is the current one. 0: none. */
async function newestRevision(directory: string): Promise<number> {
  const names = await readdir(directory).catch((cause: unknown) => {
    if (hasCode(cause, 'ENOENT')) return []
    throw cause
  })
  return names.reduce((newest, name) => Math.max(newest, Number(JOB_FILE.exec(name)?.[1] ?? 0)), 0)
}

async function newestJob(directory: string, request: string): Promise<Job | undefined> {
  const revision = await newestRevision(directory)
  if (revision === 0) return undefined
  const job = parseJob(await readFile(join(directory, jobFile(revision)), 'utf8'))
  if (job.revision !== revision || job.request !== request) {
    throw fail('VS_CORE_INVALID_DATA', {
      details: {
        field: 'job',
        expected: `${request} at revision ${revision}`,
        got: `${job.request} at ${job.revision}`,
      },
    })
  }
  return job
}

async function readIfPresent(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    if (hasCode(cause, 'ENOENT')) return undefined
    throw cause
  }
}
