import { ARK_KEY, ASK, appraisal, build, type Case, CRL, judge, put, relyingParty, set, VCEK } from './case.fixture.ts'
import { inspectSevSnp, SEV_SNP_CHECKS, sevSnpDefaults, verifySevSnp } from './index.ts'
import { makeTable, NOW } from './pki.fixture.ts'

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
    'debugging that the policy allows': { body: set(0x0a, 0x0b), appraisal: { allowDebug: true } },
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

test('a certificate that is missing leaves it undetermined', async () => {
  const missing = { status: 'undetermined', missing: 'collateral' }
  expect(await judge({ collateral: { vek: undefined } })).toMatchObject(missing)
  expect(await judge({ collateral: { issuer: undefined } })).toMatchObject(missing)
})

test('a list that is missing is a rejection, unless the policy does without', async () => {
  expect(await judge({ crl: 'none' })).toMatchObject({
    status: 'rejected',
    check: 'revocation',
    code: 'VS_TEE_CRL',
    detail: 'no revocation list of ARK-Milan was given, which the policy requires',
  })
  const wrong = await judge({ crl: 'none', appraisal: { measurements: ['00'.repeat(48)] } })
  expect(wrong).toMatchObject({ status: 'rejected', check: 'measurement' })
  const without = await judge({ crl: 'none', appraisal: { revocation: 'optional' } })
  expect(without.status).toBe('accepted')
  expect(without.checks.find(({ id }) => id === 'revocation')).toMatchObject({
    outcome: 'skipped',
    detail: 'the policy does without; no list of ARK-Milan was given',
  })
  // One that is given is judged all the same.
  const old = await judge({ crl: { nextUpdate: NOW - 1n }, appraisal: { revocation: 'optional' } })
  expect(old).toMatchObject({ status: 'rejected', check: 'revocation', code: 'VS_TEE_CRL' })
})

test('nobody changes evidence or collateral while it is judged', async () => {
  const { evidence, root, vek, issuer, crl = new Uint8Array() } = build({})
  const table = makeTable([
    [VCEK, vek],
    [ASK, issuer],
    [CRL, crl],
  ])
  const given = [
    new Uint8Array([...evidence, ...table]),
    vek.slice(),
    issuer.slice(),
    crl.slice(),
    root.slice(),
  ] as const
  const [whole, ...parts] = given
  const options = { appraisal, relyingParty, now: NOW, root: given[4] }
  const verdicts = [
    verifySevSnp(whole, options),
    verifySevSnp(evidence, { ...options, collateral: { vek: parts[0], issuer: parts[1], crl: parts[2] } }),
  ]
  for (const bytes of given) bytes.fill(0)
  for (const verdict of await Promise.all(verdicts)) expect(verdict.status).toBe('accepted')
})

test('wrong policies and options are errors that name the field', async () => {
  const { evidence } = build({})
  const options = { appraisal, relyingParty, now: NOW }
  const bad: readonly [unknown, string][] = [
    [{ ...options, appraisal: { ...appraisal, surprise: 1 } }, 'appraisal'],
    [{ ...options, appraisal: { ...appraisal, measurements: [] } }, 'appraisal.measurements'],
    [{ ...options, appraisal: { ...appraisal, vmpls: [4] } }, 'appraisal.vmpls.0'],
    [{ ...options, appraisal: { ...appraisal, minimumTcb: { Milan: {} } } }, 'appraisal.minimumTcb.Milan'],
    [
      { ...options, appraisal: { ...appraisal, minimumTcb: { Milan: { reported: {} } } } },
      'appraisal.minimumTcb.Milan',
    ],
    [{ ...options, relyingParty: { platforms: 'any' } }, 'relyingParty.reportData'],
    [{ ...options, collateral: { ask: 'x' } }, 'collateral'],
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

test('who looks at evidence does not change it', () => {
  const evidence = Buffer.from(build({}).evidence)
  const before = Buffer.from(evidence)
  inspectSevSnp(evidence)
  expect(evidence.equals(before)).toBe(true)
})
