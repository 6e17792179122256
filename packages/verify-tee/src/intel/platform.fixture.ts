/*
 * A platform of our own for tests: a root, its CAs and signers, a provisioning key and a quoting enclave, and collateral
 * about them, with every part open to change, so that a test can cheat in one place and be honest in all others.
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import {
  type CertificateParts,
  type CrlParts,
  extension,
  integer,
  type Key,
  makeCertificate,
  makeCrl,
  makeKey,
  NOW,
  octets,
  oid,
  sequence,
  signWith,
  tlv,
} from '../pki/authority.fixture.ts'
import { type IntelCollateral, type IntelOptions, intelDefaults } from './index.ts'
import { SGX_EXTENSION } from './pck.ts'

export { NOW }

/** Made once per test file: keys are slow. */
const keys = new Map<string, Key>()
export function keyOf(name: string): Key {
  const key = keys.get(name) ?? makeKey('ecdsa-p256-sha256')
  keys.set(name, key)
  return key
}

export const NAMES = {
  root: 'Our SGX Root CA',
  platform: 'Intel SGX PCK Platform CA',
  processor: 'Intel SGX PCK Processor CA',
  signer: 'Intel SGX TCB Signing',
  pck: 'Intel SGX PCK Certificate',
} as const
type Place = keyof typeof NAMES
const SERIAL: Readonly<Record<Place, bigint>> = { root: 1n, platform: 2n, processor: 3n, signer: 4n, pck: 0x99n }

export const issuerOf = (place: Place) => ({ subject: NAMES[place], key: keyOf(place) })

export const FMSPC = 'a0b1c2d3e4f5'
export const PPID = '11'.repeat(16)
const row = (arc: string, value: Uint8Array) => sequence(oid(`${SGX_EXTENSION}.${arc}`), value)
const enumerated = (value: number) => tlv(0x0a, Uint8Array.of(value))

export interface PckParts {
  readonly ppid?: string
  readonly components?: readonly number[]
  readonly pceSvn?: number
  readonly pceId?: string
  readonly fmspc?: string
  /** Rows behind the usual ones. */
  readonly more?: readonly Uint8Array[]
}

export function sgxExtension(parts: PckParts = {}): Uint8Array {
  const components = parts.components ?? Array.from({ length: 16 }, () => 5)
  const tcb = sequence(
    ...components.map((svn, i) => row(`2.${i + 1}`, integer(svn))),
    row('2.17', integer(parts.pceSvn ?? 13)),
    row('2.18', octets(Uint8Array.from(components).slice(0, 16))),
  )
  return sequence(
    row('1', octets(hexToBytes(parts.ppid ?? PPID))),
    row('2', tcb),
    row('3', octets(hexToBytes(parts.pceId ?? '0000'))),
    row('4', octets(hexToBytes(parts.fmspc ?? FMSPC))),
    row('5', enumerated(1)),
    ...(parts.more ?? []),
  )
}

const cached = new Map<Place, Uint8Array>()

/** A certificate of our PKI; those without changes are the same each time, signatures being random. */
export function certificate(place: Place, change?: Partial<CertificateParts>, pck?: PckParts): Uint8Array {
  const known = change === undefined && pck === undefined ? cached.get(place) : undefined
  if (known !== undefined) return known
  const made = makeCertificate({
    subject: NAMES[place],
    key: keyOf(place),
    ...(place === 'root' ? {} : { issuer: issuerOf(place === 'pck' ? 'platform' : 'root') }),
    ...(place === 'signer' || place === 'pck' ? {} : { ca: place === 'root' ? { pathLength: 1 } : { pathLength: 0 } }),
    ...(place === 'pck' ? { extensions: [extension(SGX_EXTENSION, sgxExtension(pck))] } : {}),
    serial: SERIAL[place],
    ...change,
  })
  if (change === undefined && pck === undefined) cached.set(place, made)
  return made
}

export const pem = (...ders: readonly Uint8Array[]): string => pemInLines(64, ...ders)

