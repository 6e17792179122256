import { concatBytes, hexToBytes } from '@noble/hashes/utils.js'
import fc from 'fast-check'
import {
  algorithmIdentifier,
  BEGIN,
  type CrlParts,
  certificateOf,
  END,
  extension,
  integer,
  makeCrl,
  makeKey,
  NOW,
  sequence,
  tlv,
} from './authority.fixture.ts'
import { MAX_CRL_BYTES, parseCrl, verifyCrl } from './crl.ts'
import { nobleBackend, nodeBackend, webBackend } from './index.ts'

const key = makeKey('ecdsa-p256-sha256')
const other = makeKey('ecdsa-p256-sha256')
const issuer = { subject: 'ca', key }
const ca = certificateOf({ ...issuer, ca: {} })
const make = (change: Partial<CrlParts> = {}) =>
  makeCrl({
    issuer,
    revoked: [{ serial: 1n }, { serial: 0x80n, extensions: [extension('2.5.29.21', Uint8Array.of(0x0a, 1, 1))] }],
    ...change,
  })
const read = (change: Partial<CrlParts> = {}) => parseCrl(make(change), 'crl')
const refusal = expect.objectContaining({ code: 'VS_TEE_MALFORMED' })

test('an honest list', async () => {
  const crl = read()
  expect(crl).toMatchObject({ thisUpdate: BEGIN, nextUpdate: END, revoked: new Set(['01', '80']) })
  for (const at of [BEGIN, NOW, END]) expect(await verifyCrl(crl, ca, at, nobleBackend)).toEqual({ ok: true })
})

test('an empty list', () => expect(read({ revoked: [] }).revoked.size).toBe(0))

test.each([
  ['P-384', makeKey('ecdsa-p384-sha384')],
  ['RSA', makeKey('rsa-pss-sha384')],
])('a list signed on %s', async (_, strong) => {
  const its = { subject: 'ca', key: strong }
  const crl = parseCrl(makeCrl({ issuer: its }), 'crl')
  expect(await verifyCrl(crl, certificateOf({ ...its, ca: {} }), NOW, nobleBackend)).toEqual({ ok: true })
})

test('a list signed with SHA-256 on P-384, as NVIDIA’s are', async () => {
  const strong = makeKey('ecdsa-p384-sha384')
  const its = certificateOf({ subject: 'ca', key: strong, ca: {} })
  const by = { subject: 'ca', key: { ...strong, algorithm: 'ecdsa-p384-sha256' as const } }
  for (const backend of [nobleBackend, nodeBackend(), webBackend()].flatMap((b) => b ?? [])) {
    const crl = parseCrl(makeCrl({ issuer: by }), 'crl')
    expect(crl.algorithm).toBe('ecdsa-p384-sha256')
    expect(await verifyCrl(crl, its, NOW, backend)).toEqual({ ok: true })
    const said = { ...crl, algorithm: 'ecdsa-p384-sha384' as const }
    expect(await verifyCrl(said, its, NOW, backend)).toMatchObject({ ok: false, code: 'VS_TEE_CRL' })
    // The size of its numbers does not make it the list of a key on P-256.
    expect(await verifyCrl(crl, ca, NOW, backend)).toMatchObject({ ok: false, code: 'VS_TEE_CRL' })
  }
})

describe('a list that is not its issuer’s word now', () => {
  test.each([
    ['of another issuer', read({ issuer: { subject: 'other', key } }), ca, NOW],
    ['of somebody with the issuer’s name', read({ issuer: { subject: 'ca', key: other } }), ca, NOW],
    ['of an issuer that may not sign lists', read(), certificateOf({ ...issuer, ca: {}, usage: [5] }), NOW],
    ['from the future', read(), ca, BEGIN - 1n],
    ['expired', read({ nextUpdate: NOW - 1n }), ca, NOW],
    ['with its dates exchanged', read({ thisUpdate: END, nextUpdate: BEGIN }), ca, NOW],
    ['with a wrong signature', read({ signature: (s) => s.with(s.length - 1, (s.at(-1) ?? 0) ^ 1) }), ca, NOW],
    ['changed after signing', { ...read(), tbs: read({ revoked: [] }).tbs }, ca, NOW],
  ])('%s', async (_, crl, by, at) => {
    expect(await verifyCrl(crl, by, at, nobleBackend)).toMatchObject({ ok: false, code: 'VS_TEE_CRL' })
  })
})

