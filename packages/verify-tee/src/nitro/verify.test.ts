import { concatBytes } from '@noble/hashes/utils.js'
import { makeKey } from '../pki/authority.fixture.ts'
import { nobleBackend, nodeBackend, webBackend } from '../pki/index.ts'
import {
  cbor,
  certificate,
  type EvidenceChange,
  INSTANCE,
  issuerAt,
  makeEvidence,
  ourOptions,
  ourRoot,
  PCR,
  raw,
  set,
  TIMESTAMP,
  type Value,
  withPcrs,
} from './enclave.fixture.ts'
import { inspectNitro, NITRO_CHECKS, type NitroOptions, nitroDefaults, verifyNitro } from './index.ts'

const { relyingParty } = ourOptions()
const second = BigInt(Math.floor(TIMESTAMP / 1000))

const backends = [nobleBackend, nodeBackend(), webBackend()].filter((backend) => backend !== undefined)

describe('honest evidence', () => {
  test.each(backends)('is accepted, on $name', async (backend) => {
    const verdict = await verifyNitro(makeEvidence(), { ...ourOptions(), backend })
    expect(verdict).toMatchObject({ status: 'accepted', vendor: 'aws-nitro', platformId: INSTANCE })
    expect(verdict.checks.map(({ id, outcome }) => [id, outcome])).toEqual(
      Object.keys(NITRO_CHECKS).map((id) => [id, 'pass']),
    )
  })

  test.each<readonly [string, EvidenceChange]>([
    ['with the tag 18', { envelope: (parts) => raw(0xd2, ...cbor(parts)) }],
    [
      'with an indefinite map, as AWS writes since 2025',
      { payload: (p) => concatBytes(Uint8Array.of(0xbf), p.subarray(1), Uint8Array.of(0xff)) },
    ],
    [
      'with its fields in another order',
      {
        fields: (fields) => {
          const entries = [...fields].reverse()
          fields.clear()
          for (const [k, v] of entries) fields.set(k, v)
        },
      },
    ],
    [
      'with 32 PCRs',
      {
        fields: withPcrs((pcrs) => {
          for (let i = 16; i < 32; i++) pcrs.set(i, PCR(i))
        }),
      },
    ],
    [
      'with a bundle of root alone',
      {
        fields: (fields) => {
          fields.set('cabundle', [ourRoot()])
          fields.set('certificate', certificate('leaf', { issuer: issuerAt('root') }))
        },
      },
    ],
  ])('%s', async (_, change) => {
    expect(await verifyNitro(makeEvidence(change), ourOptions())).toMatchObject({ status: 'accepted' })
  })

  test('says nothing where it was given nothing, by null or by silence', async () => {
    for (const change of [set('nonce', null), (fields: Map<string, Value>) => void fields.delete('nonce')]) {
      const evidence = makeEvidence({ fields: change })
      const options = { ...ourOptions(), relyingParty: { ...relyingParty, nonce: null } }
      const verdict = await verifyNitro(evidence, options)
      expect(verdict.status).toBe('accepted')
      expect(verdict.claims).not.toHaveProperty('nonce')
    }
  })

  test('is judged by the second, both ends included', async () => {
    const evidence = makeEvidence({ fields: set('timestamp', 1_750_000_000_000) })
    for (const now of [second - 60n, second, second + 300n])
      expect(await verifyNitro(evidence, { ...ourOptions(), now })).toMatchObject({ status: 'accepted' })
  })

  test('of debug mode is accepted where the policy says so', async () => {
    const evidence = makeEvidence({ fields: withPcrs((pcrs) => pcrs.set(0, new Uint8Array(48))) })
    const options = { ...ourOptions(), appraisal: { pcrs: 'any', allowDebug: true } } as const
    const verdict = await verifyNitro(evidence, options)
    expect(verdict.status).toBe('accepted')
    expect(verdict.checks.find(({ id }) => id === 'debug')).toMatchObject({
      outcome: 'skipped',
      detail: 'the policy allows debug mode; PCR0 is zero',
    })
  })

  test('is not changed by who holds its bytes, while it is judged', async () => {
    const evidence = makeEvidence()
    const verdict = verifyNitro(evidence, ourOptions())
    evidence.fill(0)
    expect((await verdict).status).toBe('accepted')
  })
})

