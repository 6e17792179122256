import { concatBytes } from '@noble/hashes/utils.js'
import type { TeeErrorCode } from '../errors.ts'
import { extension, makeCertificate, makeKey } from '../pki/authority.fixture.ts'
import {
  type BundleChange,
  base64Url,
  block,
  bytesOf,
  type Claims,
  certificate,
  compositeId,
  deviceClaims,
  deviceName,
  digest,
  entryOf,
  FWID,
  field,
  GPU,
  honestList,
  idOf,
  issuerAt,
  type Json,
  keyOf,
  makeBundle,
  makeKeySet,
  makeList,
  makeReport,
  makeToken,
  NONCE,
  NOW,
  ourOptions,
  ourRoot,
  pem,
  type ReportChange,
  type ReportParts,
  SWITCH,
  tcbInfo,
  usualChain,
  usualFields,
  webKey,
} from './devices.fixture.ts'
import { NVIDIA_CHECKS, type NvidiaCheck, type NvidiaOptions, verifyNvidia } from './index.ts'

type Changed = { readonly [K in keyof NvidiaOptions]?: NvidiaOptions[K] | undefined }
type Cheat = readonly [
  what: string,
  check: NvidiaCheck,
  code: TeeErrorCode,
  evidence: Uint8Array | (() => Uint8Array),
  options?: Changed,
]

const options = ourOptions()
const text = (value: string): Uint8Array => new TextEncoder().encode(value)
const list = honestList()
const bundle = makeBundle()

const overall = (change: (claims: Claims) => void) => makeBundle({ overall: change })
const gpu = (change: (claims: Claims) => void) => makeBundle({ gpu: change })
const claim = (name: string, value: Json) => gpu((claims) => void Object.assign(claims, { [name]: value }))
const without = (name: string) => gpu((claims) => void delete claims[name])
const header = (value: Json): BundleChange => ({ overallToken: { header: value } })
/** A switch beside it, so that the numbers are right. */
const reported = (change: ReportChange, chain = usualChain()) =>
  makeList(entryOf(GPU, makeReport(change), chain), entryOf(SWITCH))
const parts = (change: (parts: ReportParts) => void) => reported({ parts: change })
const opaque = (...fields: readonly Uint8Array[]) =>
  parts((p) => {
    p.opaque = concatBytes(...fields)
  })
const chained = (change: (chain: Uint8Array[]) => Uint8Array[]) => reported({}, change(usualChain()))
const entry = (change: { readonly [name: string]: Json }) => makeList({ ...entryOf(), ...change }, entryOf(SWITCH))
const leaf = (...extensions: readonly Uint8Array[]) =>
  chained((c) => c.with(0, certificate('leaf', GPU, { extensions })))

const { appraisal, relyingParty, collateral } = options
const policy = (change: Partial<NvidiaOptions['appraisal']>): Changed => ({ appraisal: { ...appraisal, ...change } })
const party = (change: Partial<NvidiaOptions['relyingParty']>): Changed => ({
  relyingParty: { ...relyingParty, ...change },
})
const keySet = (...keys: readonly Json[]): Changed => ({ collateral: { ...collateral, keySet: makeKeySet(...keys) } })
const HOUR = 3600n

