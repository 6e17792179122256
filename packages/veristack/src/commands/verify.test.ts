import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type CommandIo, type Receipt, serialiseReceipt } from '@veristack/core'
import { fakeCase } from '@veristack/core/testing'
import { verifyCommand } from './verify.ts'

/** Accepts its kind, or says that it does not. */
const plugin = `
const verifier = (kind, tier, status) => ({ kind, tier, verify: async ({ signed }) =>
  ({ status, tier, code: 'VS_ACME_REFUSED', checks: [], assumptions: [], covers: signed.outputs }) })
exports.verifiers = [verifier('fake/keyed', 'fake', 'accepted'), verifier('bad/keyed', 'bad', 'rejected')]`

describe('verify --require', () => {
  let folder = ''
  let receipt: Receipt
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'veristack-verify-'))
    await mkdir(join(folder, 'node_modules/acme'), { recursive: true })
    await writeFile(join(folder, 'package.json'), JSON.stringify({ dependencies: { acme: '1' } }))
    const manifest = { name: 'acme', version: '1.0.0', veristack: { verifiers: 'acme/v.cjs' } }
    await writeFile(join(folder, 'node_modules/acme/package.json'), JSON.stringify(manifest))
    await writeFile(join(folder, 'node_modules/acme/v.cjs'), plugin)
    receipt = (await fakeCase()).receipt
    const [evidence] = receipt.evidence
    if (evidence === undefined) throw new Error('no evidence')
    await writeFile(join(folder, 'good.json'), serialiseReceipt(receipt))
    const both = [evidence, { ...evidence, kind: 'bad/keyed' as const }]
    await writeFile(join(folder, 'both.json'), serialiseReceipt({ ...receipt, evidence: both }))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  const verify = async (...args: readonly string[]): Promise<string> => {
    const out: string[] = []
    const io = {
      cwd: folder,
      signal: new AbortController().signal,
      out: (text: string) => void out.push(text),
      err: () => {},
    }
    const status = await verifyCommand(folder).run([...args], io as unknown as CommandIo)
    return `${status} ${out.join('')}`
  }

  test('is met by evidence of every tier that it names', async () => {
    expect(await verify('good.json')).toMatch(/^0 accepted/)
    expect(await verify('good.json', '--require', 'fake')).toMatch(/^0 accepted[\s\S]*demanded {2}fake accepted/)
    expect(await verify('good.json', '--require', 'fake,tee')).toMatch(
      /^1 undetermined: blob[\s\S]*demanded {2}tee undetermined/,
    )
    expect(await verify('both.json')).toMatch(/^0 accepted[\s\S]*beside {4}rejected: VS_ACME_REFUSED \(bad\/keyed\)/)
    expect(await verify('both.json', '--require', 'fake, bad')).toMatch(/^1 rejected: VS_CORE_EVIDENCE_REFUSED/)
  })

  test('names tiers', async () => {
    for (const text of ['', ',', 'zkml,'])
      await expect(verify('good.json', '--require', text)).rejects.toMatchObject({ code: 'VS_CLI_USAGE' })
  })
})
