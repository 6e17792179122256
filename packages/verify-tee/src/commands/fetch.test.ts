import { mkdirSync, writeFileSync } from 'node:fs'
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { certificate, makeCollateral, makeQuote, NOW } from '../intel/platform.fixture.ts'
import { pcs } from '../intel/service.fixture.ts'
import { makeEvidence } from '../nitro/enclave.fixture.ts'
import { makeReport as makeGpuReport } from '../nvidia/devices.fixture.ts'
import { type Service, serve } from '../service.fixture.ts'
import { withTable } from '../sev-snp/mutation.fixture.ts'
import { chips, kds, vlek } from '../sev-snp/service.fixture.ts'
import { expectPlain, inFolder, type Ran, runTee } from './commands.fixture.ts'

let service: Service
beforeAll(async () => {
  service = await serve(pcs('der'))
})
afterAll(() => service.close())
beforeEach(() => {
  service.asked.length = 0
  service.replies = pcs('der')
})

const quote = makeQuote()
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const intel = (): readonly string[] => ['--base-url', service.base, '--root-crl-url', `${service.base}/root.crl`]

/** Fetches into `out`, then does `then`. */
const fetched = <T>(
  evidence: Uint8Array | string,
  args: readonly string[],
  then: (ran: Ran, folder: string) => Promise<T> | T,
) =>
  inFolder({ evidence }, async (folder) => {
    const ran = await runTee(folder, 'fetch', 'evidence', '--out', 'out', ...args)
    expectPlain(ran.out)
    return then(ran, folder)
  })

describe('what is fetched is what tee verify reads', () => {
  test.each<readonly [string, Uint8Array | string]>([
    ['a quote', quote],
    ['a quote in hexadecimal', hex(quote)],
  ])('%s of Intel', (_, evidence) =>
    fetched(evidence, intel(), async (ran, folder) => {
      expect(ran).toMatchObject({ status: 0, err: '', error: undefined })
      expect(ran.out).toMatch(/^fetched into out\n {2}collateral\.json +\d+ bytes\n +sha256 [0-9a-f]{64}\n/)
      expect(ran.out.replace(/\n +/g, ' ')).toMatch(/veristack tee verify FILE --collateral out --policy P --now T/)
      expect(service.asked).toHaveLength(4)
      await writeFile(join(folder, 'root'), certificate('root'))
      const asked = ['evidence', '--policy', 'default', '--now', `${NOW}`, '--root', 'root']
      expect((await runTee(folder, 'verify', ...asked, '--collateral', 'out')).out).toMatch(/^accepted\n/)
    }),
  )

  test('a caching service of Intel', () => {
    service.replies = pcs('hex')
    return fetched(quote, ['--pccs-url', `${service.base}/`], async (ran, folder) => {
      expect(ran).toMatchObject({ status: 0, error: undefined })
      expect(await readdir(join(folder, 'out'))).toEqual(['collateral.json'])
      expect(service.asked).toContain('/sgx/certification/v4/rootcacrl')
    })
  })

  test.each(Object.entries(chips))('a report of AMD, %s', (_, { report, root = new Uint8Array(), now }) => {
    service.replies = kds()
    return fetched(report, ['--base-url', service.base], async (ran, folder) => {
      expect(ran).toMatchObject({ status: 0, error: undefined })
      expect(await readdir(join(folder, 'out'))).toEqual(['crl.der', 'issuer.pem', 'vek.der'])
      await writeFile(join(folder, 'root'), root)
      const asked = ['evidence', '--policy', 'default', '--now', `${now}`, '--root', 'root']
      expect((await runTee(folder, 'verify', ...asked, '--collateral', 'out')).out).toMatch(/^accepted\n/)
    })
  })

  test('a report of AMD with its certificates needs the list alone', () => {
    service.replies = kds()
    return fetched(withTable(vlek), ['--base-url', service.base], async (ran, folder) => {
      expect(ran).toMatchObject({ status: 0, error: undefined })
      expect(await readdir(join(folder, 'out'))).toEqual(['crl.der'])
      await writeFile(join(folder, 'root'), vlek.root ?? '')
      const asked = ['evidence', '--policy', 'default', '--now', `${vlek.now}`, '--root', 'root']
      expect((await runTee(folder, 'verify', ...asked, '--collateral', 'out')).out).toMatch(/^accepted\n/)
    })
  })

  test('a report of version 2, which does not say what it runs on', () => {
    service.replies = kds()
    const old = chips.Milan.report.with(0, 2)
    return fetched(old, ['--base-url', service.base], async (ran, folder) => {
      expect(ran.error).toMatchObject({ code: 'VS_TEE_INVALID_OPTION', details: { field: 'product', got: 'nothing' } })
      const asked = ['evidence', '--out', 'out', '--base-url', service.base, '--product', 'Milan']
      expect(await runTee(folder, 'fetch', ...asked)).toMatchObject({ status: 0 })
    })
  })

  test('a report in another format around it', () => {
    service.replies = kds()
    const wrapped = Buffer.concat([Buffer.from('HCLA'), Buffer.alloc(28), chips.Milan.report, Buffer.from([1, 2])])
    return fetched(wrapped, ['--base-url', service.base], (ran) => expect(ran).toMatchObject({ status: 0 }))
  })
})

