import { createHash } from 'node:crypto'
import { concatBytes } from '@noble/hashes/utils.js'
import { notBelow } from './appraise.ts'
import {
  block,
  bytesOf,
  type Claims,
  certificate,
  deviceName,
  entryOf,
  FWID,
  field,
  GPU,
  honestList,
  idOf,
  KEY_ID,
  keyOf,
  makeBundle,
  makeKeySet,
  makeList,
  makeReport,
  NONCE,
  NOW,
  ourOptions,
  pem,
  SWITCH,
  tcbInfo,
  usualChain,
  usualCrls,
  webKey,
} from './devices.fixture.ts'
import { inspectNvidia, NVIDIA_CHECKS, type NvidiaOptions, verifyNvidia } from './index.ts'

const options = ourOptions()
const one = (change: Partial<NvidiaOptions['relyingParty']> = {}): NvidiaOptions => ({
  ...options,
  relyingParty: { ...options.relyingParty, devices: 'any', ...change },
})

describe('what is honest is accepted', () => {
  test('tokens of a GPU and a switch', async () => {
    for (const version of ['2.0', '3.0'] as const) {
      const verdict = await verifyNvidia(makeBundle({ version }), options)
      expect(verdict).toMatchObject({ status: 'accepted', vendor: 'nvidia-gpu', tcb: { status: 'success' } })
      expect(verdict.checks.map(({ id }) => id)).toEqual(Object.keys(NVIDIA_CHECKS))
      expect(verdict.claims).toMatchObject({ kind: 'nras-tokens', nonce: NONCE, token: { version } })
    }
  })

  test('reports of a GPU and a switch, as the SDK lists them', async () => {
    const verdict = await verifyNvidia(honestList(), options)
    expect(verdict).toMatchObject({ status: 'accepted' })
    expect(verdict.claims?.devices).toMatchObject([
      {
        name: 'GPU-0',
        kind: 'gpu',
        driverVersion: '570.124.03',
        vbiosVersion: '96.00.9F.00.01',
        pdi: '48b02d51c9c1070b',
      },
      { name: 'SWITCH-0', kind: 'switch', vbiosVersion: '96.10.55.00.01', platformId: idOf(SWITCH) },
    ])
  })

  test('one device, and its id is the platform', async () => {
    const fields = { version: '1.0', driver_version: '570.124.03', vbios_version: '96.00.9F.00.01' }
    const verdict = await verifyNvidia(makeList({ ...entryOf(), ...fields }), one())
    expect(verdict).toMatchObject({ status: 'accepted', platformId: idOf(GPU) })
  })

  test('a request to NRAS', async () => {
    const { evidence, certificate } = entryOf()
    const request = { nonce: NONCE.toUpperCase(), arch: 'HOPPER', evidence_list: [{ arch: 6, evidence, certificate }] }
    expect(await verifyNvidia(bytesOf(request), one())).toMatchObject({ status: 'accepted' })
  })

  test('a report in binary or hexadecimal, with its chain beside it', async () => {
    const report = makeReport()
    const collateral = { ...options.collateral, certificateChain: pem(usualChain()) }
    for (const evidence of [report, new TextEncoder().encode(`${Buffer.from(report).toString('hex')}\n`)]) {
      expect(await verifyNvidia(evidence, { ...one(), collateral })).toMatchObject({ status: 'accepted' })
      expect(await verifyNvidia(evidence, one())).toMatchObject({ status: 'undetermined', missing: 'collateral' })
      expect(inspectNvidia(evidence).devices[0]?.platformId).toBeUndefined()
    }
  })

  test('measurements that are no digests, and opaque data with a header', async () => {
    const report = makeReport({
      parts: (parts) => {
        parts.blocks.push(block(200, Uint8Array.of(1, 0, 255), 0x83))
        parts.count += 1
        const typed = (bytes: Uint8Array) => concatBytes(bytes.subarray(0, 2), Uint8Array.of(9, 0), bytes.subarray(2))
        parts.opaque = concatBytes(
          new TextEncoder().encode('NVDAOD'),
          Uint8Array.of(0, 0, 2, 0, 0, 0),
          typed(field(6, GPU.vbios)),
          typed(field(3, new TextEncoder().encode('570.124.03'))),
          typed(field(777, Uint8Array.of(1))),
        )
      },
    })
    const verdict = await verifyNvidia(makeList(entryOf(GPU, report)), one())
    expect(verdict).toMatchObject({ status: 'accepted' })
    expect(verdict.claims?.devices[0]?.report).toMatchObject({ measurements: { 200: '0100ff' }, opaque: { 777: '01' } })
    expect(verdict.checks.find(({ id }) => id === 'firmware-id')).toMatchObject({ outcome: 'skipped' })
  })

  test('a machine of eight GPUs and four switches', async () => {
    const many = (kind: typeof GPU, n: number) =>
      Array.from({ length: n }, (_, i) => ({
        ...kind,
        serial: kind.serial + BigInt(i),
        pdi: `${kind.pdi.slice(0, -1)}${i}`,
      }))
    const kinds = [...many(GPU, 8), ...many(SWITCH, 4)]
    const evidence = makeList(...kinds.map((kind) => entryOf(kind)))
    const { relyingParty } = options
    const expected = { ...relyingParty, devices: { gpus: 8, switches: 4 }, platforms: kinds.map(idOf) }
    const verdict = await verifyNvidia(evidence, { ...options, relyingParty: expected })
    expect(verdict).toMatchObject({ status: 'accepted' })
    expect(verdict.platformId).toBeUndefined()
    expect(verdict.claims?.devices.map(({ name }) => name).slice(6, 10)).toEqual([
      'GPU-6',
      'GPU-7',
      'SWITCH-0',
      'SWITCH-1',
    ])
    // What is remembered of the others is not taken for the last.
    const forged = entryOf(kinds.at(-1), makeReport({ kind: SWITCH, key: keyOf('mallory') }))
    const last = makeList(...kinds.slice(0, -1).map((kind) => entryOf(kind)), forged)
    expect(await verifyNvidia(last, { ...options, relyingParty: expected })).toMatchObject({ code: 'VS_TEE_SIGNATURE' })
  })

  test('a chain without its root', async () => {
    const chain = usualChain().slice(0, -1)
    expect(await verifyNvidia(makeList(entryOf(GPU, makeReport(), chain)), one())).toMatchObject({ status: 'accepted' })
  })
})

