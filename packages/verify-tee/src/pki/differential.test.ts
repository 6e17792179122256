/*
 * Against @peculiar/x509 and pkijs, both over asn1js. On honest certificates and lists all three say the same. Where they
 * accept what is refused here, a test names it and says why; nothing is the other way round.
 */
import { bytesToHex, concatBytes } from '@noble/hashes/utils.js'
import { X509Certificate, X509Crl } from '@peculiar/x509'
import fc from 'fast-check'
import * as pkijs from 'pkijs'
import {
  BEGIN,
  type CertificateParts,
  type CrlParts,
  certificateOf,
  extension,
  integer,
  makeCertificate,
  makeCrl,
  makeKey,
  NOW,
  sequence,
  tlv,
} from './authority.fixture.ts'
import { nobleBackend, parseCertificate, parseCrl, verifyCrl, verifyPath } from './index.ts'

beforeAll(() => pkijs.setEngine('test', new pkijs.CryptoEngine({ name: 'test', crypto: globalThis.crypto })))

const buffer = (bytes: Uint8Array): ArrayBuffer => new Uint8Array(bytes).buffer
const ask = async (question: () => unknown): Promise<boolean> => {
  try {
    return (await question()) === true
  } catch {
    return false
  }
}

const keys = {
  ca: makeKey('ecdsa-p384-sha384'),
  p256: makeKey('ecdsa-p256-sha256'),
  rsa: makeKey('rsa-pss-sha384'),
}
const root = makeCertificate({ subject: 'root', key: keys.ca, ca: {} })
const issuer = { subject: 'root', key: keys.ca }
const leaf = (change: Partial<CertificateParts> = {}) =>
  makeCertificate({ subject: 'leaf', key: keys.p256, issuer, serial: 77n, ...change })
const list = (change: Partial<CrlParts> = {}) =>
  makeCrl({ issuer, revoked: [{ serial: 77n }, { serial: 0x81n }], ...change })

/** Whether each takes `der` for a certificate that `by` signed. */
const certified = {
  here: (der: Uint8Array, by = root) =>
    ask(async () => {
      const path = await verifyPath([parseCertificate(der, 'leaf')], {
        at: NOW,
        backend: nobleBackend,
        root: parseCertificate(by, 'root'),
      })
      return path.ok
    }),
  peculiar: (der: Uint8Array, by = root) =>
    ask(() =>
      new X509Certificate(buffer(der)).verify({
        publicKey: new X509Certificate(buffer(by)).publicKey,
        signatureOnly: true,
      }),
    ),
  pkijs: (der: Uint8Array, by = root) =>
    ask(() => pkijs.Certificate.fromBER(buffer(der)).verify(pkijs.Certificate.fromBER(buffer(by)))),
}

/** Whether each takes `der` for a list that the root signed. */
const listed = {
  here: (der: Uint8Array) =>
    ask(async () => (await verifyCrl(parseCrl(der, 'crl'), parseCertificate(root, 'root'), NOW, nobleBackend)).ok),
  peculiar: (der: Uint8Array) =>
    ask(() => new X509Crl(buffer(der)).verify({ publicKey: new X509Certificate(buffer(root)) })),
  pkijs: (der: Uint8Array) =>
    ask(() =>
      pkijs.CertificateRevocationList.fromBER(buffer(der)).verify({
        issuerCertificate: pkijs.Certificate.fromBER(buffer(root)),
      }),
    ),
}

const all = async (of: typeof certified | typeof listed, der: Uint8Array) => ({
  here: await of.here(der),
  peculiar: await of.peculiar(der),
  pkijs: await of.pkijs(der),
})
const EVERYBODY = { here: true, peculiar: true, pkijs: true }

test.each([
  ['P-384', root],
  ['P-256 under P-384', leaf()],
  ['a CA with a path length', leaf({ ca: { pathLength: 2 } })],
  ['a serial number of 20 bytes', leaf({ serial: 2n ** 159n - 1n })],
  ['after 2050', leaf({ notAfter: 253_402_300_799n })],
])('one reading of a certificate: %s', (_, der) => {
  const ours = parseCertificate(der, 'test')
  const peculiar = new X509Certificate(buffer(der))
  const other = pkijs.Certificate.fromBER(buffer(der))
  expect(BigInt(`0x${peculiar.serialNumber}`)).toBe(BigInt(`0x${ours.serial}`))
  expect([peculiar.notBefore, peculiar.notAfter].map((date) => BigInt(date.getTime() / 1000))).toEqual([
    ours.notBefore,
    ours.notAfter,
  ])
  expect([other.notBefore.value, other.notAfter.value].map((date) => BigInt(date.getTime() / 1000))).toEqual([
    ours.notBefore,
    ours.notAfter,
  ])
  expect(peculiar.extensions.map(({ type, critical }) => [type, critical])).toEqual(
    [...ours.extensions].map(([type, { critical }]) => [type, critical]),
  )
  if (ours.key.type !== 'ec') throw new Error('another key')
  expect(bytesToHex(other.subjectPublicKeyInfo.subjectPublicKey.valueBlock.valueHexView)).toBe(
    bytesToHex(ours.key.point),
  )
})

test('one verdict about honest ones', async () => {
  expect(await all(certified, leaf())).toEqual(EVERYBODY)
  expect(await all(listed, list())).toEqual(EVERYBODY)
  const byRsa = makeCertificate({ subject: 'r', key: keys.rsa, ca: {} })
  const under = makeCertificate({ subject: 'leaf', key: keys.p256, issuer: { subject: 'r', key: keys.rsa } })
  expect([await certified.here(under, byRsa), await certified.pkijs(under, byRsa)]).toEqual([true, true])
})