describe('nothing is written over, and nothing by halves', () => {
  const noDraft = async (folder: string, ...names: readonly string[]) =>
    expect((await readdir(folder)).sort()).toEqual(['evidence', ...names].sort())

  test('an empty folder is taken', () =>
    inFolder({ evidence: quote }, async (folder) => {
      await mkdir(join(folder, 'out'))
      expect(await runTee(folder, 'fetch', 'evidence', '--out', 'out', ...intel())).toMatchObject({ status: 0 })
      await noDraft(folder, 'out')
    }))

  test.each<readonly [string, (out: string) => Promise<unknown>]>([
    ['a file', (out) => writeFile(out, 'mine')],
    ['a folder with something in it', (out) => mkdir(out).then(() => writeFile(join(out, 'collateral.json'), 'mine'))],
  ])('%s stays, and nobody is asked', (_, make) =>
    inFolder({ evidence: quote }, async (folder) => {
      const out = join(folder, 'out')
      await make(out)
      const ran = await runTee(folder, 'fetch', 'evidence', '--out', 'out', ...intel())
      expect(ran).toMatchObject({
        status: 1,
        out: '',
        error: { code: 'VS_TEE_FILE', details: { path: 'out', reason: expect.stringMatching(/^is there already/) } },
      })
      expect(service.asked).toEqual([])
      const file = (await stat(out)).isDirectory() ? join(out, 'collateral.json') : out
      expect(await readFile(file, 'utf8')).toBe('mine')
      await noDraft(folder, 'out')
    }),
  )

  test('what somebody put there meanwhile stays', () =>
    inFolder({ evidence: quote }, async (folder) => {
      const out = join(folder, 'out')
      service.replies = (path) => {
        mkdirSync(out, { recursive: true })
        writeFileSync(join(out, 'x'), 'theirs')
        return pcs('der')(path)
      }
      const ran = await runTee(folder, 'fetch', 'evidence', '--out', 'out', ...intel())
      expect(ran.error).toMatchObject({ code: 'VS_TEE_FILE', details: { path: 'out' } })
      expect(await readdir(out)).toEqual(['x'])
      await noDraft(folder, 'out')
    }))

  test.each<readonly [string, Service['replies']]>([
    ['an error', () => ({ status: 503, body: '' })],
    ['an answer of three', (path) => (path.includes('pckcrl') ? { status: 500, body: '' } : pcs('der')(path))],
  ])('after %s nothing is there', (_, replies) => {
    service.replies = replies
    return fetched(quote, intel(), async (ran, folder) => {
      expect(ran).toMatchObject({ status: 1, out: '', error: { code: 'VS_TEE_FETCH' } })
      await noDraft(folder)
    })
  })

  test('a folder that is not there to put it in', () =>
    inFolder({ evidence: quote }, async (folder) => {
      const ran = await runTee(folder, 'fetch', 'evidence', '--out', 'no/out', ...intel())
      expect(ran.error).toMatchObject({
        code: 'VS_TEE_FILE',
        details: { reason: expect.stringMatching(/is not there$/) },
      })
      await noDraft(folder)
    }))
})

describe('refuses', () => {
  const at = (): readonly string[] => ['--base-url', service.base]
  test.each<readonly [string, Uint8Array | string, () => readonly string[], object]>([
    ['Nitro', makeEvidence(), () => [], { code: 'VS_TEE_FETCH', details: { reason: expect.stringMatching(/^Nitro/) } }],
    ['NVIDIA', makeGpuReport(), () => [], { code: 'VS_TEE_FETCH', details: { reason: expect.stringMatching(/jwks/) } }],
    ['text', 'hello', at, { code: 'VS_TEE_UNKNOWN_EVIDENCE' }],
    [
      'two services',
      quote,
      () => [...at(), '--pccs-url', service.base],
      { details: { field: '--base-url', got: 'both' } },
    ],
    ['no address', quote, () => ['--base-url', 'pcs'], { details: { field: '--base-url', got: '"pcs"' } }],
    ['a file', quote, () => ['--base-url', 'file:///x'], { details: { field: '--base-url', got: '"file:///x"' } }],
    [
      'a secret',
      quote,
      () => ['--pccs-url', 'https://me:secret@pccs.example'],
      { details: { field: '--pccs-url', got: 'one with a user' } },
    ],
    ['another word', quote, () => [...at(), '--update', 'late'], { details: { field: '--update', got: '"late"' } }],
    ['a product of Intel', quote, () => [...at(), '--product', 'Milan'], { details: { field: '--product' } }],
    ['an unknown product', chips.Milan.report, () => [...at(), '--product', 'Rome'], { details: { got: '"Rome"' } }],
    ['a cache for AMD', chips.Milan.report, () => ['--pccs-url', service.base], { details: { field: '--pccs-url' } }],
  ])('%s', (_, evidence, args, error) =>
    fetched(evidence, args(), (ran) => {
      expect(ran).toMatchObject({ status: 1, out: '', error })
      expect(service.asked).toEqual([])
    }),
  )

  test('no folder', () =>
    inFolder({ evidence: quote }, async (folder) => {
      const { error } = await runTee(folder, 'fetch', 'evidence')
      expect(error).toMatchObject({ code: 'VS_TEE_INVALID_OPTION', details: { field: '--out', got: 'nothing' } })
    }))
})

test('whoever judges without collateral is told of this', () =>
  inFolder({ evidence: quote, set: makeCollateral() }, async (folder) => {
    const asked = ['verify', 'evidence', '--policy', 'default', '--now', `${NOW}`]
    await writeFile(join(folder, 'root'), certificate('root'))
    const without = await runTee(folder, ...asked, '--root', 'root')
    expect(without.out).toMatch(/^ {2}hint {16}veristack tee fetch FILE --out DIR, then --collateral DIR$/m)
    const given = await runTee(folder, ...asked, '--root', 'root', '--collateral', 'set')
    expect(given.out).not.toMatch(/tee fetch/)
  }))