const CHEATS: readonly Cheat[] = [
  // The form.
  ['nothing', 'form', 'VS_TEE_MALFORMED', new Uint8Array()],
  ['too much', 'form', 'VS_TEE_MALFORMED', new Uint8Array((1 << 19) + 1).fill(32)],
  ['no JSON', 'form', 'VS_TEE_MALFORMED', text('[[')],
  ['no UTF-8', 'form', 'VS_TEE_MALFORMED', Uint8Array.of(0x5b, 0xff, 0x5d)],
  [
    'a byte order mark',
    'form',
    'VS_TEE_MALFORMED',
    concatBytes(Uint8Array.of(0xef, 0xbb, 0xbf, 0xef, 0xbb, 0xbf), bundle),
  ],
  ['a long gap', 'form', 'VS_TEE_MALFORMED', text(`[${' '.repeat((1 << 19) - 8)}x`)],
  ['a long nest', 'form', 'VS_TEE_MALFORMED', text('['.repeat(1 << 19))],
  ['many members', 'form', 'VS_TEE_MALFORMED', text(`[{${'"":0,'.repeat(100_000)}"":0}]`)],
  [
    'a long gap in a version',
    'form',
    'VS_TEE_MALFORMED',
    opaque(field(3, concatBytes(new Uint8Array(60_000), text('x')))),
  ],
  ['an empty list', 'form', 'VS_TEE_MALFORMED', bytesOf([])],
  ['no devices in a list', 'form', 'VS_TEE_MALFORMED', bytesOf({ nonce: NONCE, arch: 'HOPPER', evidence_list: [] })],
  ['17 devices', 'form', 'VS_TEE_MALFORMED', makeList(...Array.from({ length: 17 }, () => entryOf()))],
  ['another object', 'form', 'VS_TEE_MALFORMED', bytesOf({ 'GPU-0': { measres: 'success' } })],
  ['a token alone', 'form', 'VS_TEE_MALFORMED', text(makeToken({}))],
  [
    'a member twice',
    'form',
    'VS_TEE_MALFORMED',
    text(`[${JSON.stringify(entryOf()).replace('{', '{"arch":"HOPPER",')}]`),
  ],
  ['an unknown member', 'form', 'VS_TEE_MALFORMED', entry({ more: 1 })],
  ['another version of the list', 'form', 'VS_TEE_MALFORMED', entry({ version: '2.0' })],
  ['no report', 'form', 'VS_TEE_MALFORMED', entry({ evidence: 7 })],
  ['no certificates', 'form', 'VS_TEE_MALFORMED', entry({ certificate: '' })],
  ['base64 with spare bits', 'form', 'VS_TEE_MALFORMED', entry({ evidence: 'EeAB/x==' })],
  ['an architecture that is no text', 'form', 'VS_TEE_MALFORMED', entry({ arch: [] })],
  ['a nonce that is no text', 'form', 'VS_TEE_MALFORMED', entry({ nonce: 1 })],
  [
    'hexadecimal with a digit missing',
    'form',
    'VS_TEE_MALFORMED',
    text(Buffer.from(makeReport()).toString('hex').slice(1)),
  ],
  [
    'hexadecimal of half a byte',
    'form',
    'VS_TEE_MALFORMED',
    text(Buffer.from(makeReport()).toString('hex').slice(0, -1)),
  ],
  ['a report that is cut', 'form', 'VS_TEE_MALFORMED', makeReport().slice(0, -1)],
  ['a bundle of three', 'form', 'VS_TEE_MALFORMED', makeBundle({ envelope: (b) => [...b, {}] })],
  ['a bundle of one', 'form', 'VS_TEE_MALFORMED', makeBundle({ envelope: (b) => b.slice(0, 1) })],
  [
    'another word than JWT',
    'form',
    'VS_TEE_MALFORMED',
    makeBundle({ envelope: ([o, d]) => [['CWT', (o as Json[])[1] ?? ''], d ?? ''] }),
  ],
  ['no device in a bundle', 'form', 'VS_TEE_MALFORMED', makeBundle({ envelope: ([o]) => [o ?? '', {}] })],
  [
    'another kind of device',
    'form',
    'VS_TEE_MALFORMED',
    makeBundle({ tokens: (t) => void Object.assign(t, { 'DPU-0': t['GPU-0'] }) }),
  ],
  [
    'a device that is no token',
    'form',
    'VS_TEE_MALFORMED',
    makeBundle({ tokens: (t) => void Object.assign(t, { 'GPU-0': 1 }) }),
  ],
  [
    'two parts',
    'form',
    'VS_TEE_MALFORMED',
    makeBundle({ tokens: (t) => void Object.assign(t, { 'GPU-0': 'e30.e30' }) }),
  ],
  [
    'four parts',
    'form',
    'VS_TEE_MALFORMED',
    makeBundle({ tokens: (t) => void Object.assign(t, { 'GPU-0': `${t['GPU-0']}.` }) }),
  ],
  [
    'padded base64url',
    'form',
    'VS_TEE_MALFORMED',
    makeBundle({ tokens: (t) => void Object.assign(t, { 'GPU-0': `${t['GPU-0']}==` }) }),
  ],
  ['a huge token', 'form', 'VS_TEE_MALFORMED', claim('x', 'y'.repeat(16_384))],
  ['claims that are a list', 'form', 'VS_TEE_MALFORMED', makeBundle({ gpuToken: { body: '[]' } })],
  ['a claim twice', 'form', 'VS_TEE_MALFORMED', makeBundle({ gpuToken: { body: '{"iss":"a","iss":"b"}' } })],
  ['a number of another spelling', 'form', 'VS_TEE_MALFORMED', makeBundle({ gpuToken: { body: '{"exp":1e9}' } })],
  ['a short signature', 'form', 'VS_TEE_MALFORMED', makeBundle({ overallToken: { signature: (s) => s.slice(1) } })],
  ['no key id', 'form', 'VS_TEE_MALFORMED', makeBundle(header({ alg: 'ES384' }))],
  ['a key id that is a list', 'form', 'VS_TEE_MALFORMED', makeBundle(header({ alg: 'ES384', kid: ['a'] }))],
  ['no issuer', 'form', 'VS_TEE_MALFORMED', without('iss')],
  ['no nonce', 'form', 'VS_TEE_MALFORMED', without('eat_nonce')],
  ['a nonce of 31 bytes', 'form', 'VS_TEE_MALFORMED', claim('eat_nonce', NONCE.slice(2))],
  ['several nonces', 'form', 'VS_TEE_MALFORMED', claim('eat_nonce', [NONCE])],
  ['no end', 'form', 'VS_TEE_MALFORMED', without('exp')],
  ['no beginning', 'form', 'VS_TEE_MALFORMED', without('nbf')],
  ['no date of issue', 'form', 'VS_TEE_MALFORMED', without('iat')],
  ['a date in text', 'form', 'VS_TEE_MALFORMED', claim('exp', '1750003600')],
  ['a negative date', 'form', 'VS_TEE_MALFORMED', claim('nbf', -1)],
  ['no id', 'form', 'VS_TEE_MALFORMED', without('ueid')],
  ['an id with a leading zero', 'form', 'VS_TEE_MALFORMED', claim('ueid', '0123')],
  ['no model', 'form', 'VS_TEE_MALFORMED', without('hwmodel')],
  ['a model that moves the cursor', 'form', 'VS_TEE_MALFORMED', claim('hwmodel', 'GH100\u001b[2J')],
  ['no driver', 'form', 'VS_TEE_MALFORMED', without('x-nvidia-gpu-driver-version')],
  ['no VBIOS', 'form', 'VS_TEE_MALFORMED', without('x-nvidia-gpu-vbios-version')],
  ['no measurement result', 'form', 'VS_TEE_MALFORMED', without('measres')],
  ['secure boot in text', 'form', 'VS_TEE_MALFORMED', claim('secboot', 'true')],
  [
    'an overall result in text',
    'form',
    'VS_TEE_MALFORMED',
    overall((c) => void Object.assign(c, { 'x-nvidia-overall-att-result': 'true' })),
  ],
  ['no list of devices', 'form', 'VS_TEE_MALFORMED', overall((c) => void delete c.submods)],
  [
    'a digest by MD5',
    'form',
    'VS_TEE_MALFORMED',
    overall((c) => void Object.assign(c, { submods: { 'GPU-0': ['DIGEST', ['MD5', '00'.repeat(16)]] } })),
  ],
  [
    'a digest in upper case',
    'form',
    'VS_TEE_MALFORMED',
    overall((c) => void Object.assign(c, { submods: { 'GPU-0': ['DIGEST', ['SHA-256', 'AB'.repeat(32)]] } })),
  ],
  [
    'a submodule that is no digest',
    'form',
    'VS_TEE_MALFORMED',
    overall((c) => void Object.assign(c, { submods: { 'GPU-0': ['JWT', ['SHA-256', '00'.repeat(32)]] } })),
  ],
  // Reports.
  ['no measurement', 'form', 'VS_TEE_MALFORMED', parts((p) => void Object.assign(p, { blocks: [], count: 0 }))],
  [
    'more measurements than said',
    'form',
    'VS_TEE_MALFORMED',
    parts((p) => void Object.assign(p, { count: p.count - 1 })),
  ],
  [
    'fewer measurements than said',
    'form',
    'VS_TEE_MALFORMED',
    parts((p) => void Object.assign(p, { count: p.count + 1 })),
  ],
  ['a record that ends early', 'form', 'VS_TEE_MALFORMED', parts((p) => void Object.assign(p, { recordLength: 55 }))],
  [
    'a record beyond the end',
    'form',
    'VS_TEE_MALFORMED',
    parts((p) => void Object.assign(p, { recordLength: 0xff_ffff })),
  ],
  ['an index twice', 'form', 'VS_TEE_MALFORMED', parts((p) => void p.blocks.splice(1, 1, block(1, FWID)))],
  ['index 0', 'form', 'VS_TEE_MALFORMED', parts((p) => void p.blocks.splice(0, 1, block(0, FWID)))],
  ['index 255', 'form', 'VS_TEE_MALFORMED', parts((p) => void p.blocks.splice(0, 1, block(255, FWID)))],
  [
    'a measurement longer than its block',
    'form',
    'VS_TEE_MALFORMED',
    parts((p) => void p.blocks.splice(0, 1, p.blocks[0]?.with(5, 47) ?? FWID)),
  ],
  ['a field twice', 'form', 'VS_TEE_MALFORMED', opaque(...usualFields(GPU), field(6, GPU.vbios))],
  [
    'more fields than any device has',
    'form',
    'VS_TEE_MALFORMED',
    opaque(...usualFields(GPU), ...Array.from({ length: 128 }, (_, i) => field(1000 + i, new Uint8Array()))),
  ],
  ['a field beyond the end', 'form', 'VS_TEE_MALFORMED', opaque(...usualFields(GPU), field(99, FWID).slice(0, -1))],
  ['half a field', 'form', 'VS_TEE_MALFORMED', opaque(...usualFields(GPU), Uint8Array.of(1, 0, 0))],
  ['a driver version that moves the cursor', 'form', 'VS_TEE_MALFORMED', opaque(field(3, text('\u001b[2J')))],
  ['a driver version of zeros', 'form', 'VS_TEE_MALFORMED', opaque(field(3, new Uint8Array(4)))],
  [
    'a VBIOS version of more bytes than are written',
    'form',
    'VS_TEE_MALFORMED',
    opaque(field(6, GPU.vbios.with(7, 1))),
  ],
  ['one certificate', 'form', 'VS_TEE_MALFORMED', chained((c) => c.slice(0, 1))],
  ['seven certificates', 'form', 'VS_TEE_MALFORMED', chained((c) => [...c, ...c.slice(3)])],
  ['a device without a name', 'form', 'VS_TEE_MALFORMED', leaf(compositeId())],
  ['a name of another vendor', 'form', 'VS_TEE_MALFORMED', leaf(deviceName('AMD:GH100:00'), compositeId())],
  ['a name of four parts', 'form', 'VS_TEE_MALFORMED', leaf(deviceName('NVIDIA:GH100:00:00'), compositeId())],
  [
    'other names only',
    'form',
    'VS_TEE_MALFORMED',
    leaf(extension('2.5.29.17', Uint8Array.of(0x30, 3, 0x82, 1, 0x61)), compositeId()),
  ],
  [
    'a firmware id of 47 bytes',
    'form',
    'VS_TEE_MALFORMED',
    leaf(deviceName('NVIDIA:GH100:00'), compositeId(FWID.slice(1))),
  ],
  [
    'a firmware id in another form',
    'form',
    'VS_TEE_MALFORMED',
    leaf(deviceName('NVIDIA:GH100:00'), extension('2.23.133.5.4.1', Uint8Array.of(0x30, 0))),
  ],
  ['a byte behind a report', 'trailing-bytes', 'VS_TEE_TRAILING_BYTES', reported({ behind: Uint8Array.of(0) })],
  ['a byte behind a report alone', 'trailing-bytes', 'VS_TEE_TRAILING_BYTES', makeReport({ behind: Uint8Array.of(0) })],
  ['text behind JSON', 'form', 'VS_TEE_MALFORMED', concatBytes(bundle, text('x'))],
  [
    'text behind certificates',
    'form',
    'VS_TEE_MALFORMED',
    entry({ certificate: Buffer.from(`${pem(usualChain())}x`).toString('base64') }),
  ],
  // Tokens.
  [
    'alg none',
    'token-algorithm',
    'VS_TEE_UNSUPPORTED',
    makeBundle({ overallToken: { header: { kid: 'a', alg: 'none' }, signature: () => new Uint8Array() } }),
  ],
  [
    'alg NONE of a device',
    'token-algorithm',
    'VS_TEE_UNSUPPORTED',
    makeBundle({ gpuToken: { header: { kid: 'a', alg: 'NONE' } } }),
  ],
  ...['ES256', 'ES512', 'RS256', 'HS256', 'HS384', 'PS384', 'es384', 'ES384 ', '', 384, null].map(
    (alg): Cheat => [`alg ${alg}`, 'token-algorithm', 'VS_TEE_UNSUPPORTED', makeBundle(header({ kid: 'a', alg }))],
  ),
  ...['jwk', 'jku', 'x5c', 'x5u', 'crit', 'b64', 'cty', 'zip'].map(
    (name): Cheat => [
      `the header ${name}`,
      'token-algorithm',
      'VS_TEE_UNSUPPORTED',
      makeBundle(header({ kid: 'a', alg: 'ES384', [name]: webKey(keyOf('mallory')) })),
    ],
  ),
  [
    'another type',
    'token-algorithm',
    'VS_TEE_UNSUPPORTED',
    makeBundle(header({ kid: 'a', alg: 'ES384', typ: 'at+jwt' })),
  ],
  [
    'another version of claims',
    'token-algorithm',
    'VS_TEE_UNSUPPORTED',
    overall((c) => void Object.assign(c, { 'x-nvidia-ver': '1.0' })),
  ],
  [
    'another issuer',
    'token-issuer',
    'VS_TEE_CHAIN',
    overall((c) => void Object.assign(c, { iss: 'https://nras.attestation-stg.nvidia.com' })),
  ],
  ['another issuer of a device', 'token-issuer', 'VS_TEE_CHAIN', claim('iss', 'https://nras.attestation.nvidia.com/')],
  [
    'a device that is not listed',
    'submodules',
    'VS_TEE_BINDING',
    makeBundle({
      tokens: (t) => void Object.assign(t, { 'GPU-1': makeToken({ ...deviceClaims('gpu'), ueid: '77' }) }),
    }),
  ],
  [
    'a listed device that is left away',
    'submodules',
    'VS_TEE_BINDING',
    makeBundle({ tokens: (t) => void delete t['GPU-0'] }),
  ],
  [
    'a device under another name',
    'submodules',
    'VS_TEE_BINDING',
    makeBundle({
      tokens: (t) => {
        Object.assign(t, { 'GPU-1': t['GPU-0'] })
        delete t['GPU-0']
      },
    }),
  ],
  [
    'another genuine token of the device',
    'submodules',
    'VS_TEE_BINDING',
    makeBundle({
      tokens: (t) =>
        void Object.assign(t, {
          'GPU-0': (JSON.parse(new TextDecoder().decode(gpu(() => undefined))) as [Json, { 'GPU-0': string }])[1][
            'GPU-0'
          ],
        }),
    }),
  ],
  [
    'a digest of another name',
    'submodules',
    'VS_TEE_BINDING',
    overall((c) => void Object.assign(c, { submods: { 'GPU-9': digest('a'), 'SWITCH-0': digest('b') } })),
  ],
  ['ended', 'token-dates', 'VS_TEE_FRESHNESS', bundle, { now: NOW + HOUR }],
  ['not begun', 'token-dates', 'VS_TEE_FRESHNESS', bundle, { now: NOW - 61n }],
  ['a device’s token that has ended', 'token-dates', 'VS_TEE_FRESHNESS', claim('exp', Number(NOW))],
  ['issued in the future', 'token-dates', 'VS_TEE_FRESHNESS', claim('iat', Number(NOW) + 61)],
  ['begins in the future', 'token-dates', 'VS_TEE_FRESHNESS', claim('nbf', Number(NOW) + 61)],
  ['a key that is not in the set', 'token-keys', 'VS_TEE_CHAIN', makeBundle(header({ kid: 'b', alg: 'ES384' }))],
  [
    'a key id that is a member of every object',
    'token-keys',
    'VS_TEE_CHAIN',
    makeBundle(header({ kid: 'constructor', alg: 'ES384' })),
  ],
  ['an empty set', 'token-keys', 'VS_TEE_CHAIN', bundle, keySet()],
  ['a key of another curve', 'token-keys', 'VS_TEE_CHAIN', bundle, keySet({ ...webKey(), crv: 'P-256' })],
  ['a key for another algorithm', 'token-keys', 'VS_TEE_CHAIN', bundle, keySet({ ...webKey(), alg: 'ECDH-ES' })],
  ['a key for encryption', 'token-keys', 'VS_TEE_CHAIN', bundle, keySet({ ...webKey(), use: 'enc' })],
  ['a key that is not pinned', 'token-keys', 'VS_TEE_CHAIN', bundle, policy({ tokens: { keys: ['A'.repeat(43)] } })],
  ['a key id twice', 'token-keys', 'VS_TEE_COLLATERAL', bundle, keySet(webKey(), webKey(keyOf('mallory')))],
  [
    'a coordinate of 47 bytes',
    'token-keys',
    'VS_TEE_COLLATERAL',
    bundle,
    keySet({ ...webKey(), x: base64Url(new Uint8Array(47)) }),
  ],
  ['no coordinate', 'token-keys', 'VS_TEE_COLLATERAL', bundle, keySet({ ...webKey(), y: null })],
  ['a set that is no JSON', 'token-keys', 'VS_TEE_COLLATERAL', bundle, { collateral: { keySet: '<html>' } }],
  ['a set without keys', 'token-keys', 'VS_TEE_COLLATERAL', bundle, { collateral: { keySet: '{}' } }],
  ['a set of 257 keys', 'token-keys', 'VS_TEE_COLLATERAL', bundle, keySet(...Array.from({ length: 257 }, () => ({})))],
  [
    'the certificate of another key',
    'token-keys',
    'VS_TEE_COLLATERAL',
    bundle,
    keySet({ ...webKey(), x5c: webKey(keyOf('mallory')).x5c ?? '' }),
  ],
  ['a certificate that is none', 'token-keys', 'VS_TEE_COLLATERAL', bundle, keySet({ ...webKey(), x5c: ['AAAA'] })],
  [
    'no certificates where they are said to be',
    'token-keys',
    'VS_TEE_COLLATERAL',
    bundle,
    keySet({ ...webKey(), x5c: [] }),
  ],
  [
    'a certificate of the key that has ended',
    'token-keys',
    'VS_TEE_CERTIFICATE_DATE',
    bundle,
    keySet({
      ...webKey(),
      x5c: [
        Buffer.from(makeCertificate({ subject: 'nras', key: keyOf('nras'), notAfter: NOW - 1n })).toString('base64'),
      ],
    }),
  ],
  [
    'signed by another key',
    'token-signatures',
    'VS_TEE_SIGNATURE',
    makeBundle({ overallToken: { key: keyOf('mallory') } }),
  ],
  [
    'a device’s token signed by another key',
    'token-signatures',
    'VS_TEE_SIGNATURE',
    makeBundle({ gpuToken: { key: keyOf('mallory') } }),
  ],
  [
    'a signature of zeros',
    'token-signatures',
    'VS_TEE_SIGNATURE',
    makeBundle({ gpuToken: { signature: () => new Uint8Array(96) } }),
  ],
  [
    'signed by the other key of the set',
    'token-signatures',
    'VS_TEE_SIGNATURE',
    makeBundle({ overallToken: { key: keyOf('other') } }),
  ],
  // SPDM.
  ...(
    [
      ['SPDM 1.2', 0, 0x12],
      ['a request for no signature', 2, 0],
      ['a request for one measurement', 3, 1],
      ['slot 8', 36, 8],
      ['another slot than is answered', 36, 1],
    ] as const
  ).map(
    ([what, at, value]): Cheat => [
      what,
      'spdm-messages',
      'VS_TEE_UNSUPPORTED',
      parts((p) => void Object.assign(p, { request: p.request.with(at, value) })),
    ],
  ),
  [
    'another request',
    'spdm-messages',
    'VS_TEE_UNSUPPORTED',
    parts((p) => void Object.assign(p, { request: p.request.with(1, 0x81) })),
  ],
  [
    'an answer of SPDM 1.2',
    'spdm-messages',
    'VS_TEE_UNSUPPORTED',
    parts((p) => void Object.assign(p, { head: p.head.with(0, 0x12) })),
  ],
  [
    'an error for an answer',
    'spdm-messages',
    'VS_TEE_UNSUPPORTED',
    parts((p) => void Object.assign(p, { head: p.head.with(1, 0x7f) })),
  ],
  [
    'a measurement by another specification',
    'spdm-messages',
    'VS_TEE_UNSUPPORTED',
    parts((p) => void p.blocks.splice(0, 1, p.blocks[0]?.with(1, 2) ?? FWID)),
  ],
  ['opaque data of version 3', 'spdm-messages', 'VS_TEE_UNSUPPORTED', opaque(field(34, Uint8Array.of(3, 0)))],
  ['opaque data of a huge version', 'spdm-messages', 'VS_TEE_UNSUPPORTED', opaque(field(34, new Uint8Array(9)))],
  [
    'opaque data of another profile',
    'spdm-messages',
    'VS_TEE_UNSUPPORTED',
    opaque(text('NVDAOD'), Uint8Array.of(1, 0, 1, 0, 0, 0)),
  ],
  [
    'opaque data with a header of version 3',
    'spdm-messages',
    'VS_TEE_UNSUPPORTED',
    opaque(text('NVDAOD'), Uint8Array.of(0, 0, 3, 0, 0, 0)),
  ],
  // Certificates.
  ['another root', 'certificate-chain', 'VS_TEE_CHAIN', list, { root: undefined }],
  [
    'another root at the end',
    'certificate-chain',
    'VS_TEE_CHAIN',
    chained((c) => c.with(4, makeCertificate({ subject: 'our root', key: keyOf('mallory'), ca: {} }))),
  ],
  [
    'a leaf of another device',
    'certificate-chain',
    'VS_TEE_CHAIN',
    chained((c) => c.with(0, certificate('leaf', GPU, { issuer: issuerAt('brom', SWITCH) }))),
  ],
  [
    'a leaf that somebody else signed',
    'certificate-chain',
    'VS_TEE_CHAIN',
    chained((c) => c.with(0, certificate('leaf', GPU, { issuer: { ...issuerAt('brom'), key: keyOf('mallory') } }))),
  ],
  [
    'a device made by a leaf',
    'certificate-chain',
    'VS_TEE_CHAIN',
    chained((c) => [certificate('leaf', GPU, { issuer: issuerAt('leaf'), key: keyOf('mallory') }), ...c]),
  ],
  [
    'an identity that is no CA',
    'certificate-chain',
    'VS_TEE_CHAIN',
    chained((c) => c.with(1, certificate('brom', GPU, { ca: false }))),
  ],
  [
    'an issuer for shorter paths',
    'certificate-chain',
    'VS_TEE_CHAIN',
    chained((c) => c.with(2, certificate('ica', GPU, { ca: { pathLength: 0 } }))),
  ],
  [
    'a critical extension',
    'certificate-chain',
    'VS_TEE_CHAIN',
    chained((c) => c.with(2, certificate('ica', GPU, { extensions: [extension('1.2.3', FWID, true)] }))),
  ],
  [
    'a certificate on P-256',
    'certificate-chain',
    'VS_TEE_CHAIN',
    chained((c) =>
      c.with(0, certificate('leaf', GPU, { issuer: { ...issuerAt('brom'), key: makeKey('ecdsa-p256-sha256') } })),
    ),
  ],
  [
    'an order of its own',
    'certificate-chain',
    'VS_TEE_CHAIN',
    chained(([a, b, c, d, e]) => [a, c, b, d, e].flatMap((der) => der ?? [])),
  ],
  ['a missing link', 'certificate-chain', 'VS_TEE_CHAIN', chained((c) => c.toSpliced(2, 1))],
  [
    'a device that has ended',
    'certificate-chain',
    'VS_TEE_CERTIFICATE_DATE',
    chained((c) => c.with(0, certificate('leaf', GPU, { notAfter: NOW - 1n }))),
  ],
  [
    'an issuer that has not begun',
    'certificate-chain',
    'VS_TEE_CERTIFICATE_DATE',
    chained((c) => c.with(2, certificate('ica', GPU, { notBefore: NOW + 1n }))),
  ],
  [
    'a given chain that can not be read',
    'certificate-chain',
    'VS_TEE_COLLATERAL',
    makeReport(),
    { collateral: { certificateChain: 'x' } },
  ],
  [
    'a key for certificates',
    'signing-key',
    'VS_TEE_CHAIN',
    chained((c) => c.with(0, certificate('leaf', GPU, { usage: [5] }))),
  ],
  [
    'a key for anything',
    'signing-key',
    'VS_TEE_CHAIN',
    chained((c) => c.with(0, certificate('leaf', GPU, { usage: null }))),
  ],
  [
    'a leaf that is a CA',
    'signing-key',
    'VS_TEE_CHAIN',
    chained((c) => c.with(0, certificate('leaf', GPU, { ca: {}, usage: [0, 5] }))),
  ],
  ['a report by another key', 'report-signature', 'VS_TEE_SIGNATURE', reported({ key: keyOf('mallory') })],
  ['a report by the device’s issuer', 'report-signature', 'VS_TEE_SIGNATURE', reported({ key: keyOf('brom') })],
  ['another firmware id', 'firmware-id', 'VS_TEE_BINDING', opaque(field(20, FWID.with(0, 0)))],
  ['a certificate without one', 'firmware-id', 'VS_TEE_BINDING', leaf(deviceName('NVIDIA:GH100:00'))],
  [
    'a firmware id that is not measured',
    'firmware-id',
    'VS_TEE_BINDING',
    () =>
      makeList(
        entryOf(
          GPU,
          makeReport({ parts: (p) => void Object.assign(p, { opaque: field(20, new Uint8Array(48)) }) }),
          usualChain().with(
            0,
            certificate('leaf', GPU, { extensions: [deviceName('NVIDIA:GH100:00'), tcbInfo(new Uint8Array(48))] }),
          ),
        ),
        entryOf(SWITCH),
      ),
  ],
  ['another architecture', 'envelope', 'VS_TEE_BINDING', entry({ arch: 'BLACKWELL' })],
  ['an unknown architecture', 'envelope', 'VS_TEE_UNSUPPORTED', entry({ arch: 'toString' })],
  ['another nonce beside the report', 'envelope', 'VS_TEE_BINDING', entry({ nonce: '00'.repeat(32) })],
  ['another driver beside the report', 'envelope', 'VS_TEE_BINDING', entry({ driver_version: '999.1' })],
  ['another VBIOS beside the report', 'envelope', 'VS_TEE_BINDING', entry({ vbios_version: '96.00.9F.00.02' })],
  ['tokens of two nonces', 'one-nonce', 'VS_TEE_BINDING', claim('eat_nonce', '00'.repeat(32))],
  [
    'reports of two nonces',
    'one-nonce',
    'VS_TEE_BINDING',
    makeList(entryOf(), {
      ...entryOf(SWITCH, makeReport({ kind: SWITCH, nonce: '00'.repeat(32) })),
      nonce: '00'.repeat(32),
    }),
  ],
  ['one device twice', 'distinct-devices', 'VS_TEE_BINDING', makeList(entryOf(), entryOf())],
  ['one device’s token for two', 'distinct-devices', 'VS_TEE_BINDING', claim('ueid', SWITCH.serial.toString())],
  // Appraisal.
  ['tokens where reports are wanted', 'kind', 'VS_TEE_UNSUPPORTED', bundle, policy({ tokens: undefined as never })],
  ['reports where tokens are wanted', 'kind', 'VS_TEE_UNSUPPORTED', list, policy({ reports: undefined as never })],
  [
    'an overall result that is false',
    'nras-result',
    'VS_TEE_MEASUREMENT',
    overall((c) => void Object.assign(c, { 'x-nvidia-overall-att-result': false })),
  ],
  ['measurements that differ', 'nras-result', 'VS_TEE_MEASUREMENT', claim('measres', 'fail')],
  ['measurements that were not compared', 'nras-result', 'VS_TEE_MEASUREMENT', claim('measres', 'SUCCESS')],
  ...[
    'arch-check',
    'attestation-report-parsed',
    'attestation-report-nonce-match',
    'attestation-report-signature-verified',
    'attestation-report-cert-chain',
    'driver-rim-fetched',
    'driver-rim-signature-verified',
    'driver-rim-cert-chain',
    'vbios-rim-measurements-available',
    'vbios-rim-cert-chain',
    'vbios-index-no-conflict',
  ].flatMap((name): Cheat[] => [
    [`false: ${name}`, 'nras-claims', 'VS_TEE_ATTRIBUTES', claim(`x-nvidia-gpu-${name}`, false)],
    [`left away: ${name}`, 'nras-claims', 'VS_TEE_ATTRIBUTES', without(`x-nvidia-gpu-${name}`)],
    [`in text: ${name}`, 'nras-claims', 'VS_TEE_ATTRIBUTES', claim(`x-nvidia-gpu-${name}`, 'true')],
  ]),
  [
    'a firmware id that differs',
    'nras-claims',
    'VS_TEE_ATTRIBUTES',
    claim('x-nvidia-gpu-attestation-report-cert-chain-fwid-match', false),
  ],
  ['something unknown that is false', 'nras-claims', 'VS_TEE_ATTRIBUTES', claim('x-nvidia-gpu-new', false)],
  [
    'a chain that is held',
    'nras-claims',
    'VS_TEE_ATTRIBUTES',
    claim('x-nvidia-gpu-vbios-rim-cert-chain', {
      'x-nvidia-cert-status': 'valid',
      'x-nvidia-cert-ocsp-status': 'revoked',
      'x-nvidia-cert-revocation-reason': 'certificateHold',
    }),
  ],
  [
    'a chain that has ended',
    'nras-claims',
    'VS_TEE_ATTRIBUTES',
    claim('x-nvidia-gpu-driver-rim-cert-chain', {
      'x-nvidia-cert-status': 'expired',
      'x-nvidia-cert-ocsp-status': 'good',
    }),
  ],
  ['no secure boot', 'secure-boot', 'VS_TEE_DEBUG', claim('secboot', false)],
  ['secure boot unknown', 'secure-boot', 'VS_TEE_DEBUG', claim('secboot', null)],
  ['debugging enabled', 'secure-boot', 'VS_TEE_DEBUG', claim('dbgstat', 'enabled')],
  ['debugging unknown', 'secure-boot', 'VS_TEE_DEBUG', claim('dbgstat', null)],
  ['a warning', 'warnings', 'VS_TEE_TCB', claim('x-nvidia-attestation-warning', 'the certificate is held')],
  [
    'another measurement',
    'measurements',
    'VS_TEE_MEASUREMENT',
    parts((p) => void p.blocks.splice(2, 1, block(3, FWID))),
  ],
  [
    'a measurement that is not there',
    'measurements',
    'VS_TEE_MEASUREMENT',
    parts((p) => void p.blocks.splice(0, 1, block(9, FWID))),
  ],
  [
    'no set for the model',
    'measurements',
    'VS_TEE_MEASUREMENT',
    list,
    policy({ reports: { measurements: [{ hardware: 'GB100', values: { 1: ['01'.repeat(48)] } }] } }),
  ],
  ['another model', 'hardware', 'VS_TEE_ATTRIBUTES', list, policy({ hardware: ['GH10', 'LS_10'] })],
  ['another model in a token', 'hardware', 'VS_TEE_ATTRIBUTES', claim('hwmodel', 'GH100X A01 GSP BROM')],
  ['an older driver of the branch', 'drivers', 'VS_TEE_TCB', claim('x-nvidia-gpu-driver-version', '570.124.02')],
  ['a driver of another branch', 'drivers', 'VS_TEE_TCB', claim('x-nvidia-gpu-driver-version', '580.1')],
  ['a driver version that is none', 'drivers', 'VS_TEE_TCB', claim('x-nvidia-gpu-driver-version', '570.1e9')],
  ['a GPU that does not name its driver', 'drivers', 'VS_TEE_TCB', opaque(field(6, GPU.vbios))],
  ['another VBIOS', 'vbios', 'VS_TEE_TCB', opaque(field(6, GPU.vbios.with(1, 0x9e)), field(3, text('570.124.03')))],
  ['a device that does not name its VBIOS', 'vbios', 'VS_TEE_TCB', opaque(field(3, text('570.124.03')))],
  // The relying party.
  ['another nonce', 'nonce', 'VS_TEE_REPORT_DATA', list, party({ nonce: '00'.repeat(32) })],
  ['another nonce in tokens', 'nonce', 'VS_TEE_REPORT_DATA', bundle, party({ nonce: '00'.repeat(32) })],
  [
    'the nonce of another CPU',
    'cpu-binding',
    'VS_TEE_REPORT_DATA',
    list,
    party({ cpu: { data: NONCE, rule: 'sha256' } }),
  ],
  [
    'the nonce at another place',
    'cpu-binding',
    'VS_TEE_REPORT_DATA',
    list,
    party({ cpu: { data: `00${NONCE}`, rule: 'first-32' } }),
  ],
  ['issued long ago', 'age', 'VS_TEE_FRESHNESS', bundle, { now: NOW + 301n }],
  ['another number of GPUs', 'devices', 'VS_TEE_BINDING', list, party({ devices: { gpus: 2, switches: 1 } })],
  ['another number of switches', 'devices', 'VS_TEE_BINDING', bundle, party({ devices: { gpus: 1, switches: 0 } })],
  ['an unknown platform', 'platform', 'VS_TEE_PLATFORM', list, party({ platforms: [idOf(GPU)] })],
  ['an unknown platform in tokens', 'platform', 'VS_TEE_PLATFORM', bundle, party({ platforms: [idOf(SWITCH)] })],
]

const judge = (evidence: Uint8Array | (() => Uint8Array), change: Changed = {}) => {
  const { root = options.root, ...rest } = change
  const whole = { ...options, ...rest } as NvidiaOptions
  const { root: _, ...bare } = whole
  const bytes = typeof evidence === 'function' ? evidence() : evidence
  return verifyNvidia(
    bytes,
    'root' in change && change.root === undefined ? bare : { ...bare, root: root ?? ourRoot() },
  )
}

// Not spread over parameters: a row without options would leave one for a callback.
test.each(CHEATS.map((cheat) => [cheat[0], cheat] as const))('%s', async (_, [, check, code, evidence, change]) => {
  const verdict = await judge(evidence, change)
  expect(verdict).toMatchObject({ status: 'rejected', check, code })
  expect(verdict.checks.find(({ id }) => id === check)?.outcome).toBe('fail')
})

test('every check but revocation, which has tests of its own, is cheated in here', () => {
  const cheated = new Set<string>(CHEATS.map(([, check]) => check))
  expect(Object.keys(NVIDIA_CHECKS).filter((id) => !cheated.has(id))).toEqual(['revocation'])
})
