/*
 * GPUs, switches and an attestation service of our own for tests: reports as NVIDIA's firmware writes them and tokens as NRAS
 * writes them, under a root of our own, with every part open to change.
 */
import { createHash } from 'node:crypto'
import { concatBytes } from '@noble/hashes/utils.js'
import {
  type CertificateParts,
  extension,
  integer,
  type Key,
  makeCertificate,
  makeCrl,
  makeKey,
  octets,
  oid,
  publicKeyOf,
  sequence,
  signWith,
  tlv,
} from '../pki/authority.fixture.ts'
import { type NvidiaOptions, nvidiaDefaults } from './index.ts'

export const NOW = 1_750_000_000n
export const NONCE = 'a5'.repeat(32)
const encoder = new TextEncoder()

/** Keys are costly on slow machines: made once per test file. */
const keys = new Map<string, Key>()
export const keyOf = (place: string): Key => {
  const key = keys.get(place) ?? makeKey('ecdsa-p384-sha384')
  keys.set(place, key)
  return key
}

export interface DeviceKind {
  readonly product: string
  readonly hwModel: string
  readonly architecture: string
  readonly pdi: string
  readonly serial: bigint
  readonly driver?: string
  readonly vbios: Uint8Array
}

export const GPU: DeviceKind = {
  product: 'GH100',
  hwModel: 'GH100 A01 GSP BROM',
  architecture: 'HOPPER',
  pdi: '48B02D51C9C1070B',
  serial: 0x51n << 152n,
  driver: '570.124.03',
  vbios: Uint8Array.of(0, 0x9f, 0, 0x96, 1, 0, 0, 0),
}
export const SWITCH: DeviceKind = {
  product: 'LS_10',
  hwModel: 'LS_10 A01 FSP BROM',
  architecture: 'LS10',
  pdi: '48B02DFE0092CDDB',
  serial: 0x52n << 152n,
  vbios: encoder.encode('96.10.55.00.01'),
}
export const idOf = ({ serial }: DeviceKind): string => serial.toString(16)

export type Place = 'root' | 'identity' | 'ica' | 'brom' | 'leaf'
const PLACES: readonly Place[] = ['leaf', 'brom', 'ica', 'identity', 'root']
const subjectOf = (place: Place, { hwModel, product }: DeviceKind): string =>
  place === 'brom' ? hwModel : place === 'root' ? 'our root' : `${place} of ${product}`

export const FWID = new Uint8Array(48).fill(0xf1)
const fwid = (digest: Uint8Array): Uint8Array => sequence(oid('2.16.840.1.101.3.4.2.2'), octets(digest))

export const deviceName = (text: string): Uint8Array =>
  extension('2.5.29.17', sequence(tlv(0xa0, oid('1.3.6.1.4.1.412.274.1'), tlv(0xa0, tlv(0x0c, encoder.encode(text))))))
export const compositeId = (digest = FWID): Uint8Array =>
  extension('2.23.133.5.4.1', sequence(integer(1), keyOf('device').spki, fwid(digest)))
/** As Blackwell has it: several, of which some are not measured. */
export const tcbInfo = (...digests: readonly Uint8Array[]): Uint8Array =>
  extension('2.23.133.5.4.1.1', sequence(tlv(0x80, encoder.encode('NVIDIA')), tlv(0xa6, ...digests.map(fwid))))

export function issuerAt(place: Place, kind: DeviceKind = GPU): { readonly subject: string; readonly key: Key } {
  return { subject: subjectOf(place, kind), key: keyOf(place) }
}

/** A certificate of the usual chain, with some parts changed. */
export function certificate(place: Place, kind: DeviceKind = GPU, change: Partial<CertificateParts> = {}): Uint8Array {
  const above = PLACES[PLACES.indexOf(place) + 1]
  return makeCertificate({
    ...issuerAt(place, kind),
    ...(above === undefined ? {} : { issuer: issuerAt(above, kind) }),
    ...(place === 'leaf' ? {} : { ca: {} }),
    serial: place === 'leaf' ? kind.serial : BigInt(10 + PLACES.indexOf(place)),
    ...(place === 'leaf' ? { extensions: [deviceName(`NVIDIA:${kind.product}:${kind.pdi}`), compositeId()] } : {}),
    ...change,
  })
}

