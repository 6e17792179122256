import type { TeeErrorCode } from '../errors.ts'
import { integer, makeKey } from '../pki/authority.fixture.ts'
import { appraisal, build, type Case, judge, keys, put, relyingParty, set, VCEK } from './case.fixture.ts'
import { SEV_SNP_CHECKS, type SevSnpCheck, sevSnpDefaults, verifySevSnp } from './index.ts'
import {
  AMD,
  amdExtensions,
  arkOf,
  askFields,
  authority,
  certificate,
  crl,
  makeTable,
  NOW,
  vekFields,
} from './pki.fixture.ts'

const other = makeKey('ecdsa-p384-sha384')
const p256 = makeKey('ecdsa-p256-sha256')
const strangers = authority()
const vlek = build({ chip: { kind: 'vlek' } }).chip

/** A table of one entry, whose place (at 16) and length (at 20) are changed. */
const withEntry = (bytes: Uint8Array, change: (view: DataView) => void): Case => ({
  whole: (report) => {
    const table = makeTable([[VCEK, bytes]])
    change(new DataView(table.buffer))
    return Buffer.concat([report, table])
  },
})

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
    withEntry(Uint8Array.of(1, 1, 1), (view) => {
      view.setUint32(16, 49, true)
      view.setUint32(20, 2, true)
    }),
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
  ['an entry over the table', 'trailing-bytes', withEntry(Uint8Array.of(1), (view) => view.setUint32(16, 0, true))],
  [
    'an entry beyond the end',
    'trailing-bytes',
    withEntry(Uint8Array.of(1), (view) => view.setUint32(20, 0xffffffff, true)),
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
  [
    'an endorsement key that ECDSA certified',
    'certificates',
    { collateral: { vek: certificate(vekFields(keys, build({}).chip), other) } },
  ],
  ['another curve', 'certificates', { vek: { key: p256 } }],
  ['an RSA key', 'certificates', { vek: { key: keys.ask } }],
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
  [
    'a VLEK with a chip',
    'certificates',
    {
      chip: { kind: 'vlek' },
      vek: { extensions: [...amdExtensions(vlek), { id: `${AMD}.4`, value: new Uint8Array(64) }] },
    },
  ],
  [
    'a VLEK of nobody',
    'certificates',
    { chip: { kind: 'vlek' }, vek: { extensions: amdExtensions(vlek).filter(({ id }) => id !== `${AMD}.5`) } },
  ],
  ['a product name of another root', 'product', { chip: { productName: 'Genoa-B0' } }],
  ['a product name with more', 'product', { chip: { productName: 'Milan-B0x' } }],
  ["another product's CPUID", 'product', { body: set(0x189, 0x11) }],
  ['an unknown CPUID', 'product', { body: set(0x188, 0x1b) }],
  [
    'an endorsement key that nobody certified',
    'chain',
    { collateral: { vek: certificate(vekFields(keys, build({}).chip), strangers.ask) } },
  ],
  [
    'an issuer under another root',
    'chain',
    { collateral: { issuer: certificate(askFields(keys, build({}).chip), strangers.ark) } },
  ],
  ['an issuer that is no CA', 'chain', { ask: { ca: false } }],
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
        issuer: chainText(certificate(askFields(keys, build({}).chip), keys.ark), arkOf(strangers, 'Milan')),
      },
    },
  ],
  ['the issuer of VLEKs for a VCEK', 'chain', { ask: { subject: 'SEV-VLEK-Milan' } }],
  ['a damaged list', 'revocation', { collateral: { crl: Uint8Array.of(0x30, 0) } }],
  ["somebody else's list", 'revocation', { collateral: { crl: crl({ issuer: 'ARK-Milan' }, strangers.ark) } }],
  ["another issuer's list", 'revocation', { crl: { issuer: 'ARK-Genoa' } }],
  ['no list', 'revocation', { crl: 'none' }],
  ['a list out of date', 'revocation', { crl: { nextUpdate: NOW - 1n } }],
  ['a list of tomorrow', 'revocation', { crl: { thisUpdate: NOW + 1n } }],
  ['a revoked issuer', 'revocation', { crl: { revoked: [3, 0x10001] } }, 'VS_TEE_REVOKED'],
  ['a changed report', 'report-signature', { whole: put(0x90, 0) }],
  ['a zero signature', 'report-signature', { whole: (r) => Uint8Array.from(r, (byte, i) => (i < 0x2a0 ? byte : 0)) }],
  ['another key', 'report-signature', { vek: { key: other } }],
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
  [
    'a masked chip',
    'masked-chip-id',
    { body: (b) => b.fill(0, 0x1a0, 0x1e0), appraisal: { allowMaskedChipId: false } },
  ],
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
  ['a product without minimums', 'minimum-tcb', { appraisal: { minimumTcb: { Genoa: { reported: { snp: 1 } } } } }],
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
    const open = { ...appraisal, revocation: 'optional' } as const
    const options = { collateral: { vek, issuer }, appraisal: open, relyingParty, now: NOW }
    expect(await verifySevSnp(evidence, options)).toMatchObject({ status: 'rejected', check: 'chain' })
  })
})

