import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = (script: string, ...args: readonly string[]) =>
  promisify(execFile)(process.execPath, [
    '--conditions=@veristack/source',
    '--import',
    'tsx',
    join(__dirname, script),
    ...args,
  ])

describe('a job that two processes share', () => {
  let directory = ''
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'veristack-two-'))
  })
  afterAll(() => rm(directory, { recursive: true, force: true }))

  test('the first executes and exits, the second proves and verifies from the directory alone', async () => {
    const first = await run('first.ts', directory)
    expect(first.stdout).toMatch(/^0x[0-9a-f]{64}$/)
    const second = await run('second.ts', directory, first.stdout)
    expect(JSON.parse(second.stdout)).toEqual({
      status: 'accepted',
      execution: 'claimed',
      tracks: { 'toy/echo': 'accepted' },
      bytes: [40, 0, 0, 0, 42, 0, 0, 0],
    })
  })
})
