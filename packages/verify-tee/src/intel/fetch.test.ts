import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Reply, type Service, serve } from '../service.fixture.ts'
import { diskCache, type FetchIntelOptions, fetchIntelCollateral, type IntelCollateral, verifyIntel } from './index.ts'
import { type Json, makeCollateral, makeQuote, NOW, ourOptions, pckId } from './platform.fixture.ts'
import { pcs } from './service.fixture.ts'

let service: Service
const collateral = makeCollateral()
let served: IntelCollateral = collateral
const honest = (crlForm: 'der' | 'hex') => pcs(crlForm, () => served)

beforeAll(async () => {
  service = await serve(honest('der'))
})
afterAll(() => service.close())
beforeEach(() => {
  service.asked.length = 0
  served = collateral
  service.replies = honest('der')
})

const options = (change: Partial<FetchIntelOptions> = {}): FetchIntelOptions => ({
  baseUrl: service.base,
  rootCrlUrl: `${service.base}/root.crl`,
  now: NOW,
  fetch,
  ...change,
})

test('what Intel’s service sends is what a quote is judged by', async () => {
  const quote = makeQuote()
  const fetched = await fetchIntelCollateral(quote, options())
  expect(service.asked).toHaveLength(4)
  expect((await verifyIntel(quote, { ...ourOptions(), collateral: fetched })).status).toBe('accepted')
})

test('what a caching service sends, with lists in hexadecimal, is too', async () => {
  service.replies = honest('hex')
  const quote = makeQuote()
  const fetched = await fetchIntelCollateral(quote, { pccsUrl: `${service.base}/`, now: NOW, fetch })
  expect((await verifyIntel(quote, { ...ourOptions(), collateral: fetched })).status).toBe('accepted')
})

test('how a caching service ends its chains does not matter', async () => {
  const ends = (chain: string) => chain.trim().replaceAll('\n', '\r\n')
  service.replies = (path) => {
    const reply = honest('hex')(path) as Reply
    const headers = Object.entries(reply.headers ?? {}).map(([name, chain]) => [
      name,
      encodeURIComponent(ends(decodeURIComponent(chain))),
    ])
    return { ...reply, headers: Object.fromEntries(headers) }
  }
  const quote = makeQuote()
  const fetched = await fetchIntelCollateral(quote, { pccsUrl: service.base, now: NOW, fetch })
  expect((await verifyIntel(quote, { ...ourOptions(), collateral: fetched })).status).toBe('accepted')
})

describe('with a cache on disk', () => {
  let directory: string
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'veristack-collateral-'))
  })
  afterEach(() => rm(directory, { recursive: true }))

  test('nobody is asked twice, until an update is due', async () => {
    const cache = diskCache(join(directory, 'new'))
    const first = await fetchIntelCollateral(makeQuote(), options({ cache }))
    expect(await fetchIntelCollateral(makeQuote(), options({ cache }))).toEqual(first)
    expect(service.asked).toHaveLength(4)
    expect(await readdir(join(directory, 'new'))).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/)])
    await fetchIntelCollateral(makeQuote(), options({ cache, now: NOW + 86_400n }))
    expect(service.asked).toHaveLength(8)
  })

  test('a forged answer that is never due is asked for again after a day', async () => {
    const never = (body: Json): Json => ({ ...body, nextUpdate: '2999-01-01T00:00:00Z' })
    const forged = makeCollateral({ tcbInfo: never, qeIdentity: never })
    const cache = diskCache(directory)
    served = { ...forged, tcb_info_signature: '00'.repeat(64) }
    const poisoned = await fetchIntelCollateral(makeQuote(), options({ cache }))
    served = collateral
    // An hour later it is still there, and what judges refuses it.
    expect(await fetchIntelCollateral(makeQuote(), options({ cache, now: NOW + 3_600n }))).toEqual(poisoned)
    expect(await verifyIntel(makeQuote(), { ...ourOptions(), collateral: poisoned })).toMatchObject({
      status: 'rejected',
      check: 'tcb-info-signature',
    })
    const now = NOW + 86_400n
    expect(await fetchIntelCollateral(makeQuote(), options({ cache, now }))).not.toEqual(poisoned)
    expect(service.asked).toHaveLength(8)
  })

  test('a file that is damaged is fetched again', async () => {
    const cache = diskCache(directory)
    await fetchIntelCollateral(makeQuote(), options({ cache }))
    const [file] = await readdir(directory)
    await writeFile(join(directory, file ?? ''), '{"tcb_info":1')
    await fetchIntelCollateral(makeQuote(), options({ cache }))
    expect(service.asked).toHaveLength(8)
  })

  test('another service is another entry', async () => {
    const cache = diskCache(directory)
    await fetchIntelCollateral(makeQuote(), options({ cache }))
    await fetchIntelCollateral(makeQuote(), { pccsUrl: service.base, now: NOW, cache, fetch })
    expect(await readdir(directory)).toHaveLength(2)
  })
})

test.each<[string, Service['replies']]>([
  ['an error', () => ({ status: 503, body: '' })],
  ['a redirection', () => ({ status: 302, headers: { location: '/elsewhere' }, body: '' })],
  ['no chain', (path) => ({ ...(honest('der')(path) as Reply), headers: {} })],
  [
    'a chain that is not encoded well',
    (path) => ({ ...(honest('der')(path) as Reply), headers: { 'TCB-Info-Issuer-Chain': '%zz' } }),
  ],
  ['too much', () => ({ body: new Uint8Array(300_000) })],
])('%s is a failure to fetch', async (_, reply) => {
  service.replies = reply
  await expect(fetchIntelCollateral(makeQuote(), options())).rejects.toMatchObject({ code: 'VS_TEE_FETCH' })
})

test('nobody there is a failure to fetch', async () => {
  const nowhere = options({ baseUrl: 'http://127.0.0.1:1' })
  await expect(fetchIntelCollateral(makeQuote(), nowhere)).rejects.toMatchObject({ code: 'VS_TEE_FETCH' })
})

test('a signal ends it, with its own reason', async () => {
  const reason = new Error('no longer wanted')
  service.replies = () => 'silence'
  const controller = new AbortController()
  const fetching = fetchIntelCollateral(makeQuote(), options({ signal: controller.signal }))
  controller.abort(reason)
  await expect(fetching).rejects.toBe(reason)
})

test('what is no quote is not asked about', async () => {
  await expect(fetchIntelCollateral(Uint8Array.of(4), options())).rejects.toMatchObject({ code: 'VS_TEE_MALFORMED' })
  const unknown = makeQuote({ header: { version: 6 } })
  await expect(fetchIntelCollateral(unknown, options())).rejects.toMatchObject({ code: 'VS_TEE_UNSUPPORTED' })
  const named = makeQuote({ innerType: 1, innerData: pckId() })
  await expect(fetchIntelCollateral(named, options())).rejects.toMatchObject({ code: 'VS_TEE_UNSUPPORTED' })
  const both = fetchIntelCollateral(makeQuote(), options({ pccsUrl: service.base }))
  await expect(both).rejects.toMatchObject({ code: 'VS_TEE_INVALID_OPTION' })
  expect(service.asked).toEqual([])
})
