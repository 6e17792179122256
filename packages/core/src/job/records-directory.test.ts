import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { BlobRef } from '../blobs/blobs.ts'
import { type Digest, parseDigest, type RequestId } from '../claim/index.ts'
import type { Job, Records } from './job.ts'
import { directoryRecords } from './records-directory.ts'
import { memoryRecords } from './records-memory.ts'

const id = `0x${'ab'.repeat(32)}` as RequestId
const other = `0x${'cd'.repeat(32)}` as RequestId
const ref = (byte: string): BlobRef => ({
  digest: parseDigest(`0x${byte.repeat(32)}`),
  bytes: 3,
  mediaType: 'text/plain',
})
const job = (revision: number, change: Partial<Job> = {}): Job => ({
  request: id,
  execution: 'queued',
  tracks: { 'zkml/groth16-bn254': 'waiting' },
  settlement: 'none',
  revision,
  ...change,
})

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'veristack-records-'))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

const directory = () => join(root, id.slice(2))

describe.each([
  ['memory', () => memoryRecords()],
  ['directory', () => directoryRecords(root)],
] as const)('%s', (_, make) => {
  let records: Records
  beforeEach(() => {
    records = make()
  })

  test('keeps references by request and name; the last put wins', async () => {
    expect(await records.get(id, 'signed')).toBeUndefined()
    await records.put(id, 'signed', ref('01'))
    await records.put(other, 'signed', ref('02'))
    await records.put(id, 'evidence/zkml/groth16-bn254', ref('03'))
    await records.put(id, 'signed', ref('04'))
    expect(await records.get(id, 'signed')).toEqual(ref('04'))
    expect(await records.get(other, 'signed')).toEqual(ref('02'))
    expect(await records.get(id, 'evidence/zkml/groth16-bn254')).toEqual(ref('03'))
  })

  test('swaps only at the revision that it was told', async () => {
    expect(await records.job(id)).toBeUndefined()
    expect(await records.swap(1, job(2))).toBe(false)
    expect(await records.swap(0, job(1))).toBe(true)
    expect(await records.swap(0, job(1, { execution: 'failed' }))).toBe(false)
    expect(await records.swap(1, job(2, { execution: 'running' }))).toBe(true)
    expect(await records.swap(0, job(1))).toBe(false)
    expect(await records.swap(1, job(2))).toBe(false)
    expect(await records.swap(3, job(4))).toBe(false)
    expect(await records.job(id)).toEqual(job(2, { execution: 'running' }))
    expect(await records.job(other)).toBeUndefined()
  })

  test('of many who swap at once, one wins', async () => {
    for (let revision = 1; revision <= 5; revision++) {
      const won = await Promise.all(Array.from({ length: 8 }, () => records.swap(revision - 1, job(revision))))
      expect(won.filter(Boolean)).toHaveLength(1)
    }
    expect((await records.job(id))?.revision).toBe(5)
  })

  test.each<[string, () => Promise<unknown>]>([
    ['a wrong next revision', () => records.swap(0, job(2))],
    ['an unknown state', () => records.swap(0, job(1, { execution: 'lost' as Job['execution'] }))],
    ['an id that is a path', () => records.job('0x../..' as RequestId)],
    ['a name that is a path upwards', () => records.get(id, '../job.1.json')],
    ['a name with an empty word', () => records.get(id, 'a//b')],
    ['a hidden name', () => records.put(id, '.signed', ref('01'))],
    ['a name in upper case', () => records.put(id, 'Signed', ref('01'))],
    ['an empty name', () => records.get(id, '')],
    ['a reference without a digest', () => records.put(id, 'signed', { ...ref('01'), digest: '0x' as Digest })],
  ])('refuses %s', async (_name, act) => {
    await expect(act()).rejects.toMatchObject({ code: 'VS_CORE_INVALID_DATA' })
  })
})

describe('directory, as a directory', () => {
  test('a half-written revision of a writer that died is not seen', async () => {
    const records = directoryRecords(root)
    await records.swap(0, job(1))
    writeFileSync(join(directory(), '.9-0.tmp'), '{"execution"')
    expect(await records.job(id)).toEqual(job(1))
    expect(await records.swap(1, job(2))).toBe(true)
  })

  test('leaves one file for each revision and record', async () => {
    const records = directoryRecords(root)
    await records.swap(0, job(1))
    await records.swap(0, job(1))
    await records.put(id, 'evidence/a/b', ref('01'))
    await records.put(id, 'evidence/a/b', ref('02'))
    expect(readdirSync(directory()).sort()).toEqual(['job.1.json', 'record.evidence%2fa%2fb.json'])
  })

  test.each([
    ['is no JSON', 'x'],
    ['names another revision', JSON.stringify(job(7))],
    ['names another request', JSON.stringify({ ...job(2), request: other })],
    ['has a field too many', JSON.stringify({ ...job(2), extra: 1 })],
    ['has a field twice', JSON.stringify(job(2)).replace('{', '{"execution":"failed",')],
  ])('refuses a job file that %s', async (_name, text) => {
    const records = directoryRecords(root)
    await records.swap(0, job(1))
    writeFileSync(join(directory(), 'job.2.json'), text)
    await expect(records.job(id)).rejects.toMatchObject({ code: 'VS_CORE_INVALID_DATA' })
  })

  test('four processes that count together lose no step', async () => {
    const rounds = 15
    const program = `
      import { directoryRecords } from ${JSON.stringify(resolve(__dirname, 'records-directory.ts'))}
      const records = directoryRecords(${JSON.stringify(root)})
      let won = 0
      while (won < ${rounds}) {
        const now = await records.job(${JSON.stringify(id)})
        const revision = now?.revision ?? 0
        const next = { ...${JSON.stringify(job(1))}, revision: revision + 1 }
        if (await records.swap(revision, next)) won += 1
      }
      process.stdout.write(String(won))`
    const results = await Promise.all(Array.from({ length: 4 }, () => run(program)))
    expect(results).toEqual(Array.from({ length: 4 }, () => String(rounds)))
    expect((await directoryRecords(root).job(id))?.revision).toBe(4 * rounds)
    expect(readdirSync(directory())).toHaveLength(4 * rounds)
  })
})

function run(program: string): Promise<string> {
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 45_000,
  })
  let out = ''
  let err = ''
  child.stdout.on('data', (d) => {
    out += String(d)
  })
  child.stderr.on('data', (d) => {
    err += String(d)
  })
  return new Promise((done, failed) => {
    child.on('error', failed)
    child.on('close', (code) => (code === 0 ? done(out) : failed(new Error(err))))
  })
}
