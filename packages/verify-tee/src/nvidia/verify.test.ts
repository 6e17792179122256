import { concatBytes } from '@noble/hashes/utils.js'
import {
  block,
  bytesOf,
  entryOf,
  field,
  GPU,
  honestList,
  idOf,
  makeBundle,
  makeList,
  makeReport,
  NONCE,
  ourOptions,
  pem,
  SWITCH,
  usualChain,
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

  test('a chain without its root', async () => {
    const chain = usualChain().slice(0, -1)
    expect(await verifyNvidia(makeList(entryOf(GPU, makeReport(), chain)), one())).toMatchObject({ status: 'accepted' })
  })
})
