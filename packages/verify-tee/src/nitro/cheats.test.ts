import { concatBytes } from '@noble/hashes/utils.js'
import type { TeeErrorCode } from '../errors.ts'
import { extension, makeKey } from '../pki/authority.fixture.ts'
import {
  cbor,
  certificate,
  documentFields,
  type EvidenceChange,
  INSTANCE,
  makeEvidence,
  ourOptions,
  ourRoot,
  PCR,
  raw,
  set,
  TIMESTAMP,
  type Value,
  withPcrs,
} from './enclave.fixture.ts'
import { NITRO_CHECKS, type NitroOptions, verifyNitro } from './index.ts'

const withBundle =
  (change: (bundle: Uint8Array[]) => Value): NonNullable<EvidenceChange['fields']> =>
  (fields) => {
    fields.set('cabundle', change([...(fields.get('cabundle') as Uint8Array[])]))
  }
const inBundle = (at: number, der: Uint8Array) => withBundle((bundle) => bundle.with(at, der))

type Cheat = readonly [
  what: string,
  check: keyof typeof NITRO_CHECKS,
  code: TeeErrorCode,
  change: EvidenceChange | (() => EvidenceChange),
  options?: { readonly [K in keyof NitroOptions]?: NitroOptions[K] | undefined },
]

const { relyingParty } = ourOptions()
const second = BigInt(Math.floor(TIMESTAMP / 1000))
const HOUR = 3600n