describe('bit by bit', () => {
  const fails = async (bend: Case, check: SevSnpCheck, detail: string): Promise<void> => {
    const verdict = await judge(bend)
    expect(verdict).toMatchObject({ status: 'rejected', check, detail })
    expect(verdict.checks.filter(({ outcome }) => outcome === 'fail').map(({ id }) => id)).toEqual([check])
  }
  const bits = (at: number, mask: bigint) => (body: Uint8Array) =>
    new DataView(body.buffer).setBigUint64(at, mask, true)
  const { guestPolicy, platformInfo } = sevSnpDefaults
  /** One of two settings fails the check, and it alone; the other does not. */
  const flag = async (
    [name, asked]: readonly [string, 'refused' | 'required'],
    check: SevSnpCheck,
    appraised: NonNullable<Case['appraisal']>,
    [on, off]: readonly [NonNullable<Case['body']>, NonNullable<Case['body']>],
  ): Promise<void> => {
    const [good, bad, state] = asked === 'required' ? [on, off, 'off'] : [off, on, 'on']
    await fails({ body: bad, appraisal: appraised }, check, `${name} is ${state}`)
    expect((await judge({ body: good, appraisal: appraised })).status).toBe('accepted')
  }

  /** SNP ABI, GUEST_POLICY: bit 17 is one. */
  test.each([
    ['smt', 16n, 'refused'],
    ['migrateMa', 18n, 'refused'],
    ['singleSocket', 20n, 'required'],
    ['cxl', 21n, 'refused'],
    ['memAes256Xts', 22n, 'required'],
    ['raplDisabled', 23n, 'required'],
    ['ciphertextHidingDram', 24n, 'required'],
    ['pageSwapDisabled', 25n, 'required'],
  ] as const)('guest policy: %s', async (name, bit, asked) => {
    const appraised = { guestPolicy: { ...guestPolicy, cxl: 'allowed', migrateMa: 'allowed', [name]: asked } } as const
    const [on, off] = [bits(8, (1n << 17n) | (1n << bit)), bits(8, 0x3f70000n & ~(1n << bit))]
    await flag([name, asked], 'guest-policy', appraised, [on, off])
  })

  /** SNP ABI, PLATFORM_INFO. */
  test.each([
    ['smt', 0n, 'refused'],
    ['tsme', 1n, 'required'],
    ['ecc', 2n, 'required'],
    ['raplDisabled', 3n, 'required'],
    ['ciphertextHidingDram', 4n, 'required'],
    ['aliasCheckComplete', 5n, 'required'],
    ['iommuWriteSafe', 6n, 'required'],
    ['tio', 7n, 'refused'],
  ] as const)('platform info: %s', async (name, bit, asked) => {
    const appraised = { platformInfo: { ...platformInfo, tio: 'allowed', [name]: asked } } as const
    const [on, off] = [bits(0x40, 1n << bit), bits(0x40, 0xffn & ~(1n << bit))]
    await flag([name, asked], 'platform-info', appraised, [on, off])
  })

  const components = {
    Milan: { bootloader: 4, tee: 1, snp: 24, microcode: 219 },
    Genoa: { bootloader: 4, tee: 1, snp: 24, microcode: 219 },
    Turin: { fmc: 1, bootloader: 2, tee: 3, snp: 4, microcode: 0x51 },
  } as const
  const minimums = Object.entries(components).flatMap(([product, parts]) =>
    Object.entries(parts).map(([part, value]) => [product as keyof typeof components, part, value] as const),
  )
  test.each(minimums)('minimum of %s: %s', async (product, part, value) => {
    const chip = { product }
    for (const field of ['reported', 'committed', 'current', 'launch']) {
      const least = (n: number) => ({ minimumTcb: { [product]: { [field]: { [part]: n } } } })
      const said = `${field} ${part} ${value}, at least ${value + 1}`
      await fails({ chip, appraisal: least(value + 1) }, 'minimum-tcb', said)
      expect((await judge({ chip, appraisal: least(value) })).status).toBe('accepted')
    }
  })

  test.each(['Milan', 'Genoa', 'Turin'] as const)(
    'every byte of the TCB version of %s is the certificate’s',
    async (product) => {
      for (let i = 0; i < 8; i++) {
        const body = (bytes: Uint8Array): void => {
          // What runs and what is committed are above either.
          for (const at of [0x38, 0x1e0]) bytes.fill(255, at, at + 8)
          bytes[0x180 + i] = (bytes[0x180 + i] ?? 0) ^ 1
        }
        expect(await judge({ chip: { product }, body })).toMatchObject({ status: 'rejected', check: 'certificate-tcb' })
      }
    },
  )
})
