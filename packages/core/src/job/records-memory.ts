import type { BlobRef } from '../blobs/blobs.ts'
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

/** Records that are gone with the process. */
export function memoryRecords(): Records {
  const refs = new Map<string, string>()
  const jobs = new Map<string, string>()
  const key = (id: string, name: string) => `${parseRecordId(id)} ${checkRecordName(name)}`
  const current = (id: string): Job | undefined => {
    const text = jobs.get(parseRecordId(id))
    return text === undefined ? undefined : parseJob(text)
  }
  return {
    async get(id, name): Promise<BlobRef | undefined> {
      const text = refs.get(key(id, name))
      return text === undefined ? undefined : parseRef(text)
    },
    async put(id, name, ref) {
      const text = serialiseRef(ref)
      parseRef(text)
      refs.set(key(id, name), text)
    },
    async once(id, name, ref) {
      const text = serialiseRef(ref)
      parseRef(text)
      const standing = refs.get(key(id, name)) ?? text
      refs.set(key(id, name), standing)
      return parseRef(standing)
    },
    async job(id) {
      return current(id)
    },
    async swap(expected, next) {
      const checked = checkSwap(expected, next)
      if ((current(checked.request)?.revision ?? 0) !== expected) return false
      jobs.set(checked.request, serialiseJob(checked))
      return true
    },
  }
}