const CHEATS: readonly Cheat[] = [
  // The envelope.
  ['an array of 3', 'form', 'VS_TEE_MALFORMED', { envelope: (parts) => parts.slice(0, 3) }],
  ['an array of 5', 'form', 'VS_TEE_MALFORMED', { envelope: (parts) => [...parts, null] }],
  ['a map', 'form', 'VS_TEE_MALFORMED', { envelope: () => new Map() }],
  ['another tag', 'form', 'VS_TEE_MALFORMED', { envelope: (p) => raw(0xd1, ...cbor(p)) }],
  ['the tag twice', 'form', 'VS_TEE_MALFORMED', { envelope: (p) => raw(0xd2, 0xd2, ...cbor(p)) }],
  ['the tag in two bytes', 'form', 'VS_TEE_MALFORMED', { envelope: (p) => raw(0xd8, 18, ...cbor(p)) }],
  [
    'an indefinite array',
    'form',
    'VS_TEE_MALFORMED',
    { envelope: (p) => raw(0x9f, ...p.flatMap((v) => [...cbor(v)]), 0xff) },
  ],
  [
    'a padded length',
    'form',
    'VS_TEE_MALFORMED',
    { envelope: ([h = null, ...p]) => [raw(0x58, 4, ...cbor(h).subarray(1)), ...p] },
  ],
  ['an unprotected header', 'form', 'VS_TEE_MALFORMED', { unprotected: new Map<Value, Value>([[1, -35]]) }],
  ['no unprotected header', 'form', 'VS_TEE_MALFORMED', { unprotected: null }],
  [
    'a detached payload',
    'form',
    'VS_TEE_MALFORMED',
    { envelope: ([h = null, u = null, , s = null]) => [h, u, null, s] },
  ],
  ['an empty payload', 'form', 'VS_TEE_MALFORMED', { payload: () => new Uint8Array(0) }],
  ['a payload too long', 'form', 'VS_TEE_MALFORMED', { payload: () => new Uint8Array(16_385) }],
  ['a far longer one', 'form', 'VS_TEE_MALFORMED', { payload: () => new Uint8Array(60_000) }],
  ['a signature of 64 bytes', 'form', 'VS_TEE_MALFORMED', { signature: (s) => s.subarray(32) }],
  ['a signature in DER', 'form', 'VS_TEE_MALFORMED', { signature: (s) => concatBytes(Uint8Array.of(0x30, 96), s) }],
  ['a byte after it', 'trailing-bytes', 'VS_TEE_TRAILING_BYTES', { envelope: (p) => raw(...cbor(p), 0) }],
  [
    'padding after it',
    'trailing-bytes',
    'VS_TEE_TRAILING_BYTES',
    { envelope: (p) => raw(...cbor(p), ...new Uint8Array(100)) },
  ],
  [
    'a byte after the document',
    'trailing-bytes',
    'VS_TEE_TRAILING_BYTES',
    { payload: (p) => concatBytes(p, Uint8Array.of(0xf6)) },
  ],
  ['ES256', 'algorithm', 'VS_TEE_UNSUPPORTED', { header: cbor(new Map([[1, -7]])) }],
  ['no algorithm', 'algorithm', 'VS_TEE_UNSUPPORTED', { header: new Uint8Array(0) }],
  ['an empty header', 'algorithm', 'VS_TEE_UNSUPPORTED', { header: cbor(new Map()) }],
  [
    'more in the header',
    'algorithm',
    'VS_TEE_UNSUPPORTED',
    {
      header: cbor(
        new Map([
          [1, -35],
          [3, 0],
        ]),
      ),
    },
  ],
  [
    'the header with a padded number',
    'algorithm',
    'VS_TEE_UNSUPPORTED',
    { header: Uint8Array.of(0xa1, 0x01, 0x39, 0, 0x22) },
  ],
  ['a NitroTPM document', 'algorithm', 'VS_TEE_UNSUPPORTED', { fields: set('nitrotpm_pcrs', new Map()) }],
  ['SHA256', 'algorithm', 'VS_TEE_UNSUPPORTED', { fields: set('digest', 'SHA256') }],
  // The document.
  ['not a map', 'form', 'VS_TEE_MALFORMED', { payload: () => cbor([1]) }],
  ['an unknown field', 'form', 'VS_TEE_MALFORMED', { fields: set('more', 1) }],
  [
    'a number as a field',
    'form',
    'VS_TEE_MALFORMED',
    { payload: (p) => concatBytes(Uint8Array.of(0xaa), p.subarray(1), cbor(1), cbor(1)) },
  ],
  [
    'a field twice',
    'form',
    'VS_TEE_MALFORMED',
    { payload: (p) => concatBytes(Uint8Array.of(0xaa), p.subarray(1), cbor('nonce'), cbor(Uint8Array.of(6))) },
  ],
  [
    'a field fewer than counted',
    'form',
    'VS_TEE_MALFORMED',
    { payload: (p) => concatBytes(Uint8Array.of(0xaa), p.subarray(1)) },
  ],
  [
    'an indefinite map without end',
    'form',
    'VS_TEE_MALFORMED',
    { payload: (p) => concatBytes(Uint8Array.of(0xbf), p.subarray(1)) },
  ],
  ...['module_id', 'digest', 'timestamp', 'pcrs', 'certificate', 'cabundle'].flatMap((name): Cheat[] => [
    [`no ${name}`, 'form', 'VS_TEE_MALFORMED', { fields: (fields) => void fields.delete(name) }],
    [`null as ${name}`, 'form', 'VS_TEE_MALFORMED', { fields: set(name, null) }],
    [`an array as ${name}`, 'form', 'VS_TEE_MALFORMED', { fields: set(name, []) }],
    [`bytes as ${name}`, 'form', 'VS_TEE_MALFORMED', { fields: set(name, new Uint8Array(0)) }],
  ]),
  ['an empty module id', 'form', 'VS_TEE_MALFORMED', { fields: set('module_id', '') }],
  ['a module id with a line', 'form', 'VS_TEE_MALFORMED', { fields: set('module_id', 'i-1\n') }],
  ['a module id of 129', 'form', 'VS_TEE_MALFORMED', { fields: set('module_id', 'i'.repeat(129)) }],
  ['a module id in damaged UTF-8', 'form', 'VS_TEE_MALFORMED', { fields: set('module_id', raw(0x61, 0xff)) }],
  ['a module id in pieces', 'form', 'VS_TEE_MALFORMED', { fields: set('module_id', raw(0x7f, 0x61, 0x69, 0xff)) }],
  ['time zero', 'form', 'VS_TEE_MALFORMED', { fields: set('timestamp', 0) }],
  ['a negative time', 'form', 'VS_TEE_MALFORMED', { fields: set('timestamp', -1) }],
  ['a time after the year 9999', 'form', 'VS_TEE_MALFORMED', { fields: set('timestamp', 253_402_300_800_000) }],
  [
    'a time of 2^64 - 1',
    'form',
    'VS_TEE_MALFORMED',
    { fields: set('timestamp', raw(0x1b, ...new Uint8Array(8).fill(255))) },
  ],
  [
    'a time as a float',
    'form',
    'VS_TEE_MALFORMED',
    { fields: set('timestamp', raw(0xfb, 0x42, 0x79, 0x77, 0, 0, 0, 0, 0)) },
  ],
  ['a time as a tagged date', 'form', 'VS_TEE_MALFORMED', { fields: set('timestamp', raw(0xc1, 1)) }],
  ['no PCR', 'form', 'VS_TEE_MALFORMED', { fields: set('pcrs', new Map()) }],
  ['PCR32', 'form', 'VS_TEE_MALFORMED', { fields: withPcrs((pcrs) => pcrs.set(32, PCR(1))) }],
  ['PCR-1', 'form', 'VS_TEE_MALFORMED', { fields: withPcrs((pcrs) => pcrs.set(-1, PCR(1))) }],
  ['a PCR by name', 'form', 'VS_TEE_MALFORMED', { fields: withPcrs((pcrs) => pcrs.set('0', PCR(1))) }],
  ['a PCR of 32 bytes', 'form', 'VS_TEE_MALFORMED', { fields: withPcrs((pcrs) => pcrs.set(5, new Uint8Array(32))) }],
  ['a PCR of 64 bytes', 'form', 'VS_TEE_MALFORMED', { fields: withPcrs((pcrs) => pcrs.set(5, new Uint8Array(64))) }],
  [
    'a PCR twice',
    'form',
    'VS_TEE_MALFORMED',
    { fields: set('pcrs', raw(0xa2, 0, ...cbor(PCR(0)), 0, ...cbor(PCR(1)))) },
  ],
  ['indefinite PCRs', 'form', 'VS_TEE_MALFORMED', { fields: set('pcrs', raw(0xbf, 0, ...cbor(PCR(0)), 0xff)) }],
  ['an empty certificate', 'form', 'VS_TEE_MALFORMED', { fields: set('certificate', new Uint8Array(0)) }],
  ['a certificate that is none', 'form', 'VS_TEE_MALFORMED', { fields: set('certificate', new Uint8Array(100)) }],
  [
    'a certificate above 1024 bytes',
    'form',
    'VS_TEE_MALFORMED',
    () => ({
      fields: set('certificate', certificate('leaf', { extensions: [extension('1.2.3', new Uint8Array(800))] })),
    }),
  ],
  [
    'a byte after the certificate',
    'form',
    'VS_TEE_MALFORMED',
    () => ({ fields: set('certificate', concatBytes(certificate('leaf'), Uint8Array.of(0))) }),
  ],
  ['an empty bundle', 'form', 'VS_TEE_MALFORMED', { fields: set('cabundle', []) }],
  [
    'a bundle of 6',
    'form',
    'VS_TEE_MALFORMED',
    () => ({ fields: set('cabundle', Array.from({ length: 6 }, ourRoot)) }),
  ],
  [
    'nothing in the bundle',
    'form',
    'VS_TEE_MALFORMED',
    { fields: withBundle((bundle) => [...bundle.slice(0, 3), null]) },
  ],
  ['an empty public key', 'form', 'VS_TEE_MALFORMED', { fields: set('public_key', new Uint8Array(0)) }],
  ['a public key of 1025 bytes', 'form', 'VS_TEE_MALFORMED', { fields: set('public_key', new Uint8Array(1025)) }],
  ['user data of 513 bytes', 'form', 'VS_TEE_MALFORMED', { fields: set('user_data', new Uint8Array(513)) }],
  ['a nonce of 513 bytes', 'form', 'VS_TEE_MALFORMED', { fields: set('nonce', new Uint8Array(513)) }],
  ['a nonce as text', 'form', 'VS_TEE_MALFORMED', { fields: set('nonce', '06') }],
  ['an undefined nonce', 'form', 'VS_TEE_MALFORMED', { fields: set('nonce', raw(0xf7)) }],
  ['a nonce in pieces', 'form', 'VS_TEE_MALFORMED', { fields: set('nonce', raw(0x5f, 0x41, 6, 0xff)) }],
  // The chain.
  [
    'the bundle in the other order',
    'certificate-chain',
    'VS_TEE_CHAIN',
    { fields: withBundle((bundle) => bundle.reverse()) },
  ],
  [
    'a bundle without the root',
    'certificate-chain',
    'VS_TEE_CHAIN',
    { fields: withBundle((bundle) => bundle.slice(1)) },
  ],
  [
    'a bundle without an intermediate',
    'certificate-chain',
    'VS_TEE_CHAIN',
    { fields: withBundle((bundle) => bundle.toSpliced(2, 1)) },
  ],
  [
    'another root of the same name',
    'certificate-chain',
    'VS_TEE_CHAIN',
    () => ({ fields: inBundle(0, certificate('root', { key: makeKey('ecdsa-p384-sha384') })) }),
  ],
  [
    'the same root, signed again',
    'certificate-chain',
    'VS_TEE_CHAIN',
    () => ({ fields: inBundle(0, certificate('root')) }),
  ],
  ["AWS's root, of which these are not", 'certificate-chain', 'VS_TEE_CHAIN', {}, { root: undefined }],
  [
    'an intermediate by somebody else',
    'certificate-chain',
    'VS_TEE_CHAIN',
    () => ({
      fields: inBundle(1, certificate('region', { issuer: { subject: 'root', key: makeKey('ecdsa-p384-sha384') } })),
    }),
  ],
  [
    'an intermediate of another issuer',
    'certificate-chain',
    'VS_TEE_CHAIN',
    () => ({ fields: inBundle(2, certificate('region')) }),
  ],
  [
    'an intermediate that is no CA',
    'certificate-chain',
    'VS_TEE_CHAIN',
    () => ({ fields: inBundle(3, certificate('instance', { ca: false })) }),
  ],
  [
    'an intermediate with too short a path',
    'certificate-chain',
    'VS_TEE_CHAIN',
    () => ({ fields: inBundle(1, certificate('region', { ca: { pathLength: 1 } })) }),
  ],
  [
    'an intermediate that may not sign certificates',
    'certificate-chain',
    'VS_TEE_CHAIN',
    () => ({ fields: inBundle(1, certificate('region', { usage: [0] })) }),
  ],
  [
    'an unknown critical extension',
    'certificate-chain',
    'VS_TEE_CHAIN',
    () => ({
      fields: inBundle(1, certificate('region', { extensions: [extension('1.2.3', new Uint8Array(2), true)] })),
    }),
  ],
  [
    'a chain of P-256',
    'certificate-chain',
    'VS_TEE_CHAIN',
    () => {
      const key = makeKey('ecdsa-p256-sha256')
      return {
        fields: (fields) => {
          inBundle(3, certificate('instance', { key }))(fields)
          fields.set('certificate', certificate('leaf', { issuer: { subject: 'instance', key } }))
        },
      }
    },
  ],
  [
    'an expired intermediate',
    'certificate-chain',
    'VS_TEE_CERTIFICATE_DATE',
    () => ({ fields: inBundle(3, certificate('instance', { notAfter: second - 1n })) }),
  ],
  [
    'a leaf from after the document',
    'certificate-chain',
    'VS_TEE_CERTIFICATE_DATE',
    () => ({ fields: set('certificate', certificate('leaf', { notBefore: second + 1n })) }),
  ],
  [
    'a leaf that expired before the document',
    'certificate-chain',
    'VS_TEE_CERTIFICATE_DATE',
    () => ({ fields: set('certificate', certificate('leaf', { notAfter: second - 1n })) }),
  ],
  [
    'a document that says another time than its certificates',
    'certificate-chain',
    'VS_TEE_CERTIFICATE_DATE',
    { fields: set('timestamp', 900_000_000_000) },
    { now: 900_000_000n },
  ],
  [
    'a CA as leaf',
    'signing-key',
    'VS_TEE_CHAIN',
    () => ({ fields: set('certificate', certificate('leaf', { ca: {}, usage: [0, 5] })) }),
  ],
  [
    'a leaf that is not for signatures',
    'signing-key',
    'VS_TEE_CHAIN',
    () => ({ fields: set('certificate', certificate('leaf', { usage: [4] })) }),
  ],
  [
    'a leaf without usage',
    'signing-key',
    'VS_TEE_CHAIN',
    () => ({ fields: set('certificate', certificate('leaf', { usage: null })) }),
  ],
  [
    'a leaf of P-256',
    'signing-key',
    'VS_TEE_CHAIN',
    () => ({ fields: set('certificate', certificate('leaf', { key: makeKey('ecdsa-p256-sha256') })) }),
  ],
  // The signature.
  ['the signature of another key', 'signature', 'VS_TEE_SIGNATURE', () => ({ key: makeKey('ecdsa-p384-sha384') })],
  ['a signature of zeros', 'signature', 'VS_TEE_SIGNATURE', { signature: () => new Uint8Array(96) }],
  [
    'r and s exchanged',
    'signature',
    'VS_TEE_SIGNATURE',
    { signature: (s) => concatBytes(s.subarray(48), s.subarray(0, 48)) },
  ],
  [
    'the document of another envelope',
    'signature',
    'VS_TEE_SIGNATURE',
    {
      envelope: ([h = null, u = null, , s = null]) => [h, u, cbor(documentFields().set('nonce', Uint8Array.of(7))), s],
    },
  ],
  // The appraisal.
  [
    'debug mode',
    'debug',
    'VS_TEE_DEBUG',
    { fields: withPcrs((pcrs) => [0, 1, 2].map((i) => pcrs.set(i, new Uint8Array(48)))) },
    { appraisal: { pcrs: 'any' } },
  ],
  [
    'debug mode that the measurements allow',
    'debug',
    'VS_TEE_DEBUG',
    { fields: withPcrs((pcrs) => pcrs.set(0, new Uint8Array(48))) },
    { appraisal: { pcrs: { 0: ['00'.repeat(48)] } } },
  ],
  ['no PCR0', 'debug', 'VS_TEE_DEBUG', { fields: withPcrs((pcrs) => pcrs.delete(0)) }, { appraisal: { pcrs: 'any' } }],
  ['another image', 'pcrs', 'VS_TEE_MEASUREMENT', { fields: withPcrs((pcrs) => pcrs.set(0, PCR(1))) }],
  ['another application', 'pcrs', 'VS_TEE_MEASUREMENT', { fields: withPcrs((pcrs) => pcrs.set(2, PCR(3))) }],
  ['no PCR2', 'pcrs', 'VS_TEE_MEASUREMENT', { fields: withPcrs((pcrs) => pcrs.delete(2)) }],
  ['PCR16 that is not there', 'pcrs', 'VS_TEE_MEASUREMENT', {}, { appraisal: { pcrs: { 16: ['00'.repeat(48)] } } }],
  // The relying party.
  ['a document too old', 'age', 'VS_TEE_FRESHNESS', {}, { now: second + 301n }],
  ['a document older than its certificates', 'age', 'VS_TEE_FRESHNESS', {}, { now: second + 100_000n * HOUR }],
  ['a document from the future', 'age', 'VS_TEE_FRESHNESS', {}, { now: second - 61n }],
  ['another nonce', 'nonce', 'VS_TEE_REPORT_DATA', { fields: set('nonce', Uint8Array.of(7)) }],
  ['no nonce', 'nonce', 'VS_TEE_REPORT_DATA', { fields: set('nonce', null) }],
  ['an empty nonce', 'nonce', 'VS_TEE_REPORT_DATA', { fields: set('nonce', new Uint8Array(0)) }],
  [
    'a nonce where there must be none',
    'nonce',
    'VS_TEE_REPORT_DATA',
    {},
    { relyingParty: { ...relyingParty, nonce: null } },
  ],
  [
    'an empty nonce where there must be none',
    'nonce',
    'VS_TEE_REPORT_DATA',
    { fields: set('nonce', new Uint8Array(0)) },
    { relyingParty: { ...relyingParty, nonce: null } },
  ],
  ['another public key', 'public-key', 'VS_TEE_REPORT_DATA', { fields: set('public_key', Uint8Array.of(1, 2)) }],
  ['other user data', 'user-data', 'VS_TEE_REPORT_DATA', { fields: set('user_data', Uint8Array.of(4, 5, 0)) }],
  [
    'another instance',
    'platform',
    'VS_TEE_PLATFORM',
    { fields: set('module_id', 'i-0123456789abcdef1-enc0123456789abcdef') },
  ],
  [
    'a module id without an instance',
    'platform',
    'VS_TEE_PLATFORM',
    { fields: set('module_id', `x${INSTANCE}-enc0123456789abcdef`) },
  ],
]