export function pemInLines(width: number, ...ders: readonly Uint8Array[]): string {
  const block = (der: Uint8Array) =>
    (
      Buffer.from(der)
        .toString('base64')
        .match(new RegExp(`.{1,${width}}`, 'g')) ?? []
    ).join('\n')
  return ders.map((der) => `-----BEGIN CERTIFICATE-----\n${block(der)}\n-----END CERTIFICATE-----\n`).join('')
}

const u16 = (n: number) => Uint8Array.of(n & 0xff, n >> 8)
const u32 = (n: number) => Uint8Array.of(n & 0xff, (n >> 8) & 0xff, (n >> 16) & 0xff, n >>> 24)

/** Hexadecimal values of named fields, in place of zeros. */
export type Fields = Readonly<Record<string, string>>
type Layout = readonly (readonly [name: string, bytes: number])[]

const SGX_LAYOUT: Layout = [
  ['cpuSvn', 16],
  ['miscSelect', 4],
  ['reserved1', 12],
  ['isvExtProdId', 16],
  ['attributes', 16],
  ['mrEnclave', 32],
  ['reserved2', 32],
  ['mrSigner', 32],
  ['reserved3', 32],
  ['configId', 64],
  ['isvProdId', 2],
  ['isvSvn', 2],
  ['configSvn', 2],
  ['reserved4', 42],
  ['isvFamilyId', 16],
  ['reportData', 64],
]
const TD_LAYOUT: Layout = [
  ['teeTcbSvn', 16],
  ['mrSeam', 48],
  ['mrSignerSeam', 48],
  ['seamAttributes', 8],
  ['tdAttributes', 8],
  ['xfam', 8],
  ['mrTd', 48],
  ['mrConfigId', 48],
  ['mrOwner', 48],
  ['mrOwnerConfig', 48],
  ['rtmr0', 48],
  ['rtmr1', 48],
  ['rtmr2', 48],
  ['rtmr3', 48],
  ['reportData', 64],
]
const TD15_LAYOUT: Layout = [...TD_LAYOUT, ['teeTcbSvn2', 16], ['mrServiceTd', 48]]
const TD15EX_LAYOUT: Layout = [
  ...TD15_LAYOUT,
  ['vmId', 1],
  ['tdId', 32],
  ['deviceInfo', 48],
  ['initServiceTd', 48],
  ['initServiceTdAttributes', 8],
  ['initCpuSvn', 16],
  ['initTeeTcbSvn', 16],
  ['initTeeFmspc', 12],
  ['currentServiceTd', 48],
  ['currentServiceTdAttributes', 8],
]

function write(layout: Layout, fields: Fields): Uint8Array {
  const unknown = Object.keys(fields).filter((name) => layout.every(([known]) => known !== name))
  if (unknown.length > 0) throw new Error(`no field ${unknown.join()}`)
  return concatBytes(...layout.map(([name, bytes]) => hexToBytes((fields[name] ?? '').padEnd(2 * bytes, '0'))))
}

export const QE_SIGNER = 'ab'.repeat(32)
export const MEASURED = {
  mrEnclave: '21'.repeat(32),
  mrSigner: '22'.repeat(32),
  mrTd: '31'.repeat(48),
  rtmr0: '32'.repeat(48),
  rtmr1: '33'.repeat(48),
  rtmr2: '34'.repeat(48),
  rtmr3: '35'.repeat(48),
} as const
export const REPORT_DATA = 'c0'.repeat(64)

const SGX_FIELDS: Fields = {
  attributes: `0500000000000000${'0300000000000000'}`,
  mrEnclave: MEASURED.mrEnclave,
  mrSigner: MEASURED.mrSigner,
  isvProdId: '0700',
  isvSvn: '0300',
  reportData: REPORT_DATA,
}
const TD_FIELDS: Fields = {
  teeTcbSvn: '06010300',
  tdAttributes: '0000001000000000',
  xfam: 'e702060000000000',
  mrTd: MEASURED.mrTd,
  rtmr0: MEASURED.rtmr0,
  rtmr1: MEASURED.rtmr1,
  rtmr2: MEASURED.rtmr2,
  rtmr3: MEASURED.rtmr3,
  reportData: REPORT_DATA,
}

