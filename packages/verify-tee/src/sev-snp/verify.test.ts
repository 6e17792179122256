import type { TeeErrorCode } from '../errors.ts'
import {
  inspectSevSnp,
  SEV_SNP_CHECKS,
  type SevSnpAppraisal,
  type SevSnpCheck,
  type SevSnpRelyingParty,
  sevSnpDefaults,
  verifySevSnp,
} from './index.ts'
import {
  AMD,
  arkOf,
  askFields,
  authority,
  type CertificateFields,
  type Chip,
  type CrlFields,
  certificate,
  crl,
  ecPair,
  integer,
  makeReport,
  makeTable,
  NOW,
  signReport,
  vekFields,
} from './pki.fixture.ts'

const keys = authority()
const cpuids = { Milan: [0x19, 1, 1], Genoa: [0x19, 0x11, 1], Turin: [0x1a, 2, 1] } as const
const VCEK = '63da758d-e664-4564-adc5-f4b93be8accd'
const ASK = '4ab7b379-bbac-4fe4-a02f-05aef327c782'
const ARK_KEY = 'c0b406a4-a803-4952-9743-3fb6014cd0ae'
const CRL = '92f81bc3-5811-4d3d-97ff-d19f88dc67ea'

/** Everything that a test may bend before it is signed. */
interface Case {
  chip?: Partial<Chip>
  version?: number
  body?: (body: Uint8Array) => void
  whole?: (report: Uint8Array) => Uint8Array
  vek?: Partial<CertificateFields>
  ask?: Partial<CertificateFields>
  crl?: Partial<CrlFields> | 'none'
  collateral?: Record<string, Uint8Array | string | undefined>
  appraisal?: Partial<SevSnpAppraisal>
  relyingParty?: Partial<SevSnpRelyingParty>
  now?: bigint
}

function build(bend: Case) {
  const chip: Chip = {
    product: 'Milan',
    kind: 'vcek',
    productName: `${bend.chip?.product ?? 'Milan'}-B0`,
    hwid: new Uint8Array(bend.chip?.product === 'Turin' ? 8 : 64).fill(0xaa),
    tcb:
      bend.chip?.product === 'Turin'
        ? Uint8Array.of(1, 2, 3, 4, 0, 0, 0, 0x51)
        : Uint8Array.of(4, 1, 0, 0, 0, 0, 24, 219),
    ...bend.chip,
  }
  const body = makeReport(chip, bend.version ?? 3, bend.version === 2 ? [0, 0, 0] : cpuids[chip.product])
  bend.body?.(body)
  const report = signReport(body, keys.vek.key)
  const root = arkOf(keys, chip.product)
  return {
    chip,
    root,
    evidence: bend.whole?.(report) ?? report,
    vek: certificate({ ...vekFields(keys, chip), ...bend.vek }, keys.ask.key),
    issuer: certificate({ ...askFields(keys, chip), ...bend.ask }, keys.ark.key),
    ...(bend.crl === 'none' ? {} : { crl: crl({ issuer: `ARK-${chip.product}`, ...bend.crl }, keys.ark.key) }),
  }
}

const appraisal: SevSnpAppraisal = { ...sevSnpDefaults, measurements: ['44'.repeat(48)], minimumTcb: 'any' }
const relyingParty: SevSnpRelyingParty = { reportData: '33'.repeat(64), platforms: 'any' }

async function judge(bend: Case = {}) {
  const { evidence, root, vek, issuer, ...rest } = build(bend)
  return verifySevSnp(evidence, {
    collateral: { vek, issuer, ...('crl' in rest ? { crl: rest.crl } : {}), ...bend.collateral },
    appraisal: { ...appraisal, ...bend.appraisal },
    relyingParty: { ...relyingParty, ...bend.relyingParty },
    now: bend.now ?? NOW,
    root,
  })
}

const set =
  (at: number, ...bytes: readonly number[]) =>
  (body: Uint8Array): void =>
    body.set(bytes, at)

/** After the signature was made. */
const put =
  (at: number, byte: number) =>
  (report: Uint8Array): Uint8Array =>
    report.with(at, byte)

