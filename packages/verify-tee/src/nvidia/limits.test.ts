import { makeCertificate, makeCrl, makeKey } from '../pki/authority.fixture.ts'
import { entryOf, GPU, issuerAt, makeList, NOW, ourOptions, usualCrls } from './devices.fixture.ts'
import { type NvidiaCollateral, verifyNvidia } from './index.ts'
import { makeOcsp, type OcspParts } from './ocsp.fixture.ts'

/** What costs most to judge is refused before it is: each limit, and what just keeps it. */
const evidence = makeList(entryOf())
const judge = (more: NvidiaCollateral) => {
  const { relyingParty, ...options } = ourOptions()
  const collateral = { crls: [...usualCrls(GPU), ...(more.crls ?? [])], ocsp: more.ocsp ?? [] }
  return verifyNvidia(evidence, { ...options, relyingParty: { ...relyingParty, devices: 'any' }, collateral })
}
const refused = { status: 'rejected', check: 'revocation', code: 'VS_TEE_CRL' }

const answer = (parts: Partial<OcspParts> = {}) => makeOcsp({ subjectSerial: 11n, issuer: 'ica', ...parts })

test('of one device’s certificate, four answers', async () => {
  const answers = Array.from({ length: 5 }, (_, i) => answer({ thisUpdate: NOW - BigInt(i) }))
  expect(await judge({ ocsp: answers.slice(1) })).toMatchObject({ status: 'accepted' })
  expect(await judge({ ocsp: answers })).toMatchObject({ ...refused, detail: expect.stringContaining('5 answers') })
})

test('in an answer, four certificates', async () => {
  const key = makeKey('ecdsa-p384-sha384')
  const certificates = Array.from({ length: 5 }, (_, i) => makeCertificate({ subject: `${i}`, key }))
  const { subject, key: signer } = issuerAt('ica')
  const by = (count: number) => ({ signer: { subject, key: signer, certificates: certificates.slice(0, count) } })
  expect(await judge({ ocsp: [answer(by(4))] })).toMatchObject({ status: 'accepted' })
  expect(await judge({ ocsp: [answer(by(5))] })).toMatchObject(refused)
})

test('answers of 256 kB together', async () => {
  const key = makeKey('ecdsa-p384-sha384')
  const long = makeCertificate({ subject: 'x'.repeat(9_000), key })
  const { subject, key: signer } = issuerAt('ica')
  const large = (at: number) =>
    answer({ subjectSerial: BigInt(1000 + at), signer: { subject, key: signer, certificates: [long] } })
  const answers = Array.from({ length: 30 }, (_, at) => large(at))
  const total = answers.reduce((sum, { length }) => sum + length, 0)
  expect(total).toBeGreaterThan(1 << 18)
  expect(await judge({ ocsp: answers })).toMatchObject({ ...refused, detail: expect.stringContaining('together') })
})

describe('lists', () => {
  const issuer = { subject: 'stranger', key: makeKey('ecdsa-p384-sha384') }
  const listOf = (rows: number) =>
    makeCrl({ issuer, revoked: Array.from({ length: rows }, (_, i) => ({ serial: BigInt(i + 256) })) })
  const large = listOf(2_900)
  const tooLarge = listOf(3_200)

  test('of 64 kB each', async () => {
    expect(await judge({ crls: [large] })).toMatchObject({ status: 'accepted' })
    expect(tooLarge.length).toBeGreaterThan(1 << 16)
    for (const list of [tooLarge, Buffer.from(tooLarge).toString('base64')])
      expect(await judge({ crls: [list] })).toMatchObject(refused)
  })

  test('of 256 kB together', async () => {
    expect(await judge({ crls: [large, large, large, large] })).toMatchObject({ status: 'accepted' })
    const five = await judge({ crls: [large, large, large, large, large] })
    expect(five).toMatchObject({ ...refused, detail: expect.stringContaining('together') })
  })
})
