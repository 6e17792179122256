import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Address, Hex } from '@veristack/core'
import { assert, asyncProperty, nat } from 'fast-check'
import { type JournalFile, openJournal } from './journal.ts'
import type { JournalRecord } from './records.ts'

const word = (n: number): Hex => `0x${n.toString(16).padStart(64, '0')}`
const account = `0x${'11'.repeat(20)}` as Address

const sent = (intent: number): readonly JournalRecord[] => [
  {
    ...{ kind: 'intent', intent, key: `w${intent}`, name: 'count', to: account, data: word(intent) },
    ...{ valueWei: 0n, gasLimit: 60_000n, block: 7n },
  },
  { kind: 'attempt', intent, nonce: intent, fill: false, hash: word(99), maxFeeWei: 5n, tipWei: 1n, raw: '0x02f8' },
]

let directory: string
let file: JournalFile
let path: string
/** Of a journal with six lines. */
let written: Buffer

const replayed = async (): Promise<readonly JournalRecord[]> => {
  const records: JournalRecord[] = []
  await (await openJournal(file, (r) => records.push(r))).close()
  return records
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'veristack-journal-'))
  file = { directory, chainId: 31337n, account, genesis: word(1) }
  const journal = await openJournal(file, () => {})
  await Promise.all([journal.append(sent(0)), journal.append(sent(1))])
  await journal.append([{ kind: 'final', intent: 0 }])
  await journal.close()
  path = join(directory, String((await readdir(directory)).find((f) => f.endsWith('.journal'))))
  written = await readFile(path)
})
afterAll(() => rm(directory, { recursive: true, force: true }))
beforeEach(() => writeFile(path, written))

const RECORDS: readonly JournalRecord[] = [...sent(0), ...sent(1), { kind: 'final', intent: 0 }]

test('gives back what was written, over several openings', async () => {
  expect(await replayed()).toEqual(RECORDS)
  const journal = await openJournal(file, () => {})
  await journal.append(sent(2))
  await journal.close()
  expect(await replayed()).toEqual([...RECORDS, ...sent(2)])
})

test.each([
  ['a key', '"key":"w1"', '"key":"v1"', 4],
  ['a digit of a hash', '"hash":"0x0', '"hash":"0x1', 3],
  ['a digit of what was signed', '"raw":"0x02', '"raw":"0x03', 3],
  ['the chain', '"chainId":"31337"', '"chainId":"31338"', 1],
])('refuses another character in %s', async (_, before, after, line) => {
  const text = written.toString('utf8')
  expect(text).toContain(before)
  await writeFile(path, text.replace(before, after))
  await expect(replayed()).rejects.toMatchObject({ code: 'VS_EVM_JOURNAL_CORRUPT', details: { path, line } })
})

test('refuses another bit, wherever it is', async () => {
  await assert(
    asyncProperty(nat(written.length - 1), nat(7), async (at, bit) => {
      const other = Buffer.from(written)
      other.writeUInt8(other.readUInt8(at) ^ (1 << bit), at)
      await writeFile(path, other)
      await expect(replayed()).rejects.toMatchObject({ code: 'VS_EVM_JOURNAL_CORRUPT' })
    }),
    { numRuns: 200, examples: [[written.length - 1, 0]] },
  )
})

test('refuses a line that was taken out, repeated, or moved', async () => {
  const lines = written.toString('utf8').split(/(?<=\n)/)
  const [a, b, c, ...more] = lines
  for (const changed of [
    [a, c, ...more],
    [a, b, b, c, ...more],
    [a, c, b, ...more],
  ]) {
    await writeFile(path, changed.join(''))
    await expect(replayed()).rejects.toMatchObject({ code: 'VS_EVM_JOURNAL_CORRUPT' })
  }
})

test('drops a last line that was cut short, wherever it was cut, and goes on behind the one before', async () => {
  const end = written.length - 1
  const start = written.lastIndexOf(10, end - 1) + 1
  for (let cut = start; cut <= end; cut++) {
    await writeFile(path, written.subarray(0, cut))
    expect(await replayed()).toEqual(RECORDS.slice(0, -1))
  }
  const journal = await openJournal(file, () => {})
  await journal.append(sent(2))
  await journal.close()
  expect(await replayed()).toEqual([...RECORDS.slice(0, -1), ...sent(2)])
})