describe('a way to cheat', () => {
  test.each(CHEATS.map((cheat) => ({ what: cheat[0], cheat })))('$what', async ({ cheat }) => {
    const [, check, code, change, options = {}] = cheat
    const { root, ...rest } = { ...ourOptions(), ...options } as NitroOptions
    const evidence = makeEvidence(typeof change === 'function' ? change() : change)
    const verdict = await verifyNitro(evidence, root === undefined ? rest : { ...rest, root })
    expect(verdict).toMatchObject({ status: 'rejected', check, code })
    expect(verdict.checks.find(({ id }) => id === check)).toMatchObject({ outcome: 'fail' })
    expect(verdict.checks.map(({ id }) => id)).toEqual(Object.keys(NITRO_CHECKS))
  })

  test('exists for every check', () => {
    expect(new Set(CHEATS.map(([, check]) => check))).toEqual(new Set(Object.keys(NITRO_CHECKS)))
  })

  test('is told together with the others that policies see', async () => {
    const evidence = makeEvidence({ fields: set('nonce', Uint8Array.of(9)) })
    const verdict = await verifyNitro(evidence, { ...ourOptions(), now: second + HOUR })
    expect(verdict.checks.filter(({ outcome }) => outcome === 'fail').map(({ id }) => id)).toEqual(['age', 'nonce'])
  })
})