export interface QuoteParts {
  /** Default: version 4 of TDX. */
  readonly kind?: 'sgx-v3' | 'sgx-v4' | 'sgx-v5' | 'tdx-v4' | 'tdx-v5-1.0' | 'tdx-v5-1.5' | 'tdx-v5-1.5ex'
  readonly body?: Fields
  readonly header?: Readonly<{
    version?: number
    keyType?: number
    teeType?: number
    reserved?: number
    vendor?: string
  }>
  readonly bodyType?: number
  readonly bodySize?: number
  readonly qe?: Fields
  readonly authData?: Uint8Array
  /** In the QE report's data, in place of the honest binding. */
  readonly binding?: string
  readonly attestationKey?: Key
  readonly pckKey?: Key
  /** What the attestation key signs, in place of header and body. */
  readonly signed?: (signed: Uint8Array) => Uint8Array
  readonly signature?: (signature: Uint8Array) => Uint8Array
  readonly chain?: readonly Uint8Array[]
  readonly chainText?: (text: string) => string
  readonly innerType?: number
  /** Certification data in place of the chain. */
  readonly innerData?: Uint8Array
  readonly outerType?: number
  /** Bytes behind the certification data, within its part. */
  readonly stuffing?: Uint8Array
  readonly lengthBy?: number
  readonly trailing?: Uint8Array
}

/** Certification data of type 1: names the PCK certificate that {@link certificate} makes. */
export const pckId = (change: { ppid?: string; cpuSvn?: string; pceSvn?: number; pceId?: string } = {}): Uint8Array =>
  concatBytes(
    hexToBytes(change.ppid ?? PPID),
    hexToBytes(change.cpuSvn ?? '05'.repeat(16)),
    u16(change.pceSvn ?? 13),
    hexToBytes(change.pceId ?? '0000'),
  )

const PARTS = {
  'sgx-v3': [3, 0, undefined],
  'sgx-v4': [4, 0, undefined],
  'sgx-v5': [5, 0, 1],
  'tdx-v4': [4, 0x81, undefined],
  'tdx-v5-1.0': [5, 0x81, 2],
  'tdx-v5-1.5': [5, 0x81, 3],
  'tdx-v5-1.5ex': [5, 0x81, 4],
} as const

const LAYOUTS: Readonly<Record<number, Layout>> = { 2: TD_LAYOUT, 3: TD15_LAYOUT, 4: TD15EX_LAYOUT }