const made = new Map<string, Uint8Array>()
/** The same bytes each time: signatures are random. */
const usual = (place: Place, kind: DeviceKind): Uint8Array => {
  const id = place === 'root' ? place : `${place} ${kind.product} ${kind.serial} ${kind.pdi}`
  const der = made.get(id) ?? certificate(place, kind)
  made.set(id, der)
  return der
}
export const ourRoot = (): Uint8Array => usual('root', GPU)
export const usualChain = (kind: DeviceKind = GPU): Uint8Array[] => PLACES.map((place) => usual(place, kind))

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')
export const base64Url = (bytes: Uint8Array | string): string => Buffer.from(bytes).toString('base64url')
export const pem = (ders: readonly Uint8Array[]): string =>
  ders.map((der) => `-----BEGIN CERTIFICATE-----\n${base64(der)}\n-----END CERTIFICATE-----\n`).join('')

/** Little endian. */
export const le = (value: number, bytes: number): Uint8Array =>
  Uint8Array.from({ length: bytes }, (_, i) => Math.floor(value / 256 ** i) % 256)

export const block = (index: number, value: Uint8Array, type = 1): Uint8Array =>
  concatBytes(Uint8Array.of(index, 1), le(value.length + 3, 2), Uint8Array.of(type), le(value.length, 2), value)
export const field = (type: number, value: Uint8Array): Uint8Array =>
  concatBytes(le(type, 2), le(value.length, 2), value)

export const measured = (index: number): Uint8Array => new Uint8Array(48).fill(index)
export const COUNT = 8
export const usualBlocks = (): Uint8Array[] => Array.from({ length: COUNT }, (_, i) => block(i + 1, measured(i + 1)))
export const usualFields = (kind: DeviceKind): Uint8Array[] => [
  field(6, kind.vbios),
  ...(kind.driver === undefined ? [] : [field(3, encoder.encode(`${kind.driver}\0`))]),
  ...(kind.product.startsWith('LS') ? [] : [field(20, FWID)]),
  field(34, Uint8Array.of(1, 0)),
]

export interface ReportParts {
  request: Uint8Array
  head: Uint8Array
  count: number
  recordLength?: number
  blocks: Uint8Array[]
  opaque: Uint8Array
}

export interface ReportChange {
  readonly kind?: DeviceKind
  readonly nonce?: string
  /** Of what is signed. */
  readonly parts?: (parts: ReportParts) => void
  readonly key?: Key
  readonly signature?: (signature: Uint8Array) => Uint8Array
  readonly behind?: Uint8Array
}

/** An honest report, but for what is changed. */
export function makeReport({ kind = GPU, nonce = NONCE, ...change }: ReportChange = {}): Uint8Array {
  const parts: ReportParts = {
    request: concatBytes(Uint8Array.of(0x11, 0xe0, 1, 0xff), Buffer.from(nonce, 'hex'), Uint8Array.of(0)),
    head: Uint8Array.of(0x11, 0x60, 0, 0),
    count: COUNT,
    blocks: usualBlocks(),
    opaque: concatBytes(...usualFields(kind)),
  }
  change.parts?.(parts)
  const record = concatBytes(...parts.blocks)
  const signed = concatBytes(
    parts.request,
    parts.head,
    Uint8Array.of(parts.count),
    le(parts.recordLength ?? record.length, 3),
    record,
    new Uint8Array(32).fill(7),
    le(parts.opaque.length, 2),
    parts.opaque,
  )
  const signature = signWith(change.key ?? keyOf('leaf'), signed)
  return concatBytes(signed, change.signature?.(signature) ?? signature, change.behind ?? new Uint8Array())
}

export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json }
export const bytesOf = (value: Json): Uint8Array => new Uint8Array(encoder.encode(JSON.stringify(value)))

