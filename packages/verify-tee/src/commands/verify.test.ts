import {
  NOW as INTEL_NOW,
  certificate as intelCertificate,
  ourOptions as intelOptions,
  issuerOf,
  makeCollateral,
  makeQuote,
  pem,
} from '../intel/platform.fixture.ts'
import { makeEvidence, ourOptions as nitroOptions, ourRoot } from '../nitro/enclave.fixture.ts'
import {
  entryOf,
  pem as gpuPem,
  makeBundle,
  makeReport as makeGpuReport,
  makeKeySet,
  makeList,
  NOW as NVIDIA_NOW,
  ourRoot as nvidiaRoot,
  usualChain,
  usualCrls,
  webKey,
} from '../nvidia/devices.fixture.ts'
import { makeOcsp } from '../nvidia/ocsp.fixture.ts'
import { makeCrl } from '../pki/authority.fixture.ts'
import { sevSnpDefaults } from '../sev-snp/index.ts'
import { honest } from '../sev-snp/mutation.fixture.ts'
import { expectPlain, inFolder, runTee } from './commands.fixture.ts'

type Files = Readonly<Record<string, Uint8Array | string | object>>
const verify = (files: Files, ...args: readonly string[]) =>
  inFolder(files, async (folder) => {
    const ran = await runTee(folder, 'verify', 'evidence', ...args)
    if (!args.includes('--json')) expectPlain(ran.out)
    return ran
  })

describe('Nitro', () => {
  const { now, appraisal, relyingParty } = nitroOptions()
  const files = { evidence: makeEvidence(), policy: { appraisal, relyingParty }, root: ourRoot() }
  const asked = ['--policy', 'policy', '--now', `${now}`, '--root', 'root'] as const

  test('is accepted, and everything is said', async () => {
    const { status, out, error } = await verify(files, ...asked)
    expect(error).toBeUndefined()
    expect(status).toBe(0)
    expect(out).toMatch(/^accepted\n {2}vendor {14}AWS Nitro\n/)
    expect(out).toMatch(/^ {2}now {17}2025-06-15T15:06:50Z \(as given\)$/m)
    expect(out).toMatch(/^ {2}root {16}root, in place of the pinned one$/m)
    expect(out).toMatch(/^ {2}platform id {9}i-0123456789abcdef0$/m)
    for (const stage of ['evidence', 'appraisal', 'relying-party'])
      expect(out).toMatch(new RegExp(`^checks: ${stage}$`, 'm'))
    expect(out).not.toMatch(/^ {2}(?:fail|skipped)/m)
    expect(out).toMatch(/^not covered by any verdict\n {2}- which machine it was/m)
    expect(out).toMatch(/WireTap/)
    expect(out).not.toMatch(/default policy/)
  })

  test('without the private root it is rejected', async () => {
    const { status, out } = await verify(files, ...asked.slice(0, 4))
    expect(status).toBe(1)
    expect(out).toMatch(/^rejected: VS_TEE_CHAIN\n {2}because {13}certificate-chain: the bundle does not/)
    expect(out).toMatch(/^ {2}fail {5}certificate-chain/m)
    expect(out).not.toMatch(/in place of the pinned one/)
  })

  test('JSON is the verdict with what it was asked', async () => {
    const { out } = await verify(files, ...asked, '--json')
    expect(JSON.parse(out)).toMatchObject({
      status: 'accepted',
      now: '2025-06-15T15:06:50Z',
      policy: { relyingParty: { nonce: '06' } },
      checks: expect.arrayContaining([expect.objectContaining({ id: 'signature', outcome: 'pass' })]),
      notCovered: expect.arrayContaining([expect.stringContaining('WireTap')]),
    })
    expect((await verify(files, '--policy', 'default', '--now', '0', '--json')).status).toBe(1)
  })

  test('the default policy is printed, and is accepted as a file', async () => {
    const byName = await verify(files, '--policy', 'default', ...asked.slice(2))
    expect(byName.out).toMatch(/^accepted\n/)
    expect(byName.out).toMatch(/^default policy: .*appraisal\n {2}allowDebug +false\n {2}pcrs +"any"$/m)
    expect(byName.out).toMatch(/^ {2}skipped {2}pcrs +the policy allows any code$/m)
    const { policy } = JSON.parse((await verify(files, '--policy', 'default', ...asked.slice(2), '--json')).out)
    expect((await verify({ ...files, policy }, ...asked)).status).toBe(0)
  })

  test('what lies in another format is rejected, with a hint', async () => {
    const evidence = Uint8Array.from([0, 1, ...makeEvidence()])
    const { status, out } = await verify({ ...files, evidence }, ...asked)
    expect(status).toBe(1)
    expect(out).toMatch(/^rejected: VS_TEE_MALFORMED\n/)
    expect(out).toMatch(/^ {2}hint {16}evidence lies at byte 2, in another format: take that off$/m)
  })

  test('the clock of the machine has to be asked for', async () => {
    const { out, status } = await verify(files, '--policy', 'policy', '--root', 'root', '--now', 'now')
    expect(status).toBe(1)
    expect(out).toMatch(/^ {2}now {17}20\S+Z \(the clock of this machine\)$/m)
    expect(out).toMatch(/^rejected: VS_TEE_(?:FRESHNESS|CERTIFICATE_DATE)\n/)
  })
})

