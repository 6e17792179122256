import { concatBytes, hexToBytes } from '@noble/hashes/utils.js'
import fc from 'fast-check'
import {
  algorithmIdentifier,
  BEGIN,
  bitString,
  type CertificateParts,
  END,
  extension,
  integer,
  makeCertificate,
  makeKey,
  nameOf,
  octets,
  oid,
  PSS_ALGORITHM,
  sequence,
  TRUE,
  time,
  tlv,
} from './authority.fixture.ts'
import { commonName, MAX_CERTIFICATE_BYTES, parseCertificate } from './certificate.ts'

const p256 = makeKey('ecdsa-p256-sha256')
const p384 = makeKey('ecdsa-p384-sha384')
const rsa = makeKey('rsa-pss-sha384')
const refusal = expect.objectContaining({ code: 'VS_TEE_MALFORMED' })

test.each([
  ['P-256', p256, 64],
  ['P-384', p384, 96],
  ['RSA', rsa, 256],
])('a certificate of %s', (_, key, signatureBytes) => {
  const der = makeCertificate({ subject: 'one', key, ca: { pathLength: 3 }, serial: 0x80n, usage: [0, 5, 6, 8] })
  const certificate = parseCertificate(der, 'one')
  expect(certificate).toMatchObject({
    serial: '80',
    notBefore: BEGIN,
    notAfter: END,
    algorithm: key.algorithm,
    ca: { pathLength: 3 },
    issuer: nameOf('one'),
    subject: nameOf('one'),
  })
  expect(certificate.keyUsage).toEqual(new Set(['digitalSignature', 'keyCertSign', 'cRLSign', 'other']))
  expect(certificate.signature).toHaveLength(signatureBytes)
  expect(commonName(certificate.subject)).toBe('one')
  expect([...certificate.extensions.keys()]).toEqual(['2.5.29.19', '2.5.29.15'])
})

test('no CA, without extensions, and with the default written out', () => {
  const bare = parseCertificate(makeCertificate({ subject: 'one', key: p256, usage: null }), 'one')
  expect(bare).not.toHaveProperty('ca')
  expect(bare).not.toHaveProperty('keyUsage')
  for (const value of [sequence(), sequence(Uint8Array.of(1, 1, 0))]) {
    const der = makeCertificate({ subject: 'one', key: p256, extensions: [extension('2.5.29.19', value)] })
    expect(parseCertificate(der, 'one')).not.toHaveProperty('ca')
  }
  // AMD keeps the zeros at the end of named bits.
  const padded = makeCertificate({
    subject: 'one',
    key: p256,
    usage: null,
    extensions: [extension('2.5.29.15', bitString(Uint8Array.of(4), 1))],
  })
  expect(parseCertificate(padded, 'one').keyUsage).toEqual(new Set(['keyCertSign']))
})

const SHA256 = sequence(oid('2.16.840.1.101.3.4.2.1'), tlv(5))
const SHA384 = sequence(oid('2.16.840.1.101.3.4.2.2'), tlv(5))
const pss = (hash: Uint8Array, mask: Uint8Array, salt: number, ...more: Uint8Array[]) =>
  sequence(
    oid('1.2.840.113549.1.1.10'),
    sequence(
      tlv(0xa0, hash),
      tlv(0xa1, sequence(oid('1.2.840.113549.1.1.8'), mask)),
      tlv(0xa2, integer(salt)),
      ...more,
    ),
  )
/** Both algorithm fields say the same. */
const signedAs = (identifier: Uint8Array): Partial<CertificateParts> => ({
  key: rsa,
  outerAlgorithm: identifier,
  tbs: (tbs) => replaced(tbs, PSS_ALGORITHM, identifier),
})

/** In DER whose lengths of the outermost value are made right again. */
function replaced(der: Uint8Array, part: Uint8Array, by: Uint8Array): Uint8Array {
  const at = Buffer.from(der).indexOf(part)
  if (at < 0) throw new Error('not there')
  const head = der[1] === 0x82 ? 4 : der[1] === 0x81 ? 3 : 2
  return tlv(der[0] ?? 0, der.subarray(head, at), by, der.subarray(at + part.length))
}

test('PSS with its trailer written out, as AMD does', () => {
  const der = makeCertificate({ subject: 'one', ...signedAs(pss(SHA384, SHA384, 48, tlv(0xa3, integer(1)))), key: rsa })
  expect(parseCertificate(der, 'one').algorithm).toBe('rsa-pss-sha384')
})