describe('what is the caller’s', () => {
  test.each<readonly [string, object]>([
    ['appraisal', { appraisal: {} }],
    ['appraisal', { appraisal: nitroDefaults }],
    ['appraisal', { appraisal: { pcrs: {} } }],
    ['appraisal', { appraisal: { pcrs: { 0: [] } } }],
    ['appraisal', { appraisal: { pcrs: { 32: ['00'.repeat(48)] } } }],
    ['appraisal', { appraisal: { pcrs: { '01': ['00'.repeat(48)] } } }],
    ['appraisal', { appraisal: { pcrs: { 0: ['AA'.repeat(48)] } } }],
    ['appraisal', { appraisal: { pcrs: { 0: ['00'.repeat(32)] } } }],
    ['appraisal', { appraisal: { pcrs: 'any', more: 1 } }],
    ['relyingParty', { relyingParty: { platforms: 'any' } }],
    ['relyingParty', { relyingParty: { maxAgeSeconds: 1 } }],
    ['relyingParty', { relyingParty: { maxAgeSeconds: -1, platforms: 'any' } }],
    ['relyingParty', { relyingParty: { maxAgeSeconds: Number.NaN, platforms: 'any' } }],
    ['relyingParty', { relyingParty: { maxAgeSeconds: 1, platforms: ['i-1'] } }],
    ['relyingParty', { relyingParty: { maxAgeSeconds: 1, platforms: 'any', nonce: '0x06' } }],
    ['relyingParty', { relyingParty: { maxAgeSeconds: 1, platforms: 'any', userData: '00'.repeat(513) } }],
    ['now', { now: 1_750_000_000 }],
    ['now', { now: -1n }],
    ['root', { root: new Uint8Array(3) }],
  ])('a wrong %s is an error: %j', async (field, wrong) => {
    const options = { ...ourOptions(), ...wrong } as NitroOptions
    await expect(verifyNitro(makeEvidence(), options)).rejects.toMatchObject({
      code: 'VS_TEE_INVALID_OPTION',
      details: { field: expect.stringMatching(new RegExp(`^${field}`)) },
    })
  })

  test('evidence that is no bytes', async () => {
    await expect(verifyNitro('a text' as never, ourOptions())).rejects.toMatchObject({ code: 'VS_TEE_INVALID_OPTION' })
  })
})

describe('inspection', () => {
  test('shows what was said, unverified', () => {
    const claims = inspectNitro(makeEvidence({ key: makeKey('ecdsa-p384-sha384') }))
    expect(claims).toMatchObject({
      moduleId: `${INSTANCE}-enc0123456789abcdef`,
      instanceId: INSTANCE,
      timestamp: TIMESTAMP,
      debug: false,
      nonce: '06',
      publicKey: '010203',
      userData: '0405',
    })
    expect(claims.chain.map(({ subject }) => subject)).toEqual(['leaf', 'instance', 'zone', 'region', 'root'])
    expect(Object.keys(claims.pcrs)).toHaveLength(16)
    expect(JSON.parse(JSON.stringify(claims))).toEqual(claims)
  })

  test('shows no character of a subject that would move a cursor', () => {
    const evidence = makeEvidence({ fields: set('certificate', certificate('leaf', { subject: 'a\u001b[2Jb' })) })
    expect(inspectNitro(evidence).chain[0]?.subject).toBe('a?[2Jb')
  })

  test.each([
    ['VS_TEE_MALFORMED', new Uint8Array(0)],
    ['VS_TEE_MALFORMED', new Uint8Array(20_000)],
    ['VS_TEE_TRAILING_BYTES', concatBytes(makeEvidence(), Uint8Array.of(0))],
    ['VS_TEE_UNSUPPORTED', makeEvidence({ fields: set('digest', 'SHA512') })],
  ])('tells what can not be read: %s', (code, evidence) => {
    expect(() => inspectNitro(evidence)).toThrow(expect.objectContaining({ code }))
  })
})
