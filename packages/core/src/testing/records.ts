import type { BlobRef } from '../blobs/blobs.ts'
import { type Digest, type Hex, type RequestId, toHex } from '../claim/index.ts'
import type { Job, Records } from '../job/job.ts'
import { refuses, type SuiteBase, same, suite } from './runner.ts'

const idOf = (n: number): RequestId => toHex(new Uint8Array(32).fill(n)) as Hex as RequestId
const refOf = (n: number): BlobRef => ({
  digest: toHex(new Uint8Array(32).fill(n)) as Digest,
  bytes: n,
  mediaType: 'text/plain',
})
const jobOf = (revision: number, change: Partial<Job> = {}): Job => ({
  request: idOf(1),
  execution: 'queued',
  tracks: { 'conformance/kind': 'waiting' },
  settlement: 'none',
  revision,
  ...change,
})

/** What every store of records must do: lose no write, and let exactly one of two contenders win. */
export function recordsSuite(options: SuiteBase<Records, never>): void {
  suite('records', options, ({ test }) => {
    test('keeps references by request and name; the last put wins', async () => {
      const records = await options.make()
      same(await records.get(idOf(1), 'signed'), undefined, 'an unknown record')
      await records.put(idOf(1), 'signed', refOf(1))
      await records.put(idOf(2), 'signed', refOf(2))
      await records.put(idOf(1), 'evidence/conformance/kind', refOf(3))
      await records.put(idOf(1), 'signed', refOf(4))
      same(await records.get(idOf(1), 'signed'), refOf(4), 'the record')
      same(await records.get(idOf(2), 'signed'), refOf(2), 'the record of another request')
      same(await records.get(idOf(1), 'evidence/conformance/kind'), refOf(3), 'the record of another name')
    })

    test('keeps what was written once, and tells every later writer what stands', async () => {
      const records = await options.make()
      const told = await Promise.all([1, 2, 3, 4].map((n) => records.once(idOf(1), 'claim', refOf(n))))
      const standing = await records.get(idOf(1), 'claim')
      same(new Set(told.map((r) => r.digest)).size, 1, 'the number of answers')
      same(told[0], standing, 'the answer')
      same(await records.once(idOf(1), 'claim', refOf(9)), standing, 'the answer to a later writer')
      same(await records.once(idOf(2), 'claim', refOf(9)), refOf(9), 'the answer for another request')
    })

    test('writes a job only over the revision that it was told', async () => {
      const records = await options.make()
      same(await records.job(idOf(1)), undefined, 'an unknown job')
      same(await records.swap(1, jobOf(2)), false, 'a second revision without a first')
      same(await records.swap(0, jobOf(1)), true, 'the first revision')
      same(await records.swap(0, jobOf(1, { execution: 'failed' })), false, 'the first revision again')
      same(await records.swap(1, jobOf(2, { execution: 'running' })), true, 'the second revision')
      same(await records.swap(0, jobOf(1)), false, 'an overtaken revision')
      same(await records.job(idOf(1)), jobOf(2, { execution: 'running' }), 'the job')
    })

    test('lets one of many win', async () => {
      const records = await options.make()
      for (let revision = 1; revision <= 4; revision++) {
        const won = await Promise.all(Array.from({ length: 8 }, () => records.swap(revision - 1, jobOf(revision))))
        same(won.filter((w) => w).length, 1, 'the number of winners')
      }
    })

    test('refuses a revision that does not follow, and names that are paths', async () => {
      const records = await options.make()
      await refuses(() => records.swap(0, jobOf(2)), 'a revision left out')
      for (const name of ['', '..', '../job', 'a//b', '/etc/passwd']) {
        await refuses(() => records.get(idOf(1), name), `the name '${name}'`)
      }
      await refuses(() => records.job('0x../..' as Hex as RequestId), 'an id that is a path')
    })
  })
}
