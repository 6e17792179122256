import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { certificate, makeQuote } from '../intel/platform.fixture.ts'
import { pcs } from '../intel/service.fixture.ts'
import { makeEvidence, ourRoot } from '../nitro/enclave.fixture.ts'
import { type Service, serve } from '../service.fixture.ts'
import { expectPlain, inFolder, type Ran, runTee } from './commands.fixture.ts'

let service: Service
beforeAll(async () => {
  service = await serve(pcs('der'))
})
afterAll(() => service.close())

test('the lines of the README do what they say', async () => {
  const readme = await readFile(join(__dirname, '..', '..', 'README.md'), 'utf8')
  const section = /\n## On the command line\n([\s\S]*?)\n(?:## |<!-- )/.exec(readme)?.[1] ?? ''
  const block = (language: string): string =>
    new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``).exec(section)?.[1]?.trimEnd() ?? ''
  const [inspect = '', verify = '', fetch = '', folderOf = '', ...more] = block('sh').split('\n')
  expect(more).toEqual([])

  const files = {
    'document.bin': makeEvidence(),
    'policy.json': block('json'),
    'quote.hex': Buffer.from(makeQuote()).toString('hex'),
    'nitro.der': ourRoot(),
    'intel.der': certificate('root'),
  }
  await inFolder(files, async (folder) => {
    const run = (line: string, ...beside: readonly string[]): Promise<Ran> => {
      expect(line).toMatch(/^npx veristack tee /)
      return runTee(folder, ...line.split(' ').slice(3), ...beside)
    }
    expect(await run(inspect)).toMatchObject({
      status: 0,
      error: undefined,
      out: expect.stringMatching(/^AWS Nitro\n/),
    })
    // The evidence is our own, so it ends at the vendor's root, unless another is given.
    expect((await run(verify)).out).toMatch(/^rejected: VS_TEE_CHAIN\n/)
    const accepted = await run(verify, '--root', 'nitro.der')
    expect(accepted).toMatchObject({ status: 0, out: expect.stringMatching(/^accepted\n/) })
    expectPlain(accepted.out)
    const late = await run(verify.replace('15:06:50Z', '15:16:41Z'), '--root', 'nitro.der')
    expect(late.status).toBe(1)
    expect(late.out.slice(0, block('text').length)).toBe(block('text'))

    const fetched = await run(fetch, '--base-url', service.base, '--root-crl-url', `${service.base}/root.crl`)
    expect(fetched).toMatchObject({
      status: 0,
      error: undefined,
      out: expect.stringMatching(/^fetched into collateral\n/),
    })
    const byClock = await run(folderOf, '--root', 'intel.der')
    expect(byClock.error).toBeUndefined()
    expect(byClock.out).toMatch(/^ {2}now {17}20\S+ \(the clock of this machine\)$/m)
    expect(byClock.out).toMatch(/^default policy/m)
  })
})