describe('what holds is accepted', () => {
  const cases: Readonly<Record<string, Case>> = {
    'Milan, version 2': { version: 2 },
    'Milan, version 3': {},
    'Genoa, version 3': { chip: { product: 'Genoa' } },
    'Siena under the root of Genoa': { chip: { product: 'Genoa', productName: 'Siena' }, body: set(0x189, 0xa0) },
    'Turin, version 5': { chip: { product: 'Turin' }, version: 5, body: set(0x1f8, 0x3f) },
    'Turin, version 2': { chip: { product: 'Turin', productName: 'Turin' }, version: 2 },
    'a VLEK': { chip: { kind: 'vlek' } },
    'a VLEK and a masked chip': { chip: { kind: 'vlek', hwid: new Uint8Array(64) } },
    'a masked chip': { body: (body) => body.fill(0, 0x1a0, 0x1e0) },
    'firmware above what is committed and reported': { body: set(0x3f, 255) },
    'every part of a policy': {
      version: 5,
      body: (body) => {
        body.set([1], 0x48)
        body.set([0x1f, 0, 0xff - 0x20 - 4 - 8, 3], 8)
        body.set([3, 0, 0, 0, 0, 0, 0, 0, 7], 0x1f8)
      },
      appraisal: {
        cspIds: ['nobody'],
        minimumTcb: { Milan: { reported: { bootloader: 4, tee: 1, snp: 24, microcode: 219 }, launch: { snp: 24 } } },
        minimumFirmware: { major: 1, minor: 55, build: 1 },
        mitigations: { launch: '0000000000000003', current: '0000000000000005' },
        guestPolicy: {
          ...sevSnpDefaults.guestPolicy,
          singleSocket: 'required',
          memAes256Xts: 'required',
          raplDisabled: 'required',
          ciphertextHidingDram: 'required',
          pageSwapDisabled: 'required',
          minimumAbi: { major: 0, minor: 31 },
        },
        platformInfo: { ...sevSnpDefaults.platformInfo, ecc: 'required', aliasCheckComplete: 'required' },
        hostData: ['55'.repeat(32)],
        idKeyDigests: ['66'.repeat(48)],
        authorKeyDigests: ['77'.repeat(48)],
        familyIds: ['11'.repeat(16)],
        imageIds: ['22'.repeat(16)],
        minimumGuestSvn: 7,
      },
      relyingParty: { reportIds: ['88'.repeat(32)], platforms: ['aa'.repeat(64)] },
    },
  }
  test.each(Object.entries(cases))('%s', async (_, bend) => {
    const verdict = await judge(bend)
    expect(verdict).toMatchObject({ status: 'accepted' })
    expect(verdict.checks.filter(({ outcome }) => outcome === 'fail')).toEqual([])
    expect(verdict.checks.map(({ id }) => id)).toEqual(Object.keys(SEV_SNP_CHECKS))
  })

  test('certificates may follow the report, as DER or PEM, in either order of the keys', async () => {
    const { evidence, root, vek, issuer, crl: list = new Uint8Array() } = build({})
    const pem = (bytes: Uint8Array): Uint8Array =>
      Buffer.from(
        `-----BEGIN CERTIFICATE-----\n${(
          Buffer.from(bytes)
            .toString('base64')
            .match(/.{1,64}/g) ?? []
        ).join('\n')}\n-----END CERTIFICATE-----\n`,
      )
    const tables = [
      makeTable([
        [VCEK, vek],
        [ASK, issuer],
        [ARK_KEY, root],
        [CRL, list],
      ]),
      makeTable([
        [VCEK, pem(vek)],
        [ASK, pem(issuer)],
        [ARK_KEY, pem(root)],
        [CRL, list],
      ]),
      makeTable([
        ['8d75da6364e66445adc5f4b93be8accd', vek],
        ['12'.repeat(16), root],
        [ASK, issuer],
        [CRL, list],
      ]),
    ]
    for (const table of tables) {
      const padded = Buffer.concat([evidence, table, new Uint8Array(4096)])
      expect(await verifySevSnp(padded, { appraisal, relyingParty, now: NOW, root })).toMatchObject({
        status: 'accepted',
      })
    }
  })

  test('the chip, the TCB version and its components are in the verdict', async () => {
    const milan = await judge()
    expect(milan).toMatchObject({ platformId: 'aa'.repeat(64), tcb: { status: 'Committed' } })
    expect(milan.claims).toMatchObject({ product: 'Milan', productName: 'Milan-B0', signingKey: 'vcek' })
    const turin = await judge({ chip: { product: 'Turin' }, version: 5 })
    expect(turin.platformId).toBe('aa'.repeat(8))
    expect(turin.claims?.tcb.reported).toEqual({
      raw: '0102030400000051',
      components: { fmc: 1, bootloader: 2, tee: 3, snp: 4, microcode: 0x51 },
    })
    const masked = await judge({ chip: { kind: 'vlek', hwid: new Uint8Array(64) } })
    expect(masked.platformId).toBeUndefined()
    expect(masked.claims?.cspId).toBe('example.cloud')
  })
})