describe('refused:', () => {
  const extensions = (count: number) =>
    Array.from({ length: count }, (_, i) => extension(`1.2.${i}`, new Uint8Array(0)))
  test('none of 64 extensions', () => {
    expect(read({ revoked: [{ serial: 1n, extensions: extensions(64) }] }).revoked.size).toBe(1)
  })

  const reason = (critical: boolean) => [extension('2.5.29.29', sequence(), critical)]
  test.each<readonly [string, Partial<CrlParts>]>([
    ['no date of the next list', { nextUpdate: null }],
    ['version 1', { version: new Uint8Array(0) }],
    ['version 1 written out', { version: integer(0) }],
    ['version 3', { version: integer(2) }],
    ['another algorithm outside than inside', { outerAlgorithm: algorithmIdentifier('ecdsa-p384-sha384') }],
    ['a critical extension: a list of a part', { extensions: [extension('2.5.29.28', sequence(), true)] }],
    ['a critical extension: a list of changes', { extensions: [extension('2.5.29.27', integer(1), true)] }],
    ['an extension twice', { extensions: [extension('2.5.29.20', integer(1)), extension('2.5.29.20', integer(2))] }],
    ['an entry with a critical extension: of another issuer', { revoked: [{ serial: 1n, extensions: reason(true) }] }],
    ['an entry with 65 extensions', { revoked: [{ serial: 1n, extensions: extensions(65) }] }],
    [
      'an entry with an extension twice',
      { revoked: [{ serial: 1n, extensions: [...reason(false), ...reason(false)] }] },
    ],
    ['a signature of zeros', { signature: () => sequence(integer(0), integer(0)) }],
    ['a signature with bytes after it', { signature: (s) => concatBytes(s, Uint8Array.of(0)) }],
    ['more in what is signed', { tbs: (tbs) => tlv(0x30, tbs.subarray(tbs[1] === 0x81 ? 3 : 4), integer(1)) }],
    ['an entry without a date', { tbs: (tbs) => withEntries(tbs, sequence(sequence(integer(1)))) }],
    [
      'an entry with a negative number',
      {
        tbs: (tbs) =>
          withEntries(tbs, sequence(sequence(hexToBytes('0201ff'), hexToBytes('170d3031303130313030303030305a')))),
      },
    ],
  ])('%s', (_, change) => expect(() => read(change)).toThrow(refusal))

  test('bytes after it, and too many of them', () => {
    expect(() => parseCrl(concatBytes(make(), Uint8Array.of(0)), 'crl')).toThrow(refusal)
    expect(() => parseCrl(new Uint8Array(MAX_CRL_BYTES + 1), 'crl')).toThrow(refusal)
  })

  test('whatever is not one, by a refusal', async () => {
    const der = make()
    await fc.assert(
      fc.asyncProperty(fc.nat(8 * der.length - 1), async (bit) => {
        const copy = der.slice()
        copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7))
        let answer: { readonly ok: boolean }
        try {
          answer = await verifyCrl(parseCrl(copy, 'crl'), ca, NOW, nobleBackend)
        } catch (error) {
          expect(error).toMatchObject({ code: 'VS_TEE_MALFORMED' })
          return
        }
        expect(answer).toMatchObject({ ok: false })
      }),
      { numRuns: 400 },
    )
  })
})

/** The revoked certificates of a list made with {@link make}, replaced. */
function withEntries(tbs: Uint8Array, entries: Uint8Array): Uint8Array {
  const rows = Buffer.from(tbs)
  const next = rows.indexOf(Buffer.from('21000101000000Z'))
  const list = next + 15
  const length = 2 + (rows[list + 1] ?? 0)
  return tlv(0x30, tbs.subarray(tbs[1] === 0x81 ? 3 : 4, list), entries, tbs.subarray(list + length))
}