export function makeQuote(parts: QuoteParts = {}): Uint8Array {
  const { kind = 'tdx-v4', header = {} } = parts
  const [version, teeType, bodyType] = PARTS[kind]
  const layout = teeType === 0 ? SGX_LAYOUT : (LAYOUTS[bodyType ?? 2] ?? TD_LAYOUT)
  const usual = teeType === 0 ? SGX_FIELDS : TD_FIELDS
  const body = write(layout, {
    ...usual,
    ...(layout === TD15_LAYOUT || layout === TD15EX_LAYOUT ? { teeTcbSvn2: '06010300' } : {}),
    ...parts.body,
  })
  const head = concatBytes(
    u16(header.version ?? version),
    u16(header.keyType ?? 2),
    u32(header.teeType ?? teeType),
    u32(header.reserved ?? 0),
    hexToBytes(header.vendor ?? '939a7233f79c4ca9940a0db3957f0607'),
    new Uint8Array(20),
  )
  const typed = bodyType === undefined ? [] : [u16(parts.bodyType ?? bodyType), u32(parts.bodySize ?? body.length)]
  const signed = concatBytes(head, ...typed, body)
  const attestation = parts.attestationKey ?? keyOf('attestation')
  const honest = signWith(attestation, parts.signed?.(signed) ?? signed)
  const signature = parts.signature?.(honest) ?? honest
  const point = keyOf('attestation').spki.slice(-64)
  const authData = parts.authData ?? new Uint8Array(32).fill(9)
  const qeReport = write(SGX_LAYOUT, {
    attributes: '1500000000000000e700000000000000',
    mrSigner: QE_SIGNER,
    isvProdId: teeType === 0 ? '0100' : '0200',
    isvSvn: '0400',
    reportData: parts.binding ?? bytesToHex(sha256(concatBytes(point, authData))),
    ...parts.qe,
  })
  const text = pem(...(parts.chain ?? [certificate('pck'), certificate('platform'), certificate('root')]))
  const chain = parts.innerData ?? utf8ToBytes(parts.chainText?.(text) ?? `${text}\0`)
  const inner = concatBytes(
    qeReport,
    signWith(parts.pckKey ?? keyOf('pck'), qeReport),
    u16(authData.length),
    authData,
    u16(parts.innerType ?? 5),
    u32(chain.length),
    chain,
    parts.stuffing ?? new Uint8Array(0),
  )
  const certified = version === 3 ? inner : concatBytes(u16(parts.outerType ?? 6), u32(inner.length), inner)
  const authentication = concatBytes(signature, point, certified)
  return concatBytes(
    signed,
    u32(authentication.length + (parts.lengthBy ?? 0)),
    authentication,
    parts.trailing ?? new Uint8Array(0),
  )
}

export type Json = { [name: string]: unknown }
const iso = (seconds: bigint) => new Date(Number(seconds) * 1000).toISOString().replace('.000Z', 'Z')
const dated = { issueDate: iso(NOW - 86_400n), nextUpdate: iso(NOW + 86_400n), tcbEvaluationDataNumber: 17 }

export const svns = (...values: readonly number[]) =>
  Array.from({ length: 16 }, (_, i) => ({ svn: values[i] ?? values.at(-1) ?? 0 }))

export const level = (tcbStatus: string, tcb: Json, advisoryIDs?: readonly string[]): Json => ({
  tcb,
  tcbDate: iso(NOW - 1_000_000n),
  tcbStatus,
  ...(advisoryIDs === undefined ? {} : { advisoryIDs }),
})

export const sgxLevel = (tcbStatus: string, sgx: number, pcesvn: number, ids?: readonly string[]): Json =>
  level(tcbStatus, { sgxtcbcomponents: svns(sgx), pcesvn }, ids)

export const tdxLevel = (tcbStatus: string, sgx: number, tdx: readonly number[], ids?: readonly string[]): Json =>
  level(tcbStatus, { sgxtcbcomponents: svns(sgx), pcesvn: 13, tdxtcbcomponents: svns(...tdx, 0) }, ids)

const ZERO_MODULE = { mrsigner: '00'.repeat(48), attributes: '00'.repeat(8), attributesMask: 'FF'.repeat(8) }

export const moduleOf = (id: string, ...tcbLevels: readonly Json[]): Json => ({ id, ...ZERO_MODULE, tcbLevels })

export function tcbInfoOf(tee: 'SGX' | 'TDX'): Json {
  const common = { id: tee, version: 3, ...dated, fmspc: FMSPC.toUpperCase(), pceId: '0000', tcbType: 0 }
  if (tee === 'SGX')
    return { ...common, tcbLevels: [sgxLevel('UpToDate', 5, 13), sgxLevel('OutOfDate', 3, 5, ['INTEL-SA-00001'])] }
  return {
    ...common,
    tdxModule: ZERO_MODULE,
    tdxModuleIdentities: [
      moduleOf('TDX_01', level('UpToDate', { isvsvn: 4 }), level('OutOfDate', { isvsvn: 2 }, ['INTEL-SA-00003'])),
    ],
    tcbLevels: [tdxLevel('UpToDate', 5, [5, 0, 3]), tdxLevel('OutOfDate', 3, [3, 0, 2], ['INTEL-SA-00002'])],
  }
}