const other = ecPair()
const p256 = ecPair('P-256')
const strangers = authority()

/** A way to cheat, the check that stops it, and its code where it is not the check's own. */
const cheats: readonly (readonly [string, SevSnpCheck, Case, TeeErrorCode?])[] = [
  ['a report cut short', 'form', { whole: (r) => r.subarray(0, -1) }],
  ['a file too large', 'form', { whole: (r) => Buffer.concat([r, new Uint8Array(200_000)]) }],
  ['version 1', 'version', { version: 1 }],
  ['version 4', 'version', { version: 4 }],
  ['one byte more', 'trailing-bytes', { whole: (r) => Buffer.concat([r, Uint8Array.of(0)]) }],
  ['text after it', 'trailing-bytes', { whole: (r) => Buffer.concat([r, Buffer.from('x'.repeat(100))]) }],
  [
    'a byte after the table',
    'trailing-bytes',
    { whole: (r) => Buffer.concat([r, makeTable([[VCEK, Uint8Array.of(1)]]), Uint8Array.of(1)]) },
  ],
  [
    'a byte between entries',
    'trailing-bytes',
    {
      whole: (r) => {
        const table = makeTable([[VCEK, Uint8Array.of(1, 1, 1)]])
        new DataView(table.buffer).setUint32(16, 49, true)
        new DataView(table.buffer).setUint32(20, 2, true)
        return Buffer.concat([r, table])
      },
    },
  ],
  [
    'an entry twice',
    'trailing-bytes',
    {
      whole: (r) =>
        Buffer.concat([
          r,
          makeTable([
            [VCEK, Uint8Array.of(1)],
            [VCEK, Uint8Array.of(1)],
          ]),
        ]),
    },
  ],
  [
    'an entry over the table',
    'trailing-bytes',
    {
      whole: (r) => {
        const table = makeTable([[VCEK, Uint8Array.of(1)]])
        new DataView(table.buffer).setUint32(16, 0, true)
        return Buffer.concat([r, table])
      },
    },
  ],
  [
    'an entry beyond the end',
    'trailing-bytes',
    {
      whole: (r) => {
        const table = makeTable([[VCEK, Uint8Array.of(1)]])
        new DataView(table.buffer).setUint32(20, 0xffffffff, true)
        return Buffer.concat([r, table])
      },
    },
  ],
  [
    'a table of more entries than there are',
    'trailing-bytes',
    {
      whole: (r) =>
        Buffer.concat([
          r,
          makeTable(Array.from({ length: 33 }, (_, i) => [`${i + 10}`.padStart(32, '9'), new Uint8Array()] as const)),
        ]),
    },
  ],
  ['policy bit 17 off', 'reserved-fields', { body: set(0x0a, 1) }],
  ['policy bit 26', 'reserved-fields', { body: set(0x0b, 4) }],
  ['key bit 5', 'reserved-fields', { body: set(0x48, 0x20) }],
  ['byte 4ch', 'reserved-fields', { body: set(0x4c, 1) }],
  ['CPUID in version 2', 'reserved-fields', { version: 2, body: set(0x188, 0x19) }],
  ['byte 18bh', 'reserved-fields', { body: set(0x18b, 1) }],
  ['byte 1ebh', 'reserved-fields', { body: set(0x1eb, 1) }],
  ['byte 1efh', 'reserved-fields', { body: set(0x1ef, 1) }],
  ['mitigations in version 3', 'reserved-fields', { body: set(0x200, 1) }],
  ['byte 208h', 'reserved-fields', { version: 5, body: set(0x208, 1) }],
  ['byte 29fh', 'reserved-fields', { body: set(0x29f, 1) }],
  ['another algorithm', 'signature-algorithm', { body: set(0x34, 2) }],
  ['a byte above r', 'signature-padding', { whole: put(0x2a0 + 48, 1) }],
  ['a byte above s', 'signature-padding', { whole: put(0x2a0 + 143, 1) }],
  ['the last byte', 'signature-padding', { whole: put(0x49f, 1) }],
  ['no signature', 'signing-key', { body: set(0x48, 0x1c) }, 'VS_TEE_SIGNATURE'],
  ['a reserved key', 'signing-key', { body: set(0x48, 8) }, 'VS_TEE_SIGNATURE'],
  ['a VCEK for the VLEK that the report names', 'signing-key', { body: set(0x48, 4) }],
  ['a VLEK for the VCEK that the report names', 'signing-key', { chip: { kind: 'vlek' }, body: set(0x48, 0) }],
  ['a damaged endorsement key', 'certificates', { collateral: { vek: Uint8Array.of(0x30, 0) } }],
  ['a damaged issuer', 'certificates', { collateral: { issuer: 'AAAA' } }],
  ['a file too large for a certificate', 'certificates', { collateral: { vek: new Uint8Array(100_000) } }],
  ['another subject', 'certificates', { vek: { subject: 'SEV-VKEK' } }],
  ['another issuer name', 'certificates', { vek: { issuer: 'SEV-Rome' } }],
  ['another curve', 'certificates', { vek: { spki: p256.spki } }],
  ['an RSA key', 'certificates', { vek: { spki: keys.rsa.spki } }],
  [
    'without a component',
    'certificates',
    { vek: { extensions: vekFields(keys, build({}).chip).extensions.filter(({ id }) => id !== `${AMD}.3.8`) } },
  ],
  [
    'without a chip',
    'certificates',
    { vek: { extensions: vekFields(keys, build({}).chip).extensions.filter(({ id }) => id !== `${AMD}.4`) } },
  ],
  ['a chip id of another length', 'certificates', { chip: { hwid: new Uint8Array(63) } }],
  [
    'a component above 255',
    'certificates',
    {
      vek: {
        extensions: vekFields(keys, build({}).chip).extensions.map((e) =>
          e.id === `${AMD}.3.8` ? { ...e, value: integer(475) } : e,
        ),
      },
    },
  ],
  [
    'a structure of version 2',
    'certificates',
    {
      vek: {
        extensions: vekFields(keys, build({}).chip).extensions.map((e) =>
          e.id === `${AMD}.1` ? { ...e, value: integer(2) } : e,
        ),
      },
    },
  ],
  [
    'a VCEK with the extension of a VLEK',
    'certificates',
    { vek: { extensions: [...vekFields(keys, build({}).chip).extensions, { id: `${AMD}.5`, value: integer(1) }] } },
  ],
  ['a product name of another root', 'product', { chip: { productName: 'Genoa-B0' } }],
  ['a product name with more', 'product', { chip: { productName: 'Milan-B0x' } }],
  ["another product's CPUID", 'product', { body: set(0x189, 0x11) }],
  ['an unknown CPUID', 'product', { body: set(0x188, 0x1b) }],
  [
    'an endorsement key that nobody certified',
    'chain',
    { collateral: { vek: certificate(vekFields(keys, build({}).chip), strangers.ask.key) } },
  ],
  [
    'an issuer under another root',
    'chain',
    { collateral: { issuer: certificate(askFields(keys, build({}).chip), strangers.ark.key) } },
  ],
  ['an issuer that is no CA', 'chain', { ask: { extensions: [] } }],
  ['an endorsement key out of date', 'chain', { vek: { notAfter: NOW - 1n } }, 'VS_TEE_CERTIFICATE_DATE'],
  ['an endorsement key of tomorrow', 'chain', { vek: { notBefore: NOW + 1n } }, 'VS_TEE_CERTIFICATE_DATE'],
  ['an issuer out of date', 'chain', { ask: { notAfter: NOW - 1n } }, 'VS_TEE_CERTIFICATE_DATE'],
  [
    'a critical extension',
    'chain',
    {
      vek: {
        extensions: [...vekFields(keys, build({}).chip).extensions, { id: '1.2.3', critical: true, value: integer(1) }],
      },
    },
  ],
  [
    'another root in the chain',
    'chain',
    {
      collateral: {
        issuer: chainText(certificate(askFields(keys, build({}).chip), keys.ark.key), arkOf(strangers, 'Milan')),
      },
    },
  ],
  ['the issuer of VLEKs for a VCEK', 'chain', { ask: { subject: 'SEV-VLEK-Milan' } }],
  ['a damaged list', 'revocation', { collateral: { crl: Uint8Array.of(0x30, 0) } }],
  ["somebody else's list", 'revocation', { collateral: { crl: crl({ issuer: 'ARK-Milan' }, strangers.ark.key) } }],
  ["another issuer's list", 'revocation', { crl: { issuer: 'ARK-Genoa' } }],
  ['a list out of date', 'revocation', { crl: { nextUpdate: NOW - 1n } }],
  ['a list of tomorrow', 'revocation', { crl: { thisUpdate: NOW + 1n } }],
  ['a revoked issuer', 'revocation', { crl: { revoked: [3, 0x10001] } }, 'VS_TEE_REVOKED'],
  ['a changed report', 'report-signature', { whole: put(0x90, 0) }],
  ['a zero signature', 'report-signature', { whole: (r) => Uint8Array.from(r, (byte, i) => (i < 0x2a0 ? byte : 0)) }],
  ['another key', 'report-signature', { vek: { spki: other.spki } }],
  ['another microcode', 'certificate-tcb', { body: set(0x187, 218) }],
  ['a reserved byte of the TCB version', 'certificate-tcb', { body: set(0x182, 1) }],
  ['another chip', 'chip-id', { body: set(0x1a0, 0) }],
  ["bytes after Turin's chip", 'chip-id', { chip: { product: 'Turin' }, version: 5, body: set(0x1a8, 1) }],
  ['a reported version above the current', 'tcb-order', { body: set(0x3f, 218) }],
  ['a committed version above the current', 'tcb-order', { body: set(0x1e7, 220) }],
  ['committed firmware above the current', 'tcb-order', { body: set(0x1ec, 2) }],
  ['a product that is not allowed', 'allowed-product', { appraisal: { products: ['Turin'] } }],
  ['a kind of key that is not allowed', 'allowed-key', { chip: { kind: 'vlek' }, appraisal: { keys: ['vcek'] } }],
  [
    'a provider that is not allowed',
    'allowed-key',
    { chip: { kind: 'vlek' }, appraisal: { cspIds: ['another.cloud'] } },
  ],
  ['a masked chip', 'masked-chip-id', { body: (b) => b.fill(0, 0x1a0, 0x1e0), appraisal: { maskedChipId: 'refused' } }],
  ['debugging', 'debug', { body: set(0x0a, 0x0b) }],
  ['migration', 'guest-policy', { body: set(0x0a, 0x07) }],
  ['CXL', 'guest-policy', { body: set(0x0a, 0x23) }],
  ['threads', 'guest-policy', { appraisal: { guestPolicy: { ...sevSnpDefaults.guestPolicy, smt: 'refused' } } }],
  [
    'two sockets',
    'guest-policy',
    { appraisal: { guestPolicy: { ...sevSnpDefaults.guestPolicy, singleSocket: 'required' } } },
  ],
  [
    'an old ABI',
    'guest-policy',
    { appraisal: { guestPolicy: { ...sevSnpDefaults.guestPolicy, minimumAbi: { major: 1, minor: 0 } } } },
  ],
  ['a lower privilege', 'vmpl', { body: set(0x30, 1) }],
  ["the host's report", 'vmpl', { body: set(0x30, 255, 255, 255, 255), appraisal: { vmpls: [0, 1, 2, 3] } }],
  ['devices', 'platform-info', { body: set(0x40, 0x80) }],
  ['an unknown bit', 'platform-info', { body: set(0x41, 1) }],
  [
    'memory aliases',
    'platform-info',
    {
      body: set(0x40, 1),
      appraisal: { platformInfo: { ...sevSnpDefaults.platformInfo, aliasCheckComplete: 'required' } },
    },
  ],
  ['an old component', 'minimum-tcb', { appraisal: { minimumTcb: { Milan: { reported: { microcode: 220 } } } } }],
  [
    'an old launch',
    'minimum-tcb',
    { body: set(0x1f6, 23), appraisal: { minimumTcb: { Milan: { launch: { snp: 24 } } } } },
  ],
  ['a product without minimums', 'minimum-tcb', { appraisal: { minimumTcb: { Genoa: {} } } }],
  ['a version that can be rolled back', 'committed-tcb', { body: set(0x1e7, 218) }],
  ['old firmware', 'minimum-firmware', { appraisal: { minimumFirmware: { major: 1, minor: 55, build: 2 } } }],
  ['mitigations that nobody reports', 'mitigations', { appraisal: { mitigations: {} } }],
  [
    'a mitigation that is off',
    'mitigations',
    { version: 5, body: set(0x1f8, 2), appraisal: { mitigations: { launch: '0000000000000003' } } },
  ],
  ['other code', 'measurement', { appraisal: { measurements: ['00'.repeat(48)] } }],
  ['other host data', 'host-data', { appraisal: { hostData: ['00'.repeat(32)] } }],
  ['another ID key', 'id-key', { appraisal: { idKeyDigests: ['00'.repeat(48)] } }],
  ['another author key', 'author-key', { body: set(0x48, 1), appraisal: { authorKeyDigests: ['00'.repeat(48)] } }],
  ['an author key that is not enabled', 'author-key', { appraisal: { authorKeyDigests: ['77'.repeat(48)] } }],
  ['another family', 'guest-identity', { appraisal: { familyIds: ['00'.repeat(16)] } }],
  ['another image', 'guest-identity', { appraisal: { imageIds: ['00'.repeat(16)] } }],
  ['an old guest', 'guest-identity', { appraisal: { minimumGuestSvn: 8 } }],
  ['another nonce', 'report-data', { relyingParty: { reportData: '33'.repeat(32) } }],
  ['another guest', 'report-id', { relyingParty: { reportIds: ['00'.repeat(32)] } }],
  ['another machine', 'platform', { relyingParty: { platforms: ['00'.repeat(64)] } }],
  [
    'no machine',
    'platform',
    { chip: { kind: 'vlek', hwid: new Uint8Array(64) }, relyingParty: { platforms: ['00'.repeat(64)] } },
  ],
]