describe('refused:', () => {
  const ec = (curve: string, point: Uint8Array) =>
    sequence(sequence(oid('1.2.840.10045.2.1'), oid(curve)), bitString(point))
  const P256 = '1.2.840.10045.3.1.7'
  test.each<readonly [string, Partial<CertificateParts>]>([
    ['version 1', { version: tlv(0xa0, integer(0)) }],
    ['version 2', { version: tlv(0xa0, integer(1)) }],
    ['no version', { version: new Uint8Array(0) }],
    ['two versions', { version: tlv(0xa0, integer(2), integer(2)) }],
    ['a serial number of 21 bytes', { serial: 2n ** 160n }],
    ['another algorithm outside than inside', { outerAlgorithm: algorithmIdentifier('ecdsa-p384-sha384') }],
    ['SHA-1', { outerAlgorithm: sequence(oid('1.2.840.10045.4.1')) }],
    ['parameters for ECDSA', { outerAlgorithm: sequence(oid('1.2.840.10045.4.3.2'), tlv(5)) }],
    ['PKCS#1 v1.5', signedAs(sequence(oid('1.2.840.113549.1.1.12'), tlv(5)))],
    ['PSS without parameters', signedAs(sequence(oid('1.2.840.113549.1.1.10')))],
    ['PSS with defaults', signedAs(sequence(oid('1.2.840.113549.1.1.10'), sequence()))],
    ['PSS with SHA-256', signedAs(pss(SHA256, SHA384, 48))],
    ['PSS with MGF1 of SHA-256', signedAs(pss(SHA384, SHA256, 48))],
    ['PSS with 32 bytes of salt', signedAs(pss(SHA384, SHA384, 32))],
    ['PSS with trailer 2', signedAs(pss(SHA384, SHA384, 48, tlv(0xa3, integer(2))))],
    ['PSS with more', signedAs(pss(SHA384, SHA384, 48, tlv(0xa4, integer(1))))],
    ['one date', { validity: sequence(time(BEGIN)) }],
    ['three dates', { validity: sequence(time(BEGIN), time(END), time(END)) }],
    ['a date as text', { validity: sequence(tlv(0x13, hexToBytes('00')), time(END)) }],
    ['a key of P-521', { spki: ec('1.3.132.0.35', new Uint8Array(133).fill(4)) }],
    ['a compressed key', { spki: ec(P256, new Uint8Array(33).fill(2)) }],
    ['a hybrid key', { spki: ec(P256, new Uint8Array(65).fill(6)) }],
    ['a key of P-384 on P-256', { spki: ec(P256, new Uint8Array(97).fill(4)) }],
    ['a key of Ed25519', { spki: sequence(sequence(oid('1.3.101.112')), bitString(new Uint8Array(32))) }],
    [
      '65 extensions',
      { usage: null, extensions: Array.from({ length: 65 }, (_, i) => extension(`1.2.${i}`, new Uint8Array(0))) },
    ],
    [
      'an extension twice',
      { extensions: [extension('1.2.3', octets(new Uint8Array(1))), extension('1.2.3', new Uint8Array(0))] },
    ],
    ['an extension without value', { extensions: [sequence(oid('1.2.3'))] }],
    [
      'an extension with a critical flag of 1',
      { extensions: [sequence(oid('1.2.3'), Uint8Array.of(1, 1, 1), octets(new Uint8Array(0)))] },
    ],
    ['an extension with more', { extensions: [sequence(oid('1.2.3'), TRUE, octets(new Uint8Array(0)), TRUE)] }],
    [
      'basic constraints with bytes after them',
      { extensions: [extension('2.5.29.19', concatBytes(sequence(TRUE), Uint8Array.of(0)))] },
    ],
    [
      'basic constraints with a negative length',
      { extensions: [extension('2.5.29.19', sequence(TRUE, hexToBytes('0201ff')))] },
    ],
    ['basic constraints in another order', { extensions: [extension('2.5.29.19', sequence(integer(1), TRUE))] }],
    ['key usage of bytes', { usage: null, extensions: [extension('2.5.29.15', octets(Uint8Array.of(4)))] }],
    ['a signature of zeros', { signature: () => sequence(integer(0), integer(0)) }],
    ['a signature with bytes after it', { signature: (s) => concatBytes(s, Uint8Array.of(0)) }],
    ['more in what is signed', { tbs: (tbs) => tlv(0x30, tbs.subarray(4), integer(1)) }],
  ])('%s', (_, change) => {
    const der = makeCertificate({ subject: 'one', key: p256, ca: false, ...change })
    expect(() => parseCertificate(der, 'one')).toThrow(refusal)
  })

  test('bytes after it, and too many of them', () => {
    const der = makeCertificate({ subject: 'one', key: p256 })
    expect(() => parseCertificate(concatBytes(der, Uint8Array.of(0)), 'one')).toThrow(refusal)
    expect(() => parseCertificate(new Uint8Array(MAX_CERTIFICATE_BYTES + 1), 'one')).toThrow(refusal)
  })

  test('whatever is not one, by a refusal', () => {
    const der = makeCertificate({ subject: 'one', key: p256, ca: {} })
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(der.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        (changes) => {
          const copy = der.slice()
          for (const [at, byte] of changes) copy[at] = byte
          try {
            const { subject } = parseCertificate(copy, 'one')
            commonName(subject)
          } catch (error) {
            expect(error).toMatchObject({ code: 'VS_TEE_MALFORMED' })
          }
        },
      ),
      { numRuns: 1000 },
    )
  })
})
