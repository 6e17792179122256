// What only shows in a process of its own: the command line that finds these commands, and a reader that goes away.
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { makeQuote } from '../intel/platform.fixture.ts'
import { makeEvidence } from '../nitro/enclave.fixture.ts'

const root = resolve(__dirname, '../../../..')
const folder = join(root, 'node_modules', `.veristack-tee-${process.pid}`)
beforeAll(async () => {
  await mkdir(folder, { recursive: true })
  const main = `import { main, processIo } from 'veristack'
process.exitCode = await main(process.argv.slice(2), processIo(), { own: ${JSON.stringify(join(root, 'packages/veristack'))}, folder: process.cwd() })`
  await writeFile(join(folder, 'main.mts'), main)
  await writeFile(join(folder, 'package.json'), '{}')
  await writeFile(join(folder, 'document.bin'), makeEvidence())
  const hex = Buffer.from(makeQuote()).toString('hex')
  await writeFile(join(folder, 'quotes.hex'), `${hex}\n`.repeat(40))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const start = (...args: readonly string[]): ChildProcess =>
  spawn(process.execPath, ['--conditions=@veristack/source', '--import', 'tsx', 'main.mts', ...args], { cwd: folder })

async function ended(child: ChildProcess): Promise<{ status: number | null; out: string; err: string }> {
  let [out, err] = ['', '']
  child.stdout?.on('data', (chunk) => {
    out += String(chunk)
  })
  child.stderr?.on('data', (chunk) => {
    err += String(chunk)
  })
  const status = await new Promise<number | null>((done) => child.on('close', done))
  return { status, out, err }
}

test('the command line has these commands, and refuses in one line', async () => {
  const shown = await ended(start('tee', 'inspect', 'document.bin'))
  expect(shown).toMatchObject({ status: 0, err: '', out: expect.stringMatching(/^AWS Nitro\n/) })
  const refused = await ended(start('tee', 'inspect', 'package.json'))
  expect(refused).toMatchObject({ status: 1, out: '' })
  expect(refused.err).toMatch(/^veristack: The file holds no evidence[^\n]*\[VS_TEE_UNKNOWN_EVIDENCE\]\n$/)
  for (const args of [['tee'], ['tee', '--help']])
    expect(await ended(start(...args))).toMatchObject({
      status: 0,
      err: '',
      out: expect.stringMatching(/^veristack tee COMMAND FILE[\s\S]*\n {2}veristack tee verify FILE --policy P/),
    })
  const help = await ended(start('tee', 'verify', '--help'))
  expect(help).toMatchObject({ status: 0, out: expect.stringMatching(/^veristack tee verify FILE --policy P --now T/) })
})

test('a reader that goes away ends it quietly', async () => {
  const child = start('tee', 'inspect', 'quotes.hex', '--full')
  child.stdout?.once('data', () => child.stdout?.destroy())
  const { status, err } = await ended(child)
  // As SIGPIPE would have it: there is more than a pipe holds.
  expect([status, err]).toEqual([141, ''])
})