function chainText(...ders: readonly Uint8Array[]): string {
  return ders
    .map(
      (bytes) => `-----BEGIN CERTIFICATE-----\n${Buffer.from(bytes).toString('base64')}\n-----END CERTIFICATE-----\n`,
    )
    .join('')
}

describe('a way to cheat per check', () => {
  test.each(cheats.map((cheat) => [cheat[0], cheat[1], cheat] as const))('%s: %s', async (_, check, cheat) => {
    const [, , bend, code] = cheat
    const verdict = await judge(bend)
    expect(verdict).toMatchObject({ status: 'rejected', check, code: code ?? SEV_SNP_CHECKS[check].code })
    expect(verdict.checks.find(({ id }) => id === check)?.outcome).toBe('fail')
  })

  test('every check has one', () => {
    expect(Object.keys(SEV_SNP_CHECKS).filter((id) => !cheats.some(([, check]) => check === id))).toEqual([])
  })

  test("AMD's roots are what counts without a root of the caller's", async () => {
    const { evidence, vek, issuer } = build({})
    const open = { ...appraisal, revocation: 'unchecked' } as const
    const options = { collateral: { vek, issuer }, appraisal: open, relyingParty, now: NOW }
    expect(await verifySevSnp(evidence, options)).toMatchObject({ status: 'rejected', check: 'chain' })
  })
})

