// A stranger's tier: built, tested and used where nothing of Veristack is but the packages as they are published.
import { cp, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { publicPackages, root } from '../../scripts/packages.ts'
import { openPage } from './page.ts'
import { expectSuccess, installPacked, type Project } from './project.ts'

const EXAMPLE = join(root, 'examples/plugin-quorum')
const PLUGIN = 'plugin-quorum'

let project: Project

beforeAll(async () => {
  const packages = publicPackages()
  const { devDependencies } = JSON.parse(await readFile(join(EXAMPLE, 'package.json'), 'utf8'))
  const ours = packages.map(({ manifest }) => manifest.name)
  const others = Object.entries<string>(devDependencies).filter(([name]) => !ours.includes(name))
  project = await installPacked(packages, Object.fromEntries(others))
  await cp(EXAMPLE, join(project.folder, PLUGIN), {
    recursive: true,
    filter: (path) => !/\/(node_modules|dist)$/.test(path),
  })
}, 240_000)
afterAll(() => project?.remove())

test('compiles against the published types, with skipLibCheck off', async () => {
  expectSuccess(await project.run('npm', ['run', '--silent', 'build'], PLUGIN))
}, 120_000)

test('passes its own tests, the conformance suites among them', async () => {
  const outcome = await project.run('npm', ['test', '--silent'], PLUGIN)
  expectSuccess(outcome)
  expect(Number(/# pass (\d+)/.exec(outcome.stdout)?.[1])).toBeGreaterThan(40)
  expect(outcome.stdout).toContain('# skipped 0')
}, 120_000)

describe('in the hands of somebody who installed it', () => {
  const veristack = (...args: readonly string[]) => project.run('npx', ['--no-install', 'veristack', ...args])

  beforeAll(async () => {
    expectSuccess(await project.run('npm', ['pack', '--silent', '--pack-destination', '..'], PLUGIN))
    expectSuccess(await project.add('./acme-veristack-quorum-0.1.0.tgz'))
    await cp(join(EXAMPLE, 'test/program.mjs'), join(project.folder, 'program.mjs'))
    const [, lines] = /```js\n([\s\S]*?)```/.exec(await readFile(join(EXAMPLE, 'README.md'), 'utf8')) ?? []
    await project.write('ask.mjs', lines ?? '')
    // It writes receipt.json and anchors.json.
    expectSuccess(await project.node('ask.mjs'))
  }, 120_000)

  test('its command is found and says who signed', async () => {
    const outcome = await veristack('quorum', 'members', 'receipt.json')
    expectSuccess(outcome)
    expect(outcome.stdout).toMatch(/^2 of 3, anchor 0x[0-9a-f]{64}\n( {2}✓ 0x[0-9a-f]{40}\n){3}$/)
    expect((await veristack('--help')).stdout).toContain('quorum members')
  })

  test('its verifier is found, beside that of the published tier', async () => {
    const outcome = await veristack('verify', 'receipt.json', '--anchors', 'anchors.json', '--plugins', '.')
    expectSuccess(outcome)
    expect(outcome.stdout).toMatch(/^accepted\n/)
    expect(outcome.stdout).toMatch(/zkml +accepted/)
    expect(outcome.stdout).toMatch(/acme\/quorum +accepted/)
    expect(await veristack('verify', 'receipt.json', '--plugins', '.')).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/^undetermined: anchor\n/),
    })
  })

  test('a page judges the receipt, proof and signatures', async () => {
    const entries = ['@veristack/core/receipt', '@veristack/verify-zkml/verify', 'acme-veristack-quorum/verify']
    const page = await openPage(project.folder, entries)
    const [receipt, anchors] = await Promise.all(
      ['receipt.json', 'anchors.json'].map((file) => readFile(join(project.folder, file), 'utf8')),
    )
    page.run(`globalThis.judge = async (receipt, anchors) => {
      const { parseAnchors, parseReceipt, verifyReceipt } = veristack.m0
      const verdict = await verifyReceipt(parseReceipt(receipt), {
        verifiers: [...veristack.m1.verifiers, ...veristack.m2.verifiers],
        ...(anchors === undefined ? {} : { anchors: parseAnchors(anchors) }),
      })
      return [verdict.status, verdict.code, verdict.missing, ...verdict.leaves.map((l) => l.verdict.status)].join(' ').trim()
    }`)
    const judge = (...args: readonly (string | undefined)[]) =>
      page.run(`judge(${args.map((a) => JSON.stringify(a)).join()})`)
    expect(await judge(receipt, anchors)).toBe('accepted   accepted accepted')
    expect(await judge(receipt)).toBe('undetermined  anchor undetermined undetermined')
    const { evidence, ...rest } = JSON.parse(receipt ?? '')
    // One bit of the proof's first coordinate, or of the first signature: the payloads' last bytes are the key's and v.
    for (const kind of ['zkml/groth16-bn254', 'acme/quorum']) {
      const spoilt = evidence.map((e: { kind: string; payload: string }) => {
        const at = e.kind === kind ? (kind === 'acme/quorum' ? e.payload.length - 10 : 60) : 0
        const digit = (Number.parseInt(e.payload[at] ?? '', 16) ^ 1).toString(16)
        return at === 0 ? e : { ...e, payload: e.payload.slice(0, at) + digit + e.payload.slice(at + 1) }
      })
      expect(await judge(JSON.stringify({ ...rest, evidence: spoilt }), anchors)).toMatch(/^rejected VS_(ZKML|ACME)_/)
    }
  })
})
