import { X509Certificate } from 'node:crypto'
import { decodeBase64, nobleBackend, nodeBackend, type SignatureBackend, webBackend } from '../pki/index.ts'
import { inspectNvidia, NVIDIA_DEVICE_ROOT, type NvidiaOptions, verifyNvidia } from './index.ts'
import { chainOf, entries, FOLDER, present, read, readText } from './vectors.fixture.ts'

const NOW = 1_790_000_000n
const lenient: NvidiaOptions = {
  appraisal: {
    hardware: 'any',
    drivers: 'any',
    vbios: 'any',
    tokens: { keys: 'collateral' },
    reports: { measurements: 'any', revocation: 'optional' },
  },
  relyingParty: { nonce: 'any', devices: 'any', platforms: 'any' },
  now: NOW,
}
const backends: readonly SignatureBackend[] = [nobleBackend, nodeBackend(), webBackend()].filter(
  (backend) => backend !== undefined,
)

if (!present) test('real evidence', () => console.warn(`skipped: ${FOLDER} is absent`))
let ran = 0

const isReport = (file: string): boolean => /AttestationReport|_evidence/.test(file)
const isToken = (file: string): boolean => /_detached_eat/.test(file)

describe.each(entries.filter(({ file }) => isReport(file)))('$file', ({ file, negative_or_note: note = '' }) => {
  const evidence = read(file)
  const certificateChain = chainOf(file)
  const collateral = certificateChain === undefined ? {} : { certificateChain }

  test.each(backends)('on $name', async (backend) => {
    const verdict = await verifyNvidia(evidence, { ...lenient, collateral, backend })
    ran += 1
    if (/must fail/.test(note) && /mutated/.test(note)) {
      expect(verdict).toMatchObject({ status: 'undetermined', missing: 'collateral' })
      for (const other of ['nv-hopperCertChain.txt', 'nv-hopperCertChainExpired.txt'])
        expect(
          await verifyNvidia(evidence, { ...lenient, collateral: { certificateChain: readText(other) }, backend }),
        ).toMatchObject({ status: 'rejected', code: 'VS_TEE_SIGNATURE', check: 'report-signature' })
      return
    }
    expect(verdict).toMatchObject({ status: 'accepted' })
    expect(verdict.platformId).toMatch(/^[0-9a-f]{40}$/)
  })

  test('is refused without lists and answers, unless the policy does without', async () => {
    const appraisal = { ...lenient.appraisal, reports: { measurements: 'any' } } as const
    const verdict = await verifyNvidia(evidence, { ...lenient, appraisal, collateral })
    const { status } = await verifyNvidia(evidence, { ...lenient, collateral })
    if (status === 'accepted')
      expect(verdict).toMatchObject({ status: 'rejected', code: 'VS_TEE_CRL', check: 'revocation' })
    else expect(verdict.status).toBe(status)
  })

  test('another nonce is refused', async () => {
    const { nonce, devices } = inspectNvidia(evidence, collateral)
    expect(devices[0]?.report?.measurements).toHaveProperty('1')
    const relyingParty = { ...lenient.relyingParty, nonce: `${nonce.slice(0, -1)}${nonce.endsWith('0') ? '1' : '0'}` }
    const verdict = await verifyNvidia(evidence, { ...lenient, relyingParty, collateral })
    if (!/mutated/.test(note)) expect(verdict).toMatchObject({ status: 'rejected', code: 'VS_TEE_REPORT_DATA' })
  })
})

describe.each(entries.filter(({ file }) => isToken(file)))('$file', ({ file, negative_or_note: note = '' }) => {
  const evidence = read(file)
  const claims = inspectNvidia(evidence)
  const now = BigInt(claims.token?.issuedAt ?? 0)

  test('says what was recorded', () => {
    const recorded = JSON.parse(
      readText(file.replace('detached_eat', 'decoded').replace('Claimsv3_decoded', 'Claimsv3_decoded')),
    )
    for (const { name, nras, ...device } of claims.devices) {
      const wanted = recorded[name]
      expect(device.hwModel).toBe(wanted.hwmodel)
      expect(BigInt(`0x${device.platformId}`).toString()).toBe(wanted.ueid)
      expect(nras).toEqual({
        measurements: wanted.measres,
        secureBoot: wanted.secboot,
        debugStatus: wanted.dbgstat,
        unproven: [],
      })
      expect(claims.nonce).toBe(wanted.eat_nonce)
    }
  })

  test.each(backends)('on $name', async (backend) => {
    const verdict = await verifyNvidia(evidence, { ...lenient, now, backend })
    ran += 1
    if (/staging/.test(note)) {
      expect(verdict).toMatchObject({ status: 'rejected', code: 'VS_TEE_CHAIN', check: 'token-issuer' })
      return
    }
    // The key set of that day was not kept.
    expect(verdict).toMatchObject({ status: 'undetermined', missing: 'collateral' })
    for (const at of [now - 61n, now + 3600n])
      expect(await verifyNvidia(evidence, { ...lenient, now: at, backend })).toMatchObject({
        code: 'VS_TEE_FRESHNESS',
        check: 'token-dates',
      })
    const kid = claims.token?.keyId
    const point = { x: Buffer.alloc(48, 1).toString('base64url'), y: Buffer.alloc(48, 2).toString('base64url') }
    const keySet = JSON.stringify({ keys: [{ kty: 'EC', crv: 'P-384', kid, ...point }] })
    expect(await verifyNvidia(evidence, { ...lenient, now, backend, collateral: { keySet } })).toMatchObject({
      code: 'VS_TEE_SIGNATURE',
    })
    expect(
      await verifyNvidia(evidence, { ...lenient, now, backend, collateral: { keySet: '{"keys":[]}' } }),
    ).toMatchObject({ code: 'VS_TEE_CHAIN', check: 'token-keys' })
  })
})

test.each(entries.filter(({ file }) => !isReport(file) && !isToken(file)))('$file is no evidence', async ({ file }) => {
  ran += 1
  expect(await verifyNvidia(read(file), lenient)).toMatchObject({ status: 'rejected', code: 'VS_TEE_MALFORMED' })
})

test('the pinned root is the one that NVIDIA publishes', () => {
  const root = new X509Certificate(decodeBase64(NVIDIA_DEVICE_ROOT, 'root'))
  expect(root.fingerprint256.replaceAll(':', '').toLowerCase()).toBe(
    '102bf659d5419614c9d8e6aecebc80454eb26b1df6a769ac720b9a690b167b48',
  )
  expect(root.verify(root.publicKey)).toBe(true)
  if (present) expect(new X509Certificate(readText('nvtrust-verifier_device_root.pem')).raw).toEqual(root.raw)
})

afterAll(() => void process.stderr.write(`NVIDIA: ${ran} verdicts on ${entries.length} files\n`))