describe('what the policy allows', () => {
  const { appraisal, relyingParty } = options
  const withPolicy = (change: Partial<NvidiaOptions['appraisal']>): NvidiaOptions => ({
    ...options,
    appraisal: { ...appraisal, ...change },
  })

  test('keys by their thumbprints', async () => {
    // RFC 7638, by another implementation: members in order, no space.
    const { x, y } = webKey()
    const thumbprint = createHash('sha256')
      .update(`{"crv":"P-384","kty":"EC","x":"${String(x)}","y":"${String(y)}"}`)
      .digest('base64url')
    const tokens = { keys: [thumbprint] }
    expect(await verifyNvidia(makeBundle(), withPolicy({ tokens }))).toMatchObject({ status: 'accepted' })
  })

  test('a key set without certificates, and keys of other kinds in it', async () => {
    const { x5c: _, ...bare } = webKey()
    const keySet = makeKeySet({ kty: 'RSA', n: '?', kid: 1 }, { ...bare, use: 'sig', alg: 'ES384' })
    expect(await verifyNvidia(makeBundle(), { ...options, collateral: { keySet } })).toMatchObject({
      status: 'accepted',
    })
  })

  test('tokens without a key set are undetermined', async () => {
    expect(await verifyNvidia(makeBundle(), { ...options, collateral: {} })).toMatchObject({ status: 'undetermined' })
  })

  test('warnings, another issuer, a type in the header', async () => {
    const warned = makeBundle({
      gpu: (claims) => void Object.assign(claims, { 'x-nvidia-attestation-warning': 'held' }),
    })
    const verdict = await verifyNvidia(warned, withPolicy({ tokens: { keys: 'collateral', allowWarnings: true } }))
    expect(verdict).toMatchObject({ status: 'accepted' })
    expect(verdict.claims?.devices[0]?.nras?.warning).toBe('"held"')
    const iss = 'https://nras.example'
    const rename = (claims: Claims): void => void Object.assign(claims, { iss })
    const other = makeBundle({ overall: rename, gpu: rename, switch: rename })
    const tokens = { issuer: iss, keys: 'collateral' } as const
    expect(await verifyNvidia(other, withPolicy({ tokens }))).toMatchObject({ status: 'accepted' })
    const typed = makeBundle({ overallToken: { header: { kid: KEY_ID, alg: 'ES384', typ: 'JWT' } } })
    expect(await verifyNvidia(typed, options)).toMatchObject({ status: 'accepted' })
  })

  test('anything, where it is said', async () => {
    const lenient: NvidiaOptions = {
      ...options,
      appraisal: {
        hardware: 'any',
        drivers: 'any',
        vbios: 'any',
        tokens: { keys: 'collateral' },
        reports: { measurements: 'any' },
      },
      relyingParty: { nonce: 'any', devices: 'any', platforms: 'any' },
    }
    for (const evidence of [makeBundle(), honestList()]) {
      const { status, checks } = await verifyNvidia(evidence, lenient)
      expect(status).toBe('accepted')
      const skipped = checks.filter(({ outcome }) => outcome === 'skipped')
      for (const { id, detail } of skipped) expect(`${id}: ${detail}`).toMatch(/policy|the evidence is|carries none/)
      expect(skipped.map(({ id }) => id)).toEqual(expect.arrayContaining(['hardware', 'nonce', 'devices', 'platform']))
    }
  })

  test('clocks that differ a little', async () => {
    for (const [now, status] of [
      [NOW - 60n, 'accepted'],
      [NOW - 61n, 'rejected'],
      [NOW + 300n, 'accepted'],
      [NOW + 301n, 'rejected'],
    ] as const)
      expect(await verifyNvidia(makeBundle(), { ...options, now })).toMatchObject({ status })
  })

  test('a newer driver of a branch', () => {
    expect(notBelow('570.124.03', '570.124.03', 10)).toBe(true)
    expect(notBelow('570.200', '570.124.03', 10)).toBe(true)
    expect(notBelow('570.124', '570.124.03', 10)).toBe(false)
    expect(notBelow('580.1', '570.124', 10)).toBe(false)
    expect(notBelow('96.00.A0.00.01', '96.00.9F.00.01', 16)).toBe(true)
    expect(notBelow('96.00.9E.00.FF', '96.00.9F.00.01', 16)).toBe(false)
    expect(notBelow('570.1x', '570.0', 10)).toBe(false)
  })

  test('a Blackwell certificate with several firmware ids', async () => {
    const extensions = [deviceName(`NVIDIA:GB100:${GPU.pdi}`), tcbInfo(FWID, new Uint8Array(48))]
    const chain = usualChain().with(0, certificate('leaf', GPU, { extensions }))
    const entry = { ...entryOf(GPU, makeReport(), chain), arch: 'BLACKWELL' }
    expect(await verifyNvidia(makeList(entry), one())).toMatchObject({ status: 'accepted' })
  })

  test('a device counts once, whatever certificate its firmware made', async () => {
    const again = { ...GPU, serial: GPU.serial + 1n }
    const list = makeList(entryOf(GPU), entryOf(again))
    expect(await verifyNvidia(list, one({ platforms: 'any' }))).toMatchObject({
      status: 'rejected',
      check: 'distinct-devices',
      detail: `PDI ${GPU.pdi.toLowerCase()} twice`,
    })
  })

  test('a network card is no GPU', async () => {
    const card = { ...GPU, product: 'BF3', hwModel: 'BF3 A01' }
    const { arch: _, ...entry } = entryOf(card)
    const appraisal = { ...options.appraisal, hardware: 'any' } as const
    expect(await verifyNvidia(makeList(entry), { ...one(), appraisal })).toMatchObject({
      status: 'rejected',
      code: 'VS_TEE_UNSUPPORTED',
      check: 'certificate-chain',
    })
  })

  test('lists are not changed by who holds their bytes, while they are judged', async () => {
    const lists = usualCrls()
    const collateral = { ...options.collateral, crls: [...lists] }
    const judging = verifyNvidia(makeList(entryOf()), { ...one(), collateral })
    for (const list of lists) list.fill(0)
    expect(await judging).toMatchObject({ status: 'accepted' })
  })

  test('options of the wrong form are the caller’s', async () => {
    const wrong: readonly Partial<Record<keyof NvidiaOptions, unknown>>[] = [
      { now: 1 },
      { now: -1n },
      { root: Uint8Array.of(1) },
      { collateral: 'x' },
      { collateral: { more: 1 } },
      { collateral: { keySet: {} } },
      { collateral: { crls: [1] } },
      { collateral: { ocsp: 'x' } },
      { collateral: { certificateChain: 'x'.repeat(2 ** 20) } },
      { appraisal: {} },
      { appraisal: { ...appraisal, more: 1 } },
      { appraisal: { ...appraisal, drivers: ['latest'] } },
      { appraisal: { ...appraisal, tokens: {} } },
      { appraisal: { ...appraisal, reports: {} } },
      { appraisal: { ...appraisal, reports: { measurements: [{ values: { 0: ['00'] } }] } } },
      { appraisal: { ...appraisal, reports: { measurements: [{ values: {} }] } } },
      { relyingParty: { ...relyingParty, nonce: '00' } },
      { relyingParty: { ...relyingParty, nonce: undefined } },
      { relyingParty: { ...relyingParty, platforms: undefined } },
    ]
    for (const change of wrong)
      await expect(verifyNvidia(makeBundle(), { ...options, ...change } as NvidiaOptions)).rejects.toMatchObject({
        code: 'VS_TEE_INVALID_OPTION',
      })
    await expect(verifyNvidia('x' as never, options)).rejects.toMatchObject({ code: 'VS_TEE_INVALID_OPTION' })
  })
})

test('inspection tells by code what can not be read', () => {
  for (const [evidence, code] of [
    [new Uint8Array(), 'VS_TEE_MALFORMED'],
    [makeReport({ behind: Uint8Array.of(1) }), 'VS_TEE_TRAILING_BYTES'],
    [makeBundle({ gpuToken: { header: { alg: 'none', kid: 'a' } } }), 'VS_TEE_UNSUPPORTED'],
  ] as const)
    expect(() => inspectNvidia(evidence)).toThrow(expect.objectContaining({ code }))
  expect(inspectNvidia(makeReport(), { certificateChain: pem(usualChain()) })).toMatchObject({
    devices: [{ name: 'GPU-0' }],
  })
  expect(() => inspectNvidia(makeReport(), { certificateChain: 'x' })).toThrow(
    expect.objectContaining({ code: 'VS_TEE_MALFORMED' }),
  )
})