/** A row of the SDK's list. */
export const entryOf = (kind: DeviceKind = GPU, report = makeReport({ kind }), chain = usualChain(kind)) => ({
  arch: kind.architecture,
  nonce: NONCE,
  evidence: base64(report),
  certificate: base64(encoder.encode(pem(chain))),
})

export const makeList = (...entries: readonly Json[]): Uint8Array => bytesOf(entries)

// Tokens.

export const ISSUER = nvidiaDefaults.tokens.issuer
const CHAIN = {
  'x-nvidia-cert-status': 'valid',
  'x-nvidia-cert-ocsp-status': 'good',
  'x-nvidia-cert-expiration-date': '9999-12-31T23:59:59Z',
  'x-nvidia-cert-revocation-reason': null,
} as const

export type Claims = { [name: string]: Json }
const dates = (): Claims => ({
  iss: ISSUER,
  eat_nonce: NONCE,
  iat: Number(NOW),
  nbf: Number(NOW),
  exp: Number(NOW) + 3600,
})

export function deviceClaims(kind: 'gpu' | 'switch'): Claims {
  const rims = kind === 'gpu' ? ['driver', 'vbios'] : ['bios']
  const of = kind === 'gpu' ? GPU : SWITCH
  const p = `x-nvidia-${kind}`
  const yes = ['arch-check', 'attestation-report-parsed', 'attestation-report-nonce-match']
  const more = ['attestation-report-signature-verified', 'attestation-report-cert-chain-fwid-match']
  const steps = ['fetched', 'schema-validated', 'signature-verified', 'version-match', 'measurements-available']
  return {
    ...dates(),
    ueid: of.serial.toString(),
    hwmodel: of.hwModel,
    measres: 'success',
    secboot: true,
    dbgstat: 'disabled',
    'x-nvidia-attestation-warning': null,
    ...Object.fromEntries([...yes, ...more].map((claim) => [`${p}-${claim}`, true])),
    ...Object.fromEntries(rims.flatMap((rim) => steps.map((step) => [`${p}-${rim}-rim-${step}`, true]))),
    ...Object.fromEntries(rims.map((rim) => [`${p}-${rim}-rim-cert-chain`, CHAIN])),
    [`${p}-attestation-report-cert-chain`]: CHAIN,
    ...(kind === 'gpu'
      ? {
          [`${p}-vbios-index-no-conflict`]: true,
          [`${p}-driver-version`]: '570.124.03',
          [`${p}-vbios-version`]: '96.00.9F.00.01',
        }
      : { [`${p}-bios-version`]: '96.10.55.00.01' }),
  }
}

/** The same in the words of version 2.0. */
export function olderClaims(kind: 'gpu' | 'switch'): Claims {
  const p = `x-nvidia-${kind}`
  const kept = Object.entries(deviceClaims(kind)).filter(([name]) => !/cert-chain|version-match/.test(name))
  const rims = kind === 'gpu' ? ['driver', 'vbios'] : ['bios']
  return {
    ...Object.fromEntries(kept),
    ...Object.fromEntries(rims.map((rim) => [`${p}-${rim}-rim-cert-validated`, true])),
    [`${p}-attestation-report-cert-chain-validated`]: true,
  }
}

export const KEY_ID = 'nv-eat-kid-test-1'
export interface TokenChange {
  readonly header?: Json
  readonly key?: Key
  readonly signature?: (signature: Uint8Array) => Uint8Array
  /** Instead of the claims as JSON. */
  readonly body?: string
}

export function makeToken(claims: Json, change: TokenChange = {}): string {
  const header = base64Url(JSON.stringify(change.header ?? { kid: KEY_ID, alg: 'ES384' }))
  const signed = `${header}.${base64Url(change.body ?? JSON.stringify(claims))}`
  const signature = signWith(change.key ?? keyOf('nras'), encoder.encode(signed))
  return `${signed}.${base64Url(change.signature?.(signature) ?? signature)}`
}