test('what is missing leaves it undetermined, unless something is wrong already', async () => {
  const missing = { status: 'undetermined', missing: 'collateral' }
  expect(await judge({ crl: 'none' })).toMatchObject(missing)
  expect(await judge({ collateral: { vek: undefined } })).toMatchObject(missing)
  expect(await judge({ collateral: { issuer: undefined } })).toMatchObject(missing)
  const wrong = await judge({ crl: 'none', appraisal: { measurements: ['00'.repeat(48)] } })
  expect(wrong).toMatchObject({ status: 'rejected', check: 'measurement' })
  const unchecked = await judge({ crl: 'none', appraisal: { revocation: 'unchecked' } })
  expect(unchecked.status).toBe('accepted')
  expect(unchecked.checks.find(({ id }) => id === 'revocation')?.outcome).toBe('skipped')
})

test('wrong policies and options are errors that name the field', async () => {
  const { evidence } = build({})
  const options = { appraisal, relyingParty, now: NOW }
  const bad: readonly [unknown, string][] = [
    [{ ...options, appraisal: { ...appraisal, surprise: 1 } }, 'appraisal'],
    [{ ...options, appraisal: { ...appraisal, measurements: [] } }, 'appraisal.measurements'],
    [{ ...options, appraisal: { ...appraisal, vmpls: [4] } }, 'appraisal.vmpls.0'],
    [{ ...options, relyingParty: { platforms: 'any' } }, 'relyingParty.reportData'],
    [{ ...options, collateral: { ask: 'x' } }, 'collateral.ask'],
    [{ ...options, collateral: { vek: 5 } }, 'collateral.vek'],
    [{ ...options, now: 5 }, 'now'],
    [{ ...options, root: 'x' }, 'root'],
  ]
  for (const [given, field] of bad)
    await expect(verifySevSnp(evidence, given as Parameters<typeof verifySevSnp>[1])).rejects.toMatchObject({
      code: 'VS_TEE_INVALID_OPTION',
      details: { field },
    })
})