describe('Intel', () => {
  const { appraisal, relyingParty } = intelOptions()
  const files = {
    evidence: Buffer.from(makeQuote()).toString('hex'),
    policy: { appraisal, relyingParty },
    root: pem(intelCertificate('root')),
  }
  const asked = ['--policy', 'policy', '--now', `${INTEL_NOW}`, '--root', 'root'] as const
  const collateral = makeCollateral()

  test('without collateral the verdict is undetermined', async () => {
    const { status, out } = await verify(files, ...asked)
    expect(status).toBe(1)
    expect(out).toMatch(/^undetermined: collateral is missing\n {2}because {13}TCB info, QE identity/)
    expect(out).toMatch(/^ {2}TCB status {10}not known$/m)
  })

  const camel = (set: object) =>
    Object.fromEntries(Object.entries(set).map(([k, v]) => [k.replace(/_(.)/g, (_, c: string) => c.toUpperCase()), v]))
  test.each<readonly [string, object]>([
    ['as it is fetched', collateral],
    ['with names of another case', camel(collateral)],
    ['with bodies that were parsed', { ...collateral, tcb_info: JSON.parse(collateral.tcb_info) }],
    ['with what other tools say beside', { ...collateral, version: 3, tee_type: 0x81 }],
  ])('with collateral %s it is accepted, with TCB status and advisories', async (_, set) => {
    const { status, out, error } = await verify({ ...files, collateral: set }, ...asked, '--collateral', 'collateral')
    expect(error).toBeUndefined()
    expect(out).toMatch(/^accepted\n/)
    expect(status).toBe(0)
    expect(out).toMatch(/^ {2}TCB status {10}UpToDate\n {2}of its parts {8}platform UpToDate/m)
    expect(out).toMatch(/^ {2}advisories {10}none$/m)
    expect(out).toMatch(/^ {2}platform id {9}(?:11){16}$/m)
  })

  const response = (member: string, body: string, signature = ''): string =>
    `{"${member}":${body},"signature":"${signature}"}`
  const parts: Files = {
    'any name.json': response('tcbInfo', collateral.tcb_info, collateral.tcb_info_signature),
    'identity.json': JSON.stringify(
      JSON.parse(response('enclaveIdentity', collateral.qe_identity, collateral.qe_identity_signature)),
      null,
      2,
    ),
    'root.crl': Buffer.from(collateral.root_ca_crl, 'hex'),
    'pck-crl.hex': collateral.pck_crl,
    'signer.txt': encodeURIComponent(collateral.tcb_info_issuer_chain),
    'pck-ca.der': intelCertificate('platform'),
    README: 'kept for the record',
    '.hidden': 'x',
  }
  const inParts = (change: Files, ...more: readonly string[]) =>
    inFolder({ ...parts, ...change }, (folder) =>
      inFolder(files, (home) => runTee(home, 'verify', 'evidence', ...asked, '--collateral', folder, ...more)),
    )

  test('collateral may be a folder of what the services answered', async () => {
    const { status, out, error } = await inParts({})
    expect(error).toBeUndefined()
    expect(out).toMatch(/^accepted\n/)
    expect(status).toBe(0)
    expect(out).toMatch(/^ {2}not used {12}README$/m)
  })

  test('a folder that lacks a part, or has one twice, is refused by that name', async () => {
    const lacking = await inParts({ 'pck-crl.hex': '' })
    expect(lacking.error).toMatchObject({
      code: 'VS_TEE_FILE',
      details: { reason: expect.stringMatching(/lacks.*the PCK CA's revocation list$/) },
    })
    const twice = await inParts({ 'zzz.der': makeCrl({ issuer: issuerOf('root') }) })
    expect(twice.error).toMatchObject({
      code: 'VS_TEE_FILE',
      details: { path: 'zzz.der', reason: "is the root's list, and so is root.crl: leave one" },
    })
    const both = await inParts({ 'set.json': collateral })
    expect(both.error).toMatchObject({ code: 'VS_TEE_FILE' })
  })

  test('a folder that does not do is called by the path that was given', async () => {
    const both = await inParts({ 'set.json': collateral })
    expect(both.error).toMatchObject({ details: { path: expect.stringMatching(/veristack-tee-[^/]+$/) } })
    const empty = await inFolder({}, (folder) => verify(files, ...asked, '--collateral', folder))
    expect(empty.error).toMatchObject({
      code: 'VS_TEE_FILE',
      details: {
        path: expect.stringMatching(/veristack-tee-[^/]+$/),
        reason: expect.stringMatching(/^lacks TCB info .*; QE identity .*; the PCK CA's revocation list$/),
      },
    })
  })

  test('collateral that is damaged is a verdict, not an error', async () => {
    const set = { ...collateral, qe_identity: collateral.qe_identity.replace('TD_QE', 'QE') }
    const { status, out, error } = await verify({ ...files, collateral: set }, ...asked, '--collateral', 'collateral')
    expect([status, error]).toEqual([1, undefined])
    expect(out).toMatch(/^rejected: VS_TEE_(?:COLLATERAL|SIGNATURE)\n/)
  })
})

describe('AMD SEV-SNP', () => {
  const { report, collateral, now, root = new Uint8Array() } = honest('Milan', 'vcek')
  const files = { evidence: report, root }
  const asked = ['--policy', 'default', '--now', `${now}`, '--root', 'root'] as const
  const { vek, issuer, crl = new Uint8Array() } = collateral
  const base64 = (b: Uint8Array): string => Buffer.from(b).toString('base64')

  test('collateral in JSON, or a folder of certificates and list', async () => {
    const set = { vek: base64(vek), issuer: pem(issuer), crl: base64(crl) }
    const inJson = await verify({ ...files, set }, ...asked, '--collateral', 'set')
    expect(inJson.out).toMatch(/^accepted\n/)
    const inParts = await inFolder({ 'a.pem': pem(issuer, root), 'b.der': vek, c: crl }, (folder) =>
      verify(files, ...asked, '--collateral', folder),
    )
    expect(inParts.out).toMatch(/^accepted\n/)
    expect(inParts.out).toMatch(/^ {2}TCB status {10}(?:Committed|Provisional)$/m)
  })

  test('a list of another root is not left out, as if none had been given', async () => {
    const policy = JSON.stringify({
      appraisal: { ...sevSnpDefaults, measurements: 'any', minimumTcb: 'any', revocation: 'optional' },
      relyingParty: { reportData: 'any', platforms: 'any' },
    })
    const others = honest('Genoa', 'vcek').collateral.crl ?? new Uint8Array()
    const judge = (crl: Uint8Array) =>
      inFolder({ 'a.pem': pem(issuer, root), 'b.der': vek, ...(crl.length > 0 ? { c: crl } : {}) }, (folder) =>
        verify({ ...files, policy }, ...asked.slice(2), '--policy', 'policy', '--collateral', folder),
      )
    expect((await judge(new Uint8Array())).out).toMatch(/^accepted\n/)
    expect((await judge(others)).out).toMatch(/^rejected: VS_TEE_CRL/)
  })

  test('one certificate alone is a beginning', async () => {
    const { status, out } = await verify({ ...files, vek }, ...asked, '--collateral', 'vek')
    expect(status).toBe(1)
    expect(out).toMatch(
      /^undetermined: collateral is missing\n {2}because {13}no certificate of the issuer, SEV-Milan$/m,
    )
    expect(out).toMatch(/^ {2}platform id {9}(?:ab){20}…(?:ab){8} \(64 bytes\)$/m)
  })

  test('files without a certificate of AMD are refused', async () => {
    const { error } = await verify({ ...files, text: 'hello' }, ...asked, '--collateral', 'text')
    expect(error).toMatchObject({ code: 'VS_TEE_FILE', details: { path: 'text' } })
    const path = expect.stringMatching(/veristack-tee-[^/]+$/)
    const empty = await inFolder({ README: 'hello' }, (folder) => verify(files, ...asked, '--collateral', folder))
    expect(empty.error).toMatchObject({ code: 'VS_TEE_FILE', details: { path } })
  })
})

describe('NVIDIA', () => {
  const asked = ['--policy', 'default', '--now', `${NVIDIA_NOW}`, '--root', 'root'] as const
  const judge = (evidence: Uint8Array, parts: Files, form: 'folder' | 'file') => {
    const files = { evidence, root: nvidiaRoot() }
    return form === 'folder'
      ? inFolder(parts, (folder) => verify(files, ...asked, '--collateral', folder))
      : verify({ ...files, ...parts }, ...asked, '--collateral', Object.keys(parts)[0] ?? '')
  }
  const lists = Object.fromEntries(usualCrls().map((der, i) => [`${i}.crl`, der]))
  const answers = ['root', 'identity', 'ica'] as const
  const base64 = (b: Uint8Array): string => Buffer.from(b).toString('base64')

  test('tokens by a key set as the issuer serves it, or in JSON', async () => {
    const keySet = makeKeySet(webKey())
    expect((await judge(makeBundle(), { 'jwks.json': keySet }, 'folder')).out).toMatch(/^accepted\n/)
    expect((await judge(makeBundle(), { 'jwks.json': keySet }, 'file')).out).toMatch(/^accepted\n/)
    expect((await judge(makeBundle(), { set: { keySet } }, 'file')).out).toMatch(/^accepted\n/)
    expect((await judge(makeBundle(), { set: { keySet: JSON.parse(keySet) } }, 'file')).out).toMatch(/^accepted\n/)
  })

  test('a report by its chain, and lists', async () => {
    const chain = { 'chain.pem': gpuPem(usualChain()) }
    const report = makeGpuReport()
    expect((await judge(report, { ...chain, ...lists }, 'folder')).out).toMatch(/^accepted\n/)
    const set = { certificateChain: gpuPem(usualChain()), crls: usualCrls().map(base64) }
    expect((await judge(report, { set }, 'file')).out).toMatch(/^accepted\n/)
    const none = await judge(report, chain, 'folder')
    expect(none.out).toMatch(/^rejected: VS_TEE_CRL\n {2}because {13}revocation: no list or OCSP answer about /)
    // There is nothing to fetch them with.
    expect(none.out).not.toMatch(/tee fetch/)
  })

  test('a list of evidence by OCSP answers', async () => {
    const ocsp = Object.fromEntries(
      answers.map((issuer, i) => [`${issuer}.ocsp`, makeOcsp({ subjectSerial: BigInt(13 - i), issuer })]),
    )
    const list = makeList(entryOf())
    expect((await judge(list, { ...ocsp, README: 'kept' }, 'folder')).out).toMatch(/^accepted\n/)
    expect((await judge(list, { ...ocsp, README: 'kept' }, 'folder')).out).toMatch(/^ {2}not used {12}README$/m)
  })

  test('files that are nothing of it are refused', async () => {
    expect((await judge(makeBundle(), { text: 'hello' }, 'file')).error).toMatchObject({
      code: 'VS_TEE_FILE',
      details: { path: 'text', reason: 'holds no key set, certificates, lists or OCSP answers' },
    })
    const twice = { 'a.pem': gpuPem(usualChain().slice(0, 2)), 'b.pem': gpuPem(usualChain().slice(2)) }
    expect((await judge(makeGpuReport(), twice, 'folder')).error).toMatchObject({
      code: 'VS_TEE_FILE',
      details: { path: 'b.pem', reason: expect.stringMatching(/a chain is one file, leaf first$/) },
    })
  })
})

describe('refuses', () => {
  const good = { appraisal: { pcrs: 'any' }, relyingParty: { maxAgeSeconds: 1, platforms: 'any' } }
  const files = {
    evidence: makeEvidence(),
    good,
    lacks: { appraisal: good.appraisal },
    more: { ...good, now: 1 },
    text: '{',
  }
  test.each<readonly [string, readonly string[], string, string]>([
    ['no policy', ['--now', '1'], 'VS_TEE_INVALID_OPTION', '--policy'],
    ['no time', ['--policy', 'default'], 'VS_TEE_INVALID_OPTION', '--now'],
    ['a time that is a date alone', ['--policy', 'default', '--now', '2025-01-01'], 'VS_TEE_INVALID_OPTION', '--now'],
    [
      'a day that no calendar has',
      ['--policy', 'default', '--now', '2025-13-01T00:00:00Z'],
      'VS_TEE_INVALID_OPTION',
      '--now',
    ],
    [
      'a day that its month has not',
      ['--policy', 'default', '--now', '2025-02-30T00:00:00Z'],
      'VS_TEE_INVALID_OPTION',
      '--now',
    ],
    ['milliseconds', ['--policy', 'default', '--now', '1750000000000'], 'VS_TEE_INVALID_OPTION', '--now'],
    ['half a policy', ['--policy', 'lacks', '--now', '1'], 'VS_TEE_FILE', 'lacks'],
    ['more than a policy', ['--policy', 'more', '--now', '1'], 'VS_TEE_FILE', 'more'],
    ['a policy that is no JSON', ['--policy', 'text', '--now', '1'], 'VS_TEE_FILE', 'text'],
    ['a policy that is not there', ['--policy', 'none', '--now', '1'], 'VS_TEE_FILE', 'none'],
    ['collateral for Nitro', ['--policy', 'good', '--now', '1', '--collateral', 'good'], 'VS_TEE_FILE', 'good'],
    ['a root that is none', ['--policy', 'good', '--now', '1', '--root', 'text'], 'VS_TEE_INVALID_OPTION', 'root'],
  ])('%s', async (_, args, code, at) => {
    const { status, out, error } = await verify(files, ...args)
    expect([status, out]).toEqual([1, ''])
    expect(error).toMatchObject({ code })
    expect(Object.values((error as { details: object }).details)).toContain(at)
  })

  test('a policy of another vendor, by the field that is wrong', async () => {
    const { error } = await verify(
      { ...files, policy: { appraisal: { sgx: 'any' }, relyingParty: {} } },
      '--policy',
      'policy',
      '--now',
      '1',
    )
    expect(error).toMatchObject({
      code: 'VS_TEE_INVALID_OPTION',
      details: { field: expect.stringMatching(/^appraisal/) },
    })
  })
})

test('times with a zone, and seconds, are the same time', async () => {
  const files = { evidence: makeEvidence() }
  const at = async (now: string) =>
    JSON.parse((await verify(files, '--policy', 'default', '--now', now, '--json')).out).now
  for (const text of ['2025-06-15T17:06:50.900+02:00', '2025-06-15T15:06:50Z', '1750000010'])
    expect(await at(text)).toBe('2025-06-15T15:06:50Z')
})
