/** What a newcomer types: the built example, in a process of its own, without a loader. */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'

const root = resolve(__dirname, '../..')
interface Outcome {
  readonly status: number
  readonly out: string
  readonly err: string
}
const run = (script: string, ...args: readonly string[]): Promise<Outcome> =>
  new Promise((done) => {
    execFile(process.execPath, [...script.split(' '), ...args], { cwd: root }, (error, out, err) =>
      done({ status: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, out, err }),
    )
  })
const BUILT = 'examples/help-desk/dist/demo.js'

let first: Outcome
beforeAll(async () => {
  first = await run(`scripts/built.mjs ${BUILT}`)
}, 600_000)

test('the one command shows a refund that a proof routed', () => {
  const scripts: Readonly<Record<string, string>> = JSON.parse(
    readFileSync(resolve(root, 'package.json'), 'utf8'),
  ).scripts
  expect(scripts['help-desk']).toBe('node scripts/built.mjs examples/help-desk/dist/demo.js')
  const { status, out, err } = first
  expect({ status, err: status === 0 ? '' : err }).toEqual({ status: 0, err: '' })
  const readme = readFileSync(resolve(root, 'examples/help-desk/README.md'), 'utf8')
  const shown = /```text\n([\s\S]*?)```/.exec(readme)?.[1] ?? ''
  expect(withoutDigits(out)).toBe(withoutDigits(shown))
})

test('and hands anything else to a person', async () => {
  const { status, out } = await run(BUILT, 'I still have not received my new card')
  expect(status).toBe(0)
  expect(out).toMatch(/^answer +card_arrival, proved \(zkml\), checked on chain: delivered, callback succeeded$/m)
  expect(out).toMatch(/^desk +passed on: with a person$/m)
}, 240_000)

test('and refuses words without a letter by name', async () => {
  expect(await run(BUILT, '?!')).toMatchObject({
    status: 1,
    out: '',
    err: expect.stringContaining('(VS_EXAMPLE_EMPTY_TEXT)'),
  })
})

/** Addresses and ids are others each time. */
const withoutDigits = (text: string): string => text.replace(/0x[0-9a-f]{40,64}|0x…/g, '0x')