test('inspection shows what a report says, what follows it, and what is wrong with the bytes', () => {
  const { evidence, vek, issuer, crl: list = new Uint8Array() } = build({})
  const table = makeTable([
    [VCEK, vek],
    [ASK, issuer],
    [CRL, list],
    ['12'.repeat(16), vek],
  ])
  const whole = Buffer.concat([evidence, table])
  expect(inspectSevSnp(whole)).toMatchObject({
    claims: { version: 3, product: 'Milan', measurement: '44'.repeat(48) },
    certificates: [
      { slot: 'vcek', subject: 'SEV-VCEK', issuer: 'SEV-Milan', notBefore: NOW - 86_400n },
      { slot: 'ask', subject: 'SEV-Milan', issuer: 'ARK-Milan' },
      { slot: 'crl', issuer: 'ARK-Milan' },
      { slot: '12'.repeat(16) },
    ],
    faults: [],
  })
  const bent = build({ body: set(0x4c, 1), whole: put(0x49f, 1) }).evidence
  expect(inspectSevSnp(Buffer.concat([bent, Uint8Array.of(1)])).faults).toHaveLength(3)
  expect(inspectSevSnp(Buffer.concat([bent, makeTable([[VCEK, Uint8Array.of(1)]])])).faults).toHaveLength(3)
  expect(() => inspectSevSnp(evidence.subarray(1))).toThrow(expect.objectContaining({ code: 'VS_TEE_MALFORMED' }))
})
