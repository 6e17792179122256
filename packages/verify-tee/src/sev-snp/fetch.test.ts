import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type CollateralCache, fetchSevSnpCollateral, type KdsOptions, sevSnpDefaults, verifySevSnp } from './index.ts'
import { honest, withTable } from './mutation.fixture.ts'
import { authority, NOW } from './pki.fixture.ts'

const keys = authority()
const chips = { Milan: honest('Milan', 'vcek', keys), Turin: honest('Turin', 'vcek', keys) }
const vlek = honest('Genoa', 'vlek', keys)
const pem = (...ders: readonly (Uint8Array | undefined)[]): string =>
  ders
    .map((der = new Uint8Array()) => Buffer.from(der).toString('base64').replace(/.{64}/g, '$&\n'))
    .map((text) => `-----BEGIN CERTIFICATE-----\n${text.trimEnd()}\n-----END CERTIFICATE-----\n`)
    .join('')

const ANSWERS: Readonly<Record<string, Uint8Array | string | undefined>> = {
  [`/vcek/v1/Milan/${'ab'.repeat(64)}?blSPL=01&teeSPL=02&snpSPL=00&ucodeSPL=81`]: chips.Milan.collateral.vek,
  '/vcek/v1/Milan/cert_chain': pem(chips.Milan.collateral.issuer, chips.Milan.root),
  '/vcek/v1/Milan/crl': chips.Milan.collateral.crl,
  [`/vcek/v1/Turin/${'ab'.repeat(8)}?fmcSPL=01&blSPL=02&teeSPL=03&snpSPL=04&ucodeSPL=81`]: chips.Turin.collateral.vek,
  '/vcek/v1/Turin/cert_chain': pem(chips.Turin.collateral.issuer, chips.Turin.root),
  '/vcek/v1/Turin/crl': chips.Turin.collateral.crl,
  '/vlek/v1/Genoa/cert_chain': pem(vlek.collateral.issuer, vlek.root),
  '/vlek/v1/Genoa/crl': vlek.collateral.crl,
}

let server: Server
let asked: string[] = []
let answer: (path: string) => Uint8Array | string | undefined
let options: KdsOptions

beforeAll(async () => {
  server = createServer(({ url = '' }, response) => {
    asked.push(url)
    const found = answer(url)
    response.statusCode = found === undefined ? 404 : 200
    if (url.includes('moved')) response.writeHead(302, { location: '/vcek/v1/Milan/crl' })
    response.end(found)
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  options = { fetch, baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, now: NOW }
})
afterAll(() => new Promise((done) => server.close(done)))
beforeEach(() => {
  asked = []
  answer = (path) => ANSWERS[path]
})

const memory = (): CollateralCache & { readonly kept: Map<string, Uint8Array> } => {
  const kept = new Map<string, Uint8Array>()
  return { kept, get: async (key) => kept.get(key), set: async (key, bytes) => void kept.set(key, bytes) }
}
const rest = {
  appraisal: { ...sevSnpDefaults, measurements: 'any', minimumTcb: 'any' },
  relyingParty: { reportData: 'any', platforms: 'any' },
} as const

test.each(Object.entries(chips))('what %s needs is asked for by chip and TCB version', async (_, { report, root }) => {
  const collateral = await fetchSevSnpCollateral(report, options)
  expect(asked).toHaveLength(3)
  const verdict = await verifySevSnp(report, { ...rest, collateral, now: NOW, ...(root === undefined ? {} : { root }) })
  expect(verdict).toMatchObject({ status: 'accepted' })
})

test('what the evidence carries is not asked for', async () => {
  const collateral = await fetchSevSnpCollateral(withTable(vlek), options)
  expect(asked).toEqual(['/vlek/v1/Genoa/crl'])
  expect(Object.keys(collateral)).toEqual(['crl'])
})

test('answers are kept; a revocation list for a day', async () => {
  const cache = memory()
  const { report } = chips.Milan
  const first = await fetchSevSnpCollateral(report, { ...options, cache })
  expect(await fetchSevSnpCollateral(report, { ...options, cache })).toEqual(first)
  expect(asked).toHaveLength(3)
  await fetchSevSnpCollateral(report, { ...options, cache, now: NOW + 86_400n })
  expect(asked.slice(3)).toEqual(['/vcek/v1/Milan/crl'])
  for (const key of cache.kept.keys()) cache.kept.set(key, Uint8Array.of(1))
  expect(await fetchSevSnpCollateral(report, { ...options, cache })).toEqual(first)
})

test('what is not collateral is refused, and not kept', async () => {
  const { report } = chips.Milan
  const cache = memory()
  const bad: readonly (readonly [string, typeof answer, RegExp])[] = [
    ['absent', () => undefined, /status 404/],
    ['no certificate', () => 'hello', /can not be read/],
    ['too large', () => new Uint8Array(1 << 20), /above/],
  ]
  for (const [, answers, cause] of bad) {
    answer = answers
    await expect(fetchSevSnpCollateral(report, { ...options, cache })).rejects.toMatchObject({
      code: 'VS_TEE_FETCH',
      details: { cause: expect.stringMatching(cause) },
    })
  }
  await expect(
    fetchSevSnpCollateral(report, { ...options, baseUrl: `${options.baseUrl}/moved`, cache }),
  ).rejects.toMatchObject({ code: 'VS_TEE_FETCH' })
  await expect(
    fetchSevSnpCollateral(report, { ...options, fetch: () => Promise.reject(new Error('cut')) }),
  ).rejects.toMatchObject({ code: 'VS_TEE_FETCH', details: { cause: 'cut' } })
  expect(cache.kept.size).toBe(0)
})

test('what the service can not have is said before anybody is asked', async () => {
  await expect(fetchSevSnpCollateral(vlek.report, options)).rejects.toMatchObject({ code: 'VS_TEE_FETCH' })
  const masked = chips.Milan.report.slice().fill(0, 0x1a0, 0x1e0)
  await expect(fetchSevSnpCollateral(masked, options)).rejects.toMatchObject({ code: 'VS_TEE_FETCH' })
  const old = chips.Milan.report.slice()
  old.set([2], 0)
  await expect(fetchSevSnpCollateral(old, options)).rejects.toMatchObject({
    code: 'VS_TEE_INVALID_OPTION',
    details: { field: 'product' },
  })
  await expect(fetchSevSnpCollateral(new Uint8Array(3), options)).rejects.toMatchObject({ code: 'VS_TEE_MALFORMED' })
  expect(asked).toEqual([])
  expect(await fetchSevSnpCollateral(old, { ...options, product: 'Milan' })).toHaveProperty('vek')
})

test('an abort ends it', async () => {
  const abort = new AbortController()
  abort.abort(new Error('enough'))
  await expect(fetchSevSnpCollateral(chips.Milan.report, { ...options, signal: abort.signal })).rejects.toThrow(
    'enough',
  )
  expect(asked).toEqual([])
})
