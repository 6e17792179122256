import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Service, serve } from '../service.fixture.ts'
import {
  type CollateralCache,
  diskCache,
  type FetchSevSnpOptions,
  fetchSevSnpCollateral,
  sevSnpDefaults,
  verifySevSnp,
} from './index.ts'
import { withTable } from './mutation.fixture.ts'
import { NOW } from './pki.fixture.ts'
import { ANSWERS, chips, kds, pem, vlek } from './service.fixture.ts'

let service: Service
let answer: (path: string) => Uint8Array | string | undefined
let options: FetchSevSnpOptions

beforeAll(async () => {
  service = await serve(kds((path) => answer(path)))
  options = { fetch, baseUrl: `${service.base}/`, now: NOW }
})
afterAll(() => service.close())
beforeEach(() => {
  service.asked.length = 0
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
  expect(service.asked).toHaveLength(3)
  const verdict = await verifySevSnp(report, { ...rest, collateral, now: NOW, ...(root === undefined ? {} : { root }) })
  expect(verdict).toMatchObject({ status: 'accepted' })
})

test('what the evidence carries is not asked for', async () => {
  const collateral = await fetchSevSnpCollateral(withTable(vlek), options)
  expect(service.asked).toEqual(['/vlek/v1/Genoa/crl'])
  expect(Object.keys(collateral)).toEqual(['crl'])
})

test('answers are kept: a certificate while it is valid, what AMD may replace for a day', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'veristack-kds-'))
  try {
    const cache = diskCache(directory)
    const { report } = chips.Milan
    const first = await fetchSevSnpCollateral(report, { ...options, cache })
    const paths = [...service.asked]
    expect(paths).toHaveLength(3)
    service.asked.length = 0
    // By another process as well, which is another cache on the same folder.
    const again = { ...options, cache: diskCache(directory) }
    expect(await fetchSevSnpCollateral(report, { ...again, now: NOW + 86_399n })).toEqual(first)
    expect(service.asked).toEqual([])
    await fetchSevSnpCollateral(report, { ...again, now: NOW + 86_400n })
    expect(service.asked).toEqual(paths.slice(1))
    await fetchSevSnpCollateral(report, { ...again, now: NOW + 86_401n })
    expect(service.asked.slice(2)).toEqual(paths)
    expect(await readdir(directory)).toHaveLength(3)
  } finally {
    await rm(directory, { recursive: true })
  }
})

test('what the cache has and nobody can use is asked for again', async () => {
  const { report } = chips.Milan
  for (const damage of [
    () => new Uint8Array(0),
    () => Uint8Array.of(1),
    (bytes: Uint8Array) => bytes.slice(0, -2),
    // Kept by a clock that was ahead.
    (bytes: Uint8Array) => bytes.with(0, 1),
  ]) {
    const cache = memory()
    const first = await fetchSevSnpCollateral(report, { ...options, cache })
    for (const [key, bytes] of cache.kept) cache.kept.set(key, damage(bytes))
    service.asked.length = 0
    expect(await fetchSevSnpCollateral(report, { ...options, cache })).toEqual(first)
    expect(service.asked).toHaveLength(3)
  }
})

test('what is not collateral is refused, and not kept', async () => {
  const { report } = chips.Milan
  const bad: readonly (readonly [answers: typeof answer, cause: RegExp, kept: number])[] = [
    [() => undefined, /status 404/, 0],
    [() => 'hello', /can not be read/, 0],
    [() => new Uint8Array(1 << 20), /above/, 0],
    // Certificates of something else: kept, they would have honest evidence rejected for as long as they are valid.
    [(path) => (path.includes('?') ? chips.Milan.root : ANSWERS[path]), /about something else/, 0],
    [(path) => (path.includes('?') ? chips.Turin.collateral.vek : ANSWERS[path]), /about something else/, 0],
    [(path) => (path.includes('?') ? vlek.collateral.vek : ANSWERS[path]), /about something else/, 0],
    [(path) => (path.endsWith('cert_chain') ? '' : ANSWERS[path]), /can not be read/, 1],
    [(path) => (path.endsWith('crl') ? pem(chips.Milan.root) : ANSWERS[path]), /can not be read/, 2],
  ]
  for (const [answers, cause, kept] of bad) {
    answer = answers
    const cache = memory()
    await expect(fetchSevSnpCollateral(report, { ...options, cache })).rejects.toMatchObject({
      code: 'VS_TEE_FETCH',
      details: { reason: expect.stringMatching(cause) },
    })
    expect(cache.kept.size).toBe(kept)
  }
  await expect(fetchSevSnpCollateral(report, { ...options, baseUrl: `${options.baseUrl}moved` })).rejects.toMatchObject(
    { code: 'VS_TEE_FETCH' },
  )
  await expect(
    fetchSevSnpCollateral(report, { ...options, fetch: () => Promise.reject(new Error('cut')) }),
  ).rejects.toMatchObject({ code: 'VS_TEE_FETCH', details: { reason: 'cut' } })
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
  expect(service.asked).toEqual([])
  expect(await fetchSevSnpCollateral(old, { ...options, product: 'Milan' })).toHaveProperty('vek')
  // Its own certificate says what it runs on.
  service.asked.length = 0
  const whole = withTable(chips.Milan)
  whole.set([2], 0)
  expect(Object.keys(await fetchSevSnpCollateral(whole, options))).toEqual(['crl'])
  expect(service.asked).toEqual(['/vcek/v1/Milan/crl'])
})

test('an abort ends it', async () => {
  const abort = new AbortController()
  abort.abort(new Error('enough'))
  await expect(fetchSevSnpCollateral(chips.Milan.report, { ...options, signal: abort.signal })).rejects.toThrow(
    'enough',
  )
  expect(service.asked).toEqual([])
})