export const qeIdentityOf = (tee: 'SGX' | 'TDX'): Json => ({
  id: tee === 'SGX' ? 'QE' : 'TD_QE',
  version: 2,
  ...dated,
  miscselect: '00000000',
  miscselectMask: 'FFFFFFFF',
  attributes: '11000000000000000000000000000000',
  attributesMask: 'FBFFFFFFFFFFFFFF0000000000000000',
  mrsigner: QE_SIGNER.toUpperCase(),
  isvprodid: tee === 'SGX' ? 1 : 2,
  tcbLevels: [
    level('UpToDate', { isvsvn: 4 }),
    level('OutOfDate', { isvsvn: 3 }, ['INTEL-SA-00004']),
    level('Revoked', { isvsvn: 2 }),
  ],
})

export interface CollateralParts {
  readonly tee?: 'SGX' | 'TDX'
  readonly tcbInfo?: (info: Json) => Json
  readonly qeIdentity?: (identity: Json) => Json
  /** Changes the text that is signed. */
  readonly tcbText?: (text: string) => string
  readonly qeText?: (text: string) => string
  readonly tcbSigner?: Key
  readonly qeSigner?: Key
  readonly tcbChain?: readonly Uint8Array[]
  readonly qeChain?: readonly Uint8Array[]
  readonly rootCrl?: Partial<CrlParts>
  readonly pckCrl?: Partial<CrlParts>
  /** Changes what was signed. */
  readonly after?: (collateral: IntelCollateral) => unknown
}

export const signBody = (text: string, key: Key = keyOf('signer')): string =>
  bytesToHex(signWith(key, utf8ToBytes(text)))

export function makeCollateral(parts: CollateralParts = {}): IntelCollateral {
  const { tee = 'TDX' } = parts
  const info = parts.tcbInfo?.(tcbInfoOf(tee)) ?? tcbInfoOf(tee)
  const identity = parts.qeIdentity?.(qeIdentityOf(tee)) ?? qeIdentityOf(tee)
  const tcbText = parts.tcbText?.(JSON.stringify(info)) ?? JSON.stringify(info)
  const qeText = parts.qeText?.(JSON.stringify(identity)) ?? JSON.stringify(identity)
  const chain = [certificate('signer'), certificate('root')]
  const made: IntelCollateral = {
    tcb_info: tcbText,
    tcb_info_signature: signBody(tcbText, parts.tcbSigner),
    tcb_info_issuer_chain: pem(...(parts.tcbChain ?? chain)),
    qe_identity: qeText,
    qe_identity_signature: signBody(qeText, parts.qeSigner),
    qe_identity_issuer_chain: pem(...(parts.qeChain ?? chain)),
    root_ca_crl: bytesToHex(makeCrl({ issuer: issuerOf('root'), ...parts.rootCrl })),
    pck_crl: bytesToHex(makeCrl({ issuer: issuerOf('platform'), ...parts.pckCrl })),
    pck_crl_issuer_chain: pem(certificate('platform'), certificate('root')),
  }
  // What is no collateral at all is part of what is tried.
  return (parts.after?.(made) ?? made) as IntelCollateral
}

export const ourOptions = (): Omit<IntelOptions, 'collateral'> => ({
  appraisal: {
    ...intelDefaults,
    sgx: [{ mrSigner: MEASURED.mrSigner, isvProdId: 7, minimumIsvSvn: 3 }],
    tdx: [
      {
        mrTd: MEASURED.mrTd,
        rtmr0: MEASURED.rtmr0,
        rtmr1: MEASURED.rtmr1,
        rtmr2: MEASURED.rtmr2,
        rtmr3: MEASURED.rtmr3,
      },
    ],
  },
  relyingParty: { reportData: REPORT_DATA, platforms: [PPID] },
  now: NOW,
  root: certificate('root'),
})