test('one reading of a list', () => {
  const ours = parseCrl(list(), 'crl')
  const peculiar = new X509Crl(buffer(list()))
  expect(peculiar.entries.map(({ serialNumber }) => BigInt(`0x${serialNumber}`))).toEqual(
    [...ours.revoked].map((serial) => BigInt(`0x${serial}`)),
  )
  expect(BigInt((peculiar.thisUpdate.getTime() ?? 0) / 1000)).toBe(ours.thisUpdate)
  expect(BigInt((peculiar.nextUpdate?.getTime() ?? 0) / 1000)).toBe(ours.nextUpdate)
})

test.each([
  ['certificates', certified, leaf()],
  ['lists', listed, list()],
] as const)('what is accepted here after any change, they accept too: %s', async (_, of, der) => {
  await fc.assert(
    fc.asyncProperty(fc.nat(8 * der.length - 1), async (bit) => {
      const copy = der.slice()
      copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      expect(await of.here(copy)).toBe(false)
    }),
    { numRuns: 150 },
  )
})

/** What the outermost value holds. */
const contents = (der: Uint8Array) => der.subarray(2 + ((der[1] ?? 0) > 0x80 ? (der[1] ?? 0) & 0x7f : 0))
/** The outermost length in more bytes than it needs. */
const padded = (der: Uint8Array) => {
  const { length } = contents(der)
  return concatBytes(Uint8Array.of(0x30, 0x83, 0, length >> 8, length & 0xff), contents(der))
}
/** The outermost value until an end-of-contents. */
const indefinite = (der: Uint8Array) => concatBytes(Uint8Array.of(0x30, 0x80), contents(der), Uint8Array.of(0, 0))
const trailing = (der: Uint8Array) => concatBytes(der, Uint8Array.of(0xde, 0xad))
const unknown = (critical: boolean) => extension('1.2.3.4', Uint8Array.of(5, 0), critical)

describe('certificates that they accept', () => {
  test.each<readonly [why: string, der: Uint8Array, peculiar: boolean, pkijs: boolean]>([
    ['bytes after the end are somebody else’s', trailing(leaf()), true, true],
    ['BER: an indefinite length', indefinite(leaf()), true, true],
    ['BER: a padded length', padded(leaf()), true, true],
    ['a signature alone says nothing about dates', leaf({ notAfter: BEGIN }), true, true],
    ['nor about extensions that must be understood', leaf({ extensions: [unknown(true)] }), true, true],
    ['an extension twice has no meaning', leaf({ extensions: [unknown(false), unknown(false)] }), true, true],
    [
      'true is ff and nothing else',
      leaf({ extensions: [sequence(Uint8Array.of(6, 3, 0x2a, 3, 4), Uint8Array.of(1, 1, 1), Uint8Array.of(4, 0))] }),
      true,
      true,
    ],
    ['version 2 has no extensions', leaf({ version: tlv(0xa0, integer(1)) }), true, true],
  ])('%s', async (_, der, peculiar, other) => {
    expect(await all(certified, der)).toEqual({ here: false, peculiar, pkijs: other })
  })

  test('a signer that is no CA, or is not the issuer that is named', async () => {
    const notCa = makeCertificate({ subject: 'root', key: keys.ca })
    const named = leaf({ issuer: { subject: 'another', key: keys.ca } })
    expect([await certified.here(leaf(), notCa), await certified.peculiar(leaf(), notCa)]).toEqual([false, true])
    expect([await certified.here(named), await certified.peculiar(named)]).toEqual([false, true])
  })
})

describe('lists that they accept', () => {
  test.each<readonly [why: string, der: Uint8Array, peculiar: boolean, pkijs: boolean]>([
    ['bytes after the end are somebody else’s', trailing(list()), true, true],
    ['BER: an indefinite length', indefinite(list()), true, true],
    ['an old list does not tell what was revoked since', list({ nextUpdate: NOW - 1n }), true, true],
    ['nor does one from the future', list({ thisUpdate: NOW + 1n }), true, true],
    ['without a date of the next one nobody could tell', list({ nextUpdate: null }), true, true],
    ['of another issuer, by the same key', list({ issuer: { subject: 'another', key: keys.ca } }), true, false],
    [
      'an entry of another issuer',
      list({ revoked: [{ serial: 1n, extensions: [extension('2.5.29.29', sequence(), true)] }] }),
      true,
      true,
    ],
    ['a list of a part', list({ extensions: [extension('2.5.29.28', sequence(), true)] }), true, true],
  ])('%s', async (_, der, peculiar, other) => {
    expect(await all(listed, der)).toEqual({ here: false, peculiar, pkijs: other })
  })

  test('an issuer that may not sign lists', async () => {
    const ca = certificateOf({ subject: 'root', key: keys.ca, ca: {}, usage: [5] })
    expect(await verifyCrl(parseCrl(list(), 'crl'), ca, NOW, nobleBackend)).toMatchObject({ ok: false })
    expect(
      await ask(() => new X509Crl(buffer(list())).verify({ publicKey: new X509Certificate(buffer(ca.der)) })),
    ).toBe(true)
  })
})

test('nothing that somebody else signed is accepted by anybody', async () => {
  const mallory = { subject: 'root', key: makeKey('ecdsa-p384-sha384') }
  const nobody = { here: false, peculiar: false, pkijs: false }
  expect(await all(certified, leaf({ issuer: mallory }))).toEqual(nobody)
  expect(await all(listed, list({ issuer: mallory }))).toEqual(nobody)
})
