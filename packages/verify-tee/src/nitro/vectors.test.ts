import { nobleBackend, nodeBackend, type SignatureBackend, webBackend } from '../pki/index.ts'
import { inspectNitro, type NitroOptions, verifyNitro } from './index.ts'
import { documents, FOLDER, present, read } from './vectors.fixture.ts'

const second = (iso: string): bigint => BigInt(Math.floor(Date.parse(iso) / 1000))

const lenient = (now: bigint): NitroOptions => ({
  appraisal: { pcrs: 'any' },
  relyingParty: { maxAgeSeconds: 0, maxSkewSeconds: 1, platforms: 'any' },
  now,
})

const backends: readonly SignatureBackend[] = [nobleBackend, nodeBackend(), webBackend()].filter(
  (backend) => backend !== undefined,
)

if (!present) test('real documents', () => console.warn(`skipped: ${FOLDER} is absent`))

describe.each(documents)('$file', (entry) => {
  const evidence = read(entry.file)
  const note = entry.negative_or_note ?? ''
  const debug = /debug/.test(note) || /_dbg/.test(entry.file)

  if (entry.observed?.err !== undefined) {
    test('an envelope of another format is not a document', async () => {
      expect(await verifyNitro(evidence, lenient(0n))).toMatchObject({ status: 'rejected', code: 'VS_TEE_MALFORMED' })
      expect(() => inspectNitro(evidence)).toThrow(expect.objectContaining({ code: 'VS_TEE_MALFORMED' }))
    })
    return
  }
  const claims = inspectNitro(evidence)
  const now = BigInt(Math.floor(claims.timestamp / 1000))

  test('is read as recorded', () => {
    if (entry.observed?.module !== undefined) expect(claims.moduleId).toBe(entry.observed.module)
    if (entry.observed?.ts !== undefined) expect(new Date(claims.timestamp).toISOString()).toBe(entry.observed.ts)
    if (entry.observed?.debug !== undefined) expect(claims.debug).toBe(entry.observed.debug)
    if (entry.observed?.pcr0 !== undefined) expect(claims.pcrs['0']).toMatch(new RegExp(`^${entry.observed.pcr0}`))
    if (entry.observed?.npcr !== undefined) expect(Object.keys(claims.pcrs)).toHaveLength(entry.observed.npcr)
    if (entry.observed?.n !== undefined) expect(claims.chain).toHaveLength(entry.observed.n)
  })

  test.each(backends)('the verdict, on $name', async (backend) => {
    const at = entry.expect?.startsWith('verify at ') === true ? second(entry.expect.slice(10)) : now
    const verdict = await verifyNitro(evidence, { ...lenient(at), backend })
    if (/self-made root/.test(note)) {
      expect(verdict).toMatchObject({ status: 'rejected', code: 'VS_TEE_CHAIN', check: 'certificate-chain' })
    } else if (debug) {
      expect(verdict).toMatchObject({ status: 'rejected', code: 'VS_TEE_DEBUG' })
      const allowed = await verifyNitro(evidence, {
        ...lenient(at),
        backend,
        appraisal: { pcrs: 'any', allowDebug: true },
      })
      expect(allowed.status).toBe('accepted')
    } else {
      expect(verdict).toMatchObject({ status: 'accepted', platformId: claims.instanceId })
    }
  })
})

test('how many ran', () => {
  console.info(`Nitro: ${documents.length} documents judged on ${backends.map(({ name }) => name).join(', ')}`)
  expect(backends).toHaveLength(3)
})
