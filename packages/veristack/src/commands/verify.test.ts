import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type CommandIo, numbers, type Receipt, serialiseReceipt, tensorSpec } from '@veristack/core'
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

  const verify = (...args: readonly string[]): Promise<string> => verifyOf(folder, args)
  /** Without the verifiers of the package that `verify` has of its own. */
  const verifyAlone = (...args: readonly string[]): Promise<string> => verifyOf(join(folder, 'nowhere'), args)

  const verifyOf = async (own: string, args: readonly string[]): Promise<string> => {
    const out: string[] = []
    const io = {
      cwd: folder,
      signal: new AbortController().signal,
      out: (text: string) => void out.push(text),
      err: () => {},
    }
    const status = await verifyCommand(own).run([...args], io as unknown as CommandIo)
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

  test('says of a tier without evidence that there is none, and what to do about what is open', async () => {
    const lacking = await verify('good.json', '--require', 'fake,tee')
    expect(lacking).toMatch(/^ {2}demanded {2}tee undetermined: blob \(no evidence of this tier\)$/m)
    expect(lacking).toMatch(/^ {2}hint {6}the receipt has no evidence of tee:/m)
    const alone = await verifyAlone('good.json')
    expect(alone).toMatch(
      /^1 undetermined: plugin\n[\s\S]*\n {2}hint {6}nothing installed here judges fake\/keyed: try --plugins/,
    )
    expect(await verify('good.json')).not.toContain('hint')
  })

  test('states the outputs that it speaks for, with their types, in text and in JSON', async () => {
    const outputs = receipt.outputs.map((t) => ({ name: t.name, type: t.type, shape: t.shape, values: numbers(t) }))
    expect(outputs.length).toBeGreaterThan(0)
    const text = await verify('good.json')
    for (const t of receipt.outputs)
      expect(text).toContain(`\n  output    ${t.name} = ${numbers(t).join(' ')}  (${tensorSpec(t).split(':')[0]})\n`)
    const json = JSON.parse((await verify('good.json', '--json')).slice(2))
    expect(json).toMatchObject({ status: 'accepted', outputs })
    // What is open or refused states nothing.
    for (const [status, ...args] of [
      ['undetermined', 'good.json', '--require', 'tee'],
      ['rejected', 'both.json', '--require', 'bad'],
    ] as const) {
      expect(await verify(...args)).not.toContain('  output ')
      expect(JSON.parse((await verify(...args, '--json')).slice(2))).toMatchObject({ status, outputs: [] })
    }
  })

  test('refuses a plugin folder that can name no package', async () => {
    await mkdir(join(folder, 'empty'), { recursive: true })
    await mkdir(join(folder, 'list'), { recursive: true })
    await writeFile(join(folder, 'list/package.json'), '[]')
    for (const path of ['nope', 'empty', 'list', 'good.json'])
      await expect(verify('good.json', '--plugins', path)).rejects.toMatchObject({ code: 'VS_CLI_FILE' })
    expect(await verifyAlone('good.json', '--plugins', '.')).toMatch(/^0 accepted/)
  })

  test('--help tells every option', () => {
    for (const option of ['anchors', 'require', 'plugins', 'now', 'json'])
      expect(verifyCommand(folder).usage).toMatch(new RegExp(`^--${option} `, 'm'))
  })

  test('names tiers', async () => {
    for (const text of ['', ',', 'zkml,'])
      await expect(verify('good.json', '--require', text)).rejects.toMatchObject({ code: 'VS_CLI_USAGE' })
  })
})