export interface BundleChange {
  readonly overall?: (claims: Claims) => void
  readonly gpu?: (claims: Claims) => void
  readonly switch?: (claims: Claims) => void
  readonly version?: '2.0' | '3.0'
  readonly overallToken?: TokenChange
  readonly gpuToken?: TokenChange
  /** Of the tokens, once the overall one lists them. */
  readonly tokens?: (tokens: { [name: string]: Json }) => void
  readonly envelope?: (bundle: readonly Json[]) => Json
}

export const digest = (token: string): Json => ['DIGEST', ['SHA-256', createHash('sha256').update(token).digest('hex')]]

/** Honest tokens of a GPU and a switch, but for what is changed. */
export function makeBundle(change: BundleChange = {}): Uint8Array {
  const claims = change.version === '2.0' ? olderClaims : deviceClaims
  const [gpu, link] = [claims('gpu'), claims('switch')]
  change.gpu?.(gpu)
  change.switch?.(link)
  const tokens: { [name: string]: Json } = {
    'GPU-0': makeToken(gpu, change.gpuToken),
    'SWITCH-0': makeToken(link),
  }
  const overall: Claims = {
    ...dates(),
    sub: 'NVIDIA-PLATFORM-ATTESTATION',
    'x-nvidia-ver': change.version ?? '3.0',
    'x-nvidia-overall-att-result': true,
    submods: Object.fromEntries(Object.entries(tokens).map(([name, token]) => [name, digest(String(token))])),
  }
  change.overall?.(overall)
  change.tokens?.(tokens)
  const bundle = [['JWT', makeToken(overall, change.overallToken)], tokens]
  return bytesOf(change.envelope?.(bundle) ?? bundle)
}

export function webKey(key: Key = keyOf('nras'), kid = KEY_ID): { [name: string]: Json } {
  const own = publicKeyOf(key)
  if (own.type !== 'ec') throw new Error('no EC key')
  const [x, y] = [own.point.subarray(1, 49), own.point.subarray(49)].map(base64Url)
  const x5c = [base64(makeCertificate({ subject: 'nras', key, issuer: issuerAt('root') }))]
  return { kty: 'EC', crv: 'P-384', kid, x5c, x: x ?? '', y: y ?? '' }
}
export const makeKeySet = (...set: readonly Json[]): string => JSON.stringify({ keys: set })
const usualKeySet = makeKeySet(webKey(keyOf('other'), 'nv-eat-kid-test-0'), webKey())

/** Of the root and of the identity's authority: about those that they made. */
const issuers: readonly Place[] = ['root', 'identity', 'ica']
export const usualCrls = (kind: DeviceKind = GPU): Uint8Array[] =>
  issuers.map((place) => makeCrl({ issuer: issuerAt(place, kind), revoked: [{ serial: 3n }] }))

export const GOLDEN = { 1: ['01'.repeat(48)], 3: ['ff'.repeat(48), '03'.repeat(48)] }

/** A policy that the honest evidence satisfies. */
export const ourOptions = (): NvidiaOptions => ({
  collateral: { keySet: usualKeySet, crls: [...usualCrls(GPU), ...usualCrls(SWITCH)] },
  appraisal: {
    hardware: ['GH100', SWITCH.hwModel],
    drivers: { atLeast: ['560.10', '570.124.03'] },
    vbios: ['96.00.9F.00.01', '96.10.55.00.01'],
    tokens: { ...nvidiaDefaults.tokens, keys: 'collateral' },
    reports: {
      ...nvidiaDefaults.reports,
      measurements: [{ hardware: 'GH100', values: { 8: ['00'] } }, { values: GOLDEN }],
    },
  },
  relyingParty: {
    nonce: NONCE,
    maxAgeSeconds: 300,
    devices: { gpus: 1, switches: 1 },
    platforms: [idOf(GPU), idOf(SWITCH)],
  },
  now: NOW,
  root: ourRoot(),
})

export const honestList = (): Uint8Array => makeList(entryOf(GPU), entryOf(SWITCH))
