import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import type { TeeErrorCode } from '../errors.ts'
import { integer, octets, oid, sequence, tlv } from '../pki/authority.fixture.ts'
import { INTEL_CHECKS, type IntelCheck, type IntelOptions, replayEventLog, verifyIntel } from './index.ts'
import { SGX_EXTENSION } from './pck.ts'
import {
  type CollateralParts,
  certificate,
  issuerOf,
  keyOf,
  level,
  MEASURED,
  makeCollateral,
  makeQuote,
  NAMES,
  NOW,
  ourOptions,
  PPID,
  pckId,
  pem,
  pemInLines,
  type QuoteParts,
  REPORT_DATA,
  sgxExtension,
  tcbInfoOf,
} from './platform.fixture.ts'

interface Change {
  readonly quote?: QuoteParts
  readonly collateral?: CollateralParts
  readonly options?: Partial<IntelOptions>
}
type Cheat = readonly [what: string, check: IntelCheck, code: TeeErrorCode, change: () => Change]

const judge = ({ quote = {}, collateral = {}, options = {} }: Change) =>
  verifyIntel(makeQuote(quote), {
    ...ourOptions(),
    collateral: makeCollateral({ tee: quote.kind?.startsWith('sgx') ? 'SGX' : 'TDX', ...collateral }),
    ...options,
  })

const appraisal = (change: Partial<IntelOptions['appraisal']>): Partial<IntelOptions> => ({
  appraisal: { ...ourOptions().appraisal, ...change },
})
const relyingParty = (change: Partial<IntelOptions['relyingParty']>): Partial<IntelOptions> => ({
  relyingParty: { ...ourOptions().relyingParty, ...change },
})
const flip = (bytes: Uint8Array, at: number): Uint8Array => bytes.with(at, (bytes[at] ?? 0) ^ 1)
const pckWith = (...more: readonly Uint8Array[]) => {
  const extended = tlv(0x30, oid(SGX_EXTENSION), octets(sgxExtension({ more })))
  return [certificate('pck', { extensions: [extended] }), certificate('platform'), certificate('root')]
}
const row = (arc: string, value: Uint8Array) => sequence(oid(`${SGX_EXTENSION}.${arc}`), value)
const platformChain = (pck: Uint8Array) => [pck, certificate('platform'), certificate('root')]
const stranger = { subject: NAMES.root, key: keyOf('stranger') }
const yesterday = { notAfter: NOW - 1n }

const withPck: CollateralParts['after'] = (c) => ({
  ...c,
  pck_certificate_chain: pem(...platformChain(certificate('pck'))),
})

const QUOTE_CHEATS: readonly Cheat[] = [
  ['nothing at all', 'form', 'VS_TEE_MALFORMED', () => ({ quote: { signed: () => new Uint8Array(0), lengthBy: 1e6 } })],
  ['a length one too long', 'form', 'VS_TEE_MALFORMED', () => ({ quote: { lengthBy: 1 } })],
  ['a length one too short', 'form', 'VS_TEE_MALFORMED', () => ({ quote: { lengthBy: -1 } })],
  ['bytes behind the chain', 'form', 'VS_TEE_MALFORMED', () => ({ quote: { stuffing: Uint8Array.of(0) } })],
  ['reserved header bytes', 'form', 'VS_TEE_MALFORMED', () => ({ quote: { header: { reserved: 1 } } })],
  [
    'reserved report bytes',
    'form',
    'VS_TEE_MALFORMED',
    () => ({ quote: { kind: 'sgx-v3', body: { reserved2: '01' } } }),
  ],
  ['reserved bytes of the QE', 'form', 'VS_TEE_MALFORMED', () => ({ quote: { qe: { reserved4: '01' } } })],
  ['a body of another size', 'form', 'VS_TEE_MALFORMED', () => ({ quote: { kind: 'tdx-v5-1.0', bodySize: 648 } })],
  ['a shorter extension', 'form', 'VS_TEE_MALFORMED', () => ({ quote: { kind: 'tdx-v5-1.5ex', bodyType: 3 } })],
  ['a longer body', 'form', 'VS_TEE_MALFORMED', () => ({ quote: { kind: 'tdx-v5-1.5', bodyType: 4 } })],
  ['an SGX body in a TDX quote', 'form', 'VS_TEE_MALFORMED', () => ({ quote: { kind: 'tdx-v5-1.5', bodyType: 1 } })],
  [
    'the CA before the PCK certificate',
    'form',
    'VS_TEE_MALFORMED',
    () => ({ quote: { chain: [certificate('platform'), certificate('pck'), certificate('root')] } }),
  ],
  [
    'the root twice, and no CA',
    'pck-chain',
    'VS_TEE_CHAIN',
    () => ({ quote: { chain: [certificate('pck'), certificate('root'), certificate('root')] } }),
  ],
  ['text between certificates', 'form', 'VS_TEE_MALFORMED', () => ({ quote: { chainText: (t) => `hello\n${t}` } })],
  [
    'lines of 68 characters',
    'form',
    'VS_TEE_MALFORMED',
    () => ({ quote: { chainText: () => pemInLines(68, ...platformChain(certificate('pck'))) } }),
  ],
  ['two zero bytes behind the chain', 'form', 'VS_TEE_MALFORMED', () => ({ quote: { chainText: (t) => `${t}\0\0` } })],
  ['a PCK certificate alone', 'form', 'VS_TEE_MALFORMED', () => ({ quote: { chain: [certificate('pck')] } })],
  ['four certificates', 'form', 'VS_TEE_MALFORMED', () => ({ quote: { chain: Array(4).fill(certificate('root')) } })],
  [
    'no SGX extension',
    'form',
    'VS_TEE_MALFORMED',
    () => ({ quote: { chain: platformChain(certificate('pck', { extensions: [] })) } }),
  ],
  [
    'a field twice',
    'form',
    'VS_TEE_MALFORMED',
    () => ({ quote: { chain: pckWith(row('4', octets(Uint8Array.of(1)))) } }),
  ],
  ['an unknown field', 'form', 'VS_TEE_MALFORMED', () => ({ quote: { chain: pckWith(row('8', integer(1))) } })],
  [
    'a field of elsewhere',
    'form',
    'VS_TEE_MALFORMED',
    () => ({ quote: { chain: pckWith(sequence(oid('1.2.3'), integer(1))) } }),
  ],
  [
    '15 components',
    'form',
    'VS_TEE_MALFORMED',
    () => ({ quote: { chain: platformChain(certificate('pck', undefined, { components: Array(15).fill(5) })) } }),
  ],
  ['version 2', 'supported', 'VS_TEE_UNSUPPORTED', () => ({ quote: { header: { version: 2 } } })],
  ['version 6', 'supported', 'VS_TEE_UNSUPPORTED', () => ({ quote: { header: { version: 6 } } })],
  ['P-384', 'supported', 'VS_TEE_UNSUPPORTED', () => ({ quote: { header: { keyType: 3 } } })],
  ['another TEE', 'supported', 'VS_TEE_UNSUPPORTED', () => ({ quote: { header: { teeType: 0x82 } } })],
  [
    'TDX in version 3',
    'supported',
    'VS_TEE_UNSUPPORTED',
    () => ({ quote: { kind: 'sgx-v3', header: { teeType: 0x81 } } }),
  ],
  ['another body type', 'supported', 'VS_TEE_UNSUPPORTED', () => ({ quote: { kind: 'tdx-v5-1.5', bodyType: 5 } })],
  ['another QE vendor', 'supported', 'VS_TEE_UNSUPPORTED', () => ({ quote: { header: { vendor: '00'.repeat(16) } } })],
  ['a PCK certificate without a chain', 'supported', 'VS_TEE_UNSUPPORTED', () => ({ quote: { innerType: 4 } })],
  ['a platform manifest', 'supported', 'VS_TEE_UNSUPPORTED', () => ({ quote: { innerType: 7 } })],
  ['a chain in place of a PPID', 'form', 'VS_TEE_MALFORMED', () => ({ quote: { innerType: 1 } })],
  [
    'bytes behind the name of a PCK certificate',
    'form',
    'VS_TEE_MALFORMED',
    () => ({ quote: { innerType: 1, innerData: concatBytes(pckId(), Uint8Array.of(0)) } }),
  ],
  ...([{ ppid: '12'.repeat(16) }, { cpuSvn: '04'.repeat(16) }, { pceSvn: 12 }, { pceId: '0100' }] as const).map(
    (change): Cheat => [
      `the certificate of another platform: ${Object.keys(change).join()}`,
      'pck-certificate',
      'VS_TEE_BINDING',
      () => ({ quote: { innerType: 1, innerData: pckId(change) }, collateral: { after: withPck } }),
    ],
  ),
  [
    'a named certificate without its CA',
    'collateral',
    'VS_TEE_COLLATERAL',
    () => ({
      quote: { innerType: 1, innerData: pckId() },
      collateral: { after: (c) => ({ ...c, pck_certificate_chain: pem(certificate('pck')) }) },
    }),
  ],
  ['a chain in place of the QE', 'supported', 'VS_TEE_UNSUPPORTED', () => ({ quote: { outerType: 5 } })],
  ['padding', 'trailing-bytes', 'VS_TEE_TRAILING_BYTES', () => ({ quote: { trailing: new Uint8Array(70) } })],
  [
    'one byte in the padding',
    'trailing-bytes',
    'VS_TEE_TRAILING_BYTES',
    () => ({ quote: { trailing: new Uint8Array(70).with(69, 1) }, options: appraisal({ trailingBytes: 'zeros' }) }),
  ],
  [
    'a root of our own making',
    'pck-chain',
    'VS_TEE_CHAIN',
    () => ({ options: { root: certificate('root', { key: keyOf('stranger') }) } }),
  ],
  [
    'a root of another key in the chain',
    'pck-chain',
    'VS_TEE_CHAIN',
    () => ({
      quote: { chain: [certificate('pck'), certificate('platform'), certificate('root', { key: keyOf('stranger') })] },
    }),
  ],
  [
    'a certificate of the root’s key that somebody else signed',
    'pck-chain',
    'VS_TEE_CHAIN',
    () => ({
      quote: { chain: [certificate('pck'), certificate('platform'), certificate('root', { issuer: stranger })] },
    }),
  ],
  ['Intel’s root', 'pck-chain', 'VS_TEE_CHAIN', () => ({ options: { root: undefined } as never })],
  [
    'a CA that somebody else signed',
    'pck-chain',
    'VS_TEE_CHAIN',
    () => ({
      quote: { chain: [certificate('pck'), certificate('platform', { issuer: stranger }), certificate('root')] },
    }),
  ],
  [
    'a PCK certificate that somebody else signed',
    'pck-chain',
    'VS_TEE_CHAIN',
    () => ({
      quote: {
        chain: platformChain(certificate('pck', { issuer: { subject: NAMES.platform, key: keyOf('stranger') } })),
      },
    }),
  ],
  [
    'an expired PCK certificate',
    'pck-chain',
    'VS_TEE_CERTIFICATE_DATE',
    () => ({ quote: { chain: platformChain(certificate('pck', yesterday)) } }),
  ],
  [
    'a PCK certificate of tomorrow',
    'pck-chain',
    'VS_TEE_CERTIFICATE_DATE',
    () => ({ quote: { chain: platformChain(certificate('pck', { notBefore: NOW + 1n })) } }),
  ],
  [
    'an expired CA',
    'pck-chain',
    'VS_TEE_CERTIFICATE_DATE',
    () => ({ quote: { chain: [certificate('pck'), certificate('platform', yesterday), certificate('root')] } }),
  ],
  [
    'a CA that is none',
    'pck-chain',
    'VS_TEE_CHAIN',
    () => ({ quote: { chain: [certificate('pck'), certificate('platform', { ca: false }), certificate('root')] } }),
  ],
  [
    'a leaf of another name',
    'pck-certificate',
    'VS_TEE_CHAIN',
    () => ({ quote: { chain: platformChain(certificate('pck', { subject: 'Intel SGX TCB Signing' })) } }),
  ],
  [
    'a PCK certificate that the root issued',
    'pck-certificate',
    'VS_TEE_CHAIN',
    () => ({ quote: { chain: [certificate('pck', { issuer: issuerOf('root') }), certificate('root')] } }),
  ],
  [
    'a PCK certificate that may not sign',
    'pck-certificate',
    'VS_TEE_CHAIN',
    () => ({ quote: { chain: platformChain(certificate('pck', { usage: [2] }, {})) } }),
  ],
  [
    'a QE that another platform vouches for',
    'qe-report-signature',
    'VS_TEE_SIGNATURE',
    () => ({ quote: { pckKey: keyOf('x') } }),
  ],
  ['a binding of another key', 'qe-binding', 'VS_TEE_BINDING', () => ({ quote: { binding: '00'.repeat(32) } })],
  ['a binding with a tail', 'qe-binding', 'VS_TEE_BINDING', () => ({ quote: { binding: `${'00'.repeat(63)}01` } })],
  ['another attestation key', 'quote-signature', 'VS_TEE_SIGNATURE', () => ({ quote: { attestationKey: keyOf('x') } })],
  ['a changed body', 'quote-signature', 'VS_TEE_SIGNATURE', () => ({ quote: { signed: (s) => flip(s, 100) } })],
  ['a changed signature', 'quote-signature', 'VS_TEE_SIGNATURE', () => ({ quote: { signature: (s) => flip(s, 7) } })],
  [
    'a signature of zeros',
    'quote-signature',
    'VS_TEE_SIGNATURE',
    () => ({ quote: { signature: () => new Uint8Array(64) } }),
  ],
  ['a QE of another signer', 'qe-identity', 'VS_TEE_BINDING', () => ({ quote: { qe: { mrSigner: '00' } } })],
  ['a QE of another product', 'qe-identity', 'VS_TEE_BINDING', () => ({ quote: { qe: { isvProdId: '0300' } } })],
  ['a QE with another MISCSELECT', 'qe-identity', 'VS_TEE_BINDING', () => ({ quote: { qe: { miscSelect: '01' } } })],
  ['a QE with other attributes', 'qe-identity', 'VS_TEE_BINDING', () => ({ quote: { qe: { attributes: '3100' } } })],
  [
    'a QE that can be debugged, whatever the mask',
    'qe-identity',
    'VS_TEE_BINDING',
    () => ({
      quote: { qe: { attributes: '1300' } },
      collateral: { qeIdentity: (q) => ({ ...q, attributesMask: '11'.padEnd(32, '0') }) },
    }),
  ],
  ['a module of another signer', 'tdx-module', 'VS_TEE_TCB', () => ({ quote: { body: { mrSignerSeam: '01' } } })],
  ['a module with attributes', 'tdx-module', 'VS_TEE_TCB', () => ({ quote: { body: { seamAttributes: '01' } } })],
  [
    'a module with attributes that its identity has',
    'tdx-module',
    'VS_TEE_TCB',
    () => ({
      quote: { body: { teeTcbSvn: '05000300', seamAttributes: '01' } },
      collateral: {
        tcbInfo: (t) => ({ ...t, tdxModule: { ...(t.tdxModule as object), attributes: '01'.padEnd(16, '0') } }),
      },
    }),
  ],
  [
    'a module of an unknown version',
    'tdx-module',
    'VS_TEE_TCB',
    () => ({ quote: { body: { teeTcbSvn: '04090300' } } }),
  ],
]

const text = (change: (text: string) => string): CollateralParts => ({ tcbText: change })

const COLLATERAL_CHEATS: readonly Cheat[] = [
  ['a number', 'collateral', 'VS_TEE_COLLATERAL', () => ({ collateral: { after: () => 7 } })],
  ['a field more', 'collateral', 'VS_TEE_COLLATERAL', () => ({ collateral: { after: (c) => ({ ...c, more: '' }) } })],
  [
    'no QE identity',
    'collateral',
    'VS_TEE_COLLATERAL',
    () => ({ collateral: { after: ({ qe_identity: _, ...c }) => c } }),
  ],
  ['no root CRL', 'root-crl', 'VS_TEE_CRL', () => ({ collateral: { after: ({ root_ca_crl: _, ...c }) => c } })],
  ['no PCK CRL', 'pck-crl', 'VS_TEE_CRL', () => ({ collateral: { after: ({ pck_crl: _, ...c }) => c } })],
  ['an empty PCK CRL', 'pck-crl', 'VS_TEE_CRL', () => ({ collateral: { after: (c) => ({ ...c, pck_crl: '' }) } })],
  [
    'a byte behind the PCK CRL',
    'pck-crl',
    'VS_TEE_CRL',
    () => ({ collateral: { after: (c) => ({ ...c, pck_crl: `${c.pck_crl}00` }) } }),
  ],
  [
    'a PCK CRL that somebody else signed',
    'pck-crl',
    'VS_TEE_CRL',
    () => ({ collateral: { pckCrl: { issuer: { subject: NAMES.platform, key: keyOf('x') } } } }),
  ],
  [
    'a root CRL that somebody else signed',
    'root-crl',
    'VS_TEE_CRL',
    () => ({ collateral: { rootCrl: { issuer: stranger } } }),
  ],
  [
    'the CRL of the other CA',
    'pck-crl',
    'VS_TEE_CRL',
    () => ({ collateral: { pckCrl: { issuer: issuerOf('processor') } } }),
  ],
  [
    'the root’s CRL in place of the CA’s',
    'pck-crl',
    'VS_TEE_CRL',
    () => ({ collateral: { pckCrl: { issuer: issuerOf('root') } } }),
  ],
  ['an old PCK CRL', 'pck-crl', 'VS_TEE_CRL', () => ({ collateral: { pckCrl: { nextUpdate: NOW - 1n } } })],
  ['an old root CRL', 'root-crl', 'VS_TEE_CRL', () => ({ collateral: { rootCrl: { nextUpdate: NOW - 1n } } })],
  ['a PCK CRL of tomorrow', 'pck-crl', 'VS_TEE_CRL', () => ({ collateral: { pckCrl: { thisUpdate: NOW + 1n } } })],
  ['a PCK CRL without a next one', 'pck-crl', 'VS_TEE_CRL', () => ({ collateral: { pckCrl: { nextUpdate: null } } })],
  [
    'a chain of the CA that somebody else signed',
    'pck-crl',
    'VS_TEE_CRL',
    () => ({
      collateral: {
        after: (c) => ({
          ...c,
          pck_crl_issuer_chain: pem(certificate('platform', { issuer: stranger }), certificate('root')),
        }),
      },
    }),
  ],
  [
    'the chain of the other CA',
    'pck-crl',
    'VS_TEE_CRL',
    () => ({
      collateral: {
        after: (c) => ({ ...c, pck_crl_issuer_chain: pem(certificate('processor'), certificate('root')) }),
      },
    }),
  ],
  [
    'a revoked PCK certificate',
    'revocation',
    'VS_TEE_REVOKED',
    () => ({ collateral: { pckCrl: { revoked: [{ serial: 0x99n }] } } }),
  ],
  ['a revoked CA', 'revocation', 'VS_TEE_REVOKED', () => ({ collateral: { rootCrl: { revoked: [{ serial: 2n }] } } })],
  [
    'a revoked signer',
    'revocation',
    'VS_TEE_REVOKED',
    () => ({ collateral: { rootCrl: { revoked: [{ serial: 4n }] } } }),
  ],
  [
    'a revoked root',
    'revocation',
    'VS_TEE_REVOKED',
    () => ({ collateral: { rootCrl: { revoked: [{ serial: 1n }] } } }),
  ],
  [
    'TCB info that somebody else signed',
    'tcb-info-signature',
    'VS_TEE_COLLATERAL',
    () => ({ collateral: { tcbSigner: keyOf('x') } }),
  ],
  [
    'TCB info that the platform signed',
    'tcb-info-signature',
    'VS_TEE_CHAIN',
    () => ({ collateral: { tcbSigner: keyOf('pck'), tcbChain: [certificate('pck'), certificate('root')] } }),
  ],
  [
    'TCB info that a CA signed',
    'tcb-info-signature',
    'VS_TEE_COLLATERAL',
    () => ({ collateral: { tcbSigner: keyOf('platform'), tcbChain: [certificate('platform'), certificate('root')] } }),
  ],
  [
    'TCB info of a signer that may not sign',
    'tcb-info-signature',
    'VS_TEE_COLLATERAL',
    () => ({ collateral: { tcbChain: [certificate('signer', { usage: [2] }), certificate('root')] } }),
  ],
  ['TCB info without a signer', 'tcb-info-form', 'VS_TEE_COLLATERAL', () => ({ collateral: { tcbChain: [] } })],
  [
    'TCB info of a signer without the root',
    'tcb-info-form',
    'VS_TEE_COLLATERAL',
    () => ({ collateral: { tcbChain: [certificate('signer')] } }),
  ],
  [
    'a chain of another platform',
    'collateral',
    'VS_TEE_COLLATERAL',
    () => ({
      collateral: {
        after: (c) => ({ ...c, pck_certificate_chain: pem(...platformChain(certificate('pck', undefined, {}))) }),
      },
    }),
  ],
  [
    'half of the chain in the quote',
    'collateral',
    'VS_TEE_COLLATERAL',
    () => ({ collateral: { after: (c) => ({ ...c, pck_certificate_chain: pem(certificate('pck')) }) } }),
  ],
  [
    'TCB info of a signer of somebody else’s',
    'tcb-info-signature',
    'VS_TEE_CHAIN',
    () => ({ collateral: { tcbChain: [certificate('signer', { issuer: stranger }), certificate('root')] } }),
  ],
  [
    'TCB info of an expired signer',
    'tcb-info-signature',
    'VS_TEE_CERTIFICATE_DATE',
    () => ({ collateral: { tcbChain: [certificate('signer', yesterday), certificate('root')] } }),
  ],
  [
    'TCB info in other words',
    'tcb-info-signature',
    'VS_TEE_COLLATERAL',
    () => ({ collateral: { after: (c) => ({ ...c, tcb_info: JSON.stringify(JSON.parse(c.tcb_info), null, 1) }) } }),
  ],
  [
    'TCB info with another status',
    'tcb-info-signature',
    'VS_TEE_COLLATERAL',
    () => ({ collateral: { after: (c) => ({ ...c, tcb_info: c.tcb_info.replace('OutOfDate', 'UpToDate') }) } }),
  ],
  [
    'TCB info without a signature',
    'tcb-info-form',
    'VS_TEE_COLLATERAL',
    () => ({ collateral: { after: ({ tcb_info_signature: _, ...c }) => c } }),
  ],
  [
    'a TCB info signature that is cut',
    'tcb-info-form',
    'VS_TEE_COLLATERAL',
    () => ({ collateral: { after: (c) => ({ ...c, tcb_info_signature: c.tcb_info_signature?.slice(2) }) } }),
  ],
  [
    'a field twice',
    'tcb-info-form',
    'VS_TEE_COLLATERAL',
    () => ({ collateral: text((t) => t.replace('{', '{"id":"SGX",')) }),
  ],
  [
    'a status twice',
    'tcb-info-form',
    'VS_TEE_COLLATERAL',
    () => ({
      collateral: text((t) => t.replace('"tcbStatus":"OutOfDate"', '"tcbStatus":"OutOfDate","tcbStatus":"UpToDate"')),
    }),
  ],
  [
    'an unknown field',
    'tcb-info-form',
    'VS_TEE_COLLATERAL',
    () => ({ collateral: { tcbInfo: (t) => ({ ...t, only: 'some' }) } }),
  ],
  [
    'an unknown status',
    'tcb-info-form',
    'VS_TEE_COLLATERAL',
    () => ({ collateral: text((t) => t.replace('"OutOfDate"', '"Fine"')) }),
  ],
  [
    'TCB info of version 2',
    'tcb-info-form',
    'VS_TEE_COLLATERAL',
    () => ({ collateral: { tcbInfo: (t) => ({ ...t, version: 2 }) } }),
  ],
  [
    '15 components',
    'tcb-info-form',
    'VS_TEE_COLLATERAL',
    () => ({ collateral: text((t) => t.replace('{"svn":5},', '')) }),
  ],
  [
    'no levels',
    'tcb-info-form',
    'VS_TEE_COLLATERAL',
    () => ({ collateral: { tcbInfo: (t) => ({ ...t, tcbLevels: [] }) } }),
  ],
  [
    'a day that does not exist',
    'tcb-info-form',
    'VS_TEE_COLLATERAL',
    () => ({ collateral: { tcbInfo: (t) => ({ ...t, nextUpdate: '2099-02-30T00:00:00Z' }) } }),
  ],
  [
    'SGX’s TCB info for TDX',
    'tcb-info-kind',
    'VS_TEE_COLLATERAL',
    () => ({ collateral: { tcbInfo: () => tcbInfoOf('SGX') } }),
  ],
  [
    'TDX’s TCB info for SGX',
    'tcb-info-kind',
    'VS_TEE_COLLATERAL',
    () => ({ quote: { kind: 'sgx-v3' }, collateral: { tcbInfo: () => tcbInfoOf('TDX') } }),
  ],
  ['TCB info of tomorrow', 'tcb-info-date', 'VS_TEE_COLLATERAL', () => ({ options: { now: NOW - 86_401n } })],
  ['TCB info of yesterday', 'tcb-info-date', 'VS_TEE_COLLATERAL', () => ({ options: { now: NOW + 86_401n } })],
  [
    'another FMSPC',
    'tcb-info-platform',
    'VS_TEE_COLLATERAL',
    () => ({ collateral: { tcbInfo: (t) => ({ ...t, fmspc: '00'.repeat(6) }) } }),
  ],
  [
    'another PCE id',
    'tcb-info-platform',
    'VS_TEE_COLLATERAL',
    () => ({ collateral: { tcbInfo: (t) => ({ ...t, pceId: '0001' }) } }),
  ],
  [
    'a QE identity that somebody else signed',
    'qe-identity-signature',
    'VS_TEE_COLLATERAL',
    () => ({ collateral: { qeSigner: keyOf('x') } }),
  ],
  [
    'a QE identity of version 3',
    'qe-identity-form',
    'VS_TEE_COLLATERAL',
    () => ({ collateral: { qeIdentity: (q) => ({ ...q, version: 3 }) } }),
  ],
  [
    'a mask twice',
    'qe-identity-form',
    'VS_TEE_COLLATERAL',
    () => ({ collateral: { qeText: (t) => t.replace('{', '{"attributesMask":"00",') } }),
  ],
  [
    'SGX’s QE identity for TDX',
    'qe-identity-kind',
    'VS_TEE_COLLATERAL',
    () => ({ collateral: { qeIdentity: (q) => ({ ...q, id: 'QE' }) } }),
  ],
  [
    'TDX’s QE identity for SGX',
    'qe-identity-kind',
    'VS_TEE_COLLATERAL',
    () => ({ quote: { kind: 'sgx-v3' }, collateral: { qeIdentity: (q) => ({ ...q, id: 'TD_QE' }) } }),
  ],
  [
    'an old QE identity',
    'qe-identity-date',
    'VS_TEE_COLLATERAL',
    () => ({
      collateral: {
        qeIdentity: (q) => ({ ...q, nextUpdate: '2001-01-01T00:00:00Z', issueDate: '2000-01-01T00:00:00Z' }),
      },
    }),
  ],
]

const POLICY_CHEATS: readonly Cheat[] = [
  [
    'an SGX debug enclave',
    'debug',
    'VS_TEE_DEBUG',
    () => ({ quote: { kind: 'sgx-v3', body: { attributes: '07000000000000000300' } } }),
  ],
  ['a debug domain', 'debug', 'VS_TEE_DEBUG', () => ({ quote: { body: { tdAttributes: '01000010' } } })],
  ['a domain under test', 'debug', 'VS_TEE_DEBUG', () => ({ quote: { body: { tdAttributes: '80000010' } } })],
  [
    'an old evaluation',
    'evaluation-number',
    'VS_TEE_COLLATERAL',
    () => ({ options: appraisal({ minimumTcbEvaluationDataNumber: 18 }) }),
  ],
  [
    'an old evaluation of the QE',
    'evaluation-number',
    'VS_TEE_COLLATERAL',
    () => ({
      collateral: { qeIdentity: (q) => ({ ...q, tcbEvaluationDataNumber: 16 }) },
      options: appraisal({ minimumTcbEvaluationDataNumber: 17 }),
    }),
  ],
  [
    'a PCE that is out of date',
    'tcb-status',
    'VS_TEE_TCB',
    () => ({ quote: { chain: platformChain(certificate('pck', undefined, { pceSvn: 12 })) } }),
  ],
  [
    'one component that is out of date',
    'tcb-status',
    'VS_TEE_TCB',
    () => ({
      quote: { chain: platformChain(certificate('pck', undefined, { components: Array(16).fill(5).with(15, 4) })) },
    }),
  ],
  [
    'TDX microcode that is out of date',
    'tcb-status',
    'VS_TEE_TCB',
    () => ({ quote: { body: { teeTcbSvn: '04010200' } } }),
  ],
  ['a module that is out of date', 'tcb-status', 'VS_TEE_TCB', () => ({ quote: { body: { teeTcbSvn: '03010300' } } })],
  ['a module below every level', 'tcb-status', 'VS_TEE_TCB', () => ({ quote: { body: { teeTcbSvn: '01010300' } } })],
  [
    'a module without an identity that is out of date',
    'tcb-status',
    'VS_TEE_TCB',
    () => ({ quote: { body: { teeTcbSvn: '04000300' } } }),
  ],
  ['a QE that is out of date', 'tcb-status', 'VS_TEE_TCB', () => ({ quote: { qe: { isvSvn: '0300' } } })],
  ['a QE that is revoked', 'tcb-status', 'VS_TEE_TCB', () => ({ quote: { qe: { isvSvn: '0200' } } })],
  ['a QE below every level', 'tcb-status', 'VS_TEE_TCB', () => ({ quote: { qe: { isvSvn: '0100' } } })],
  [
    'an open advisory',
    'advisories',
    'VS_TEE_TCB',
    () => ({
      quote: { qe: { isvSvn: '0300' } },
      options: appraisal({ tcbStatuses: ['OutOfDate'], advisories: ['INTEL-SA-00002'] }),
    }),
  ],
  [
    'a reserved SGX attribute',
    'attributes',
    'VS_TEE_ATTRIBUTES',
    () => ({ quote: { kind: 'sgx-v3', body: { attributes: '0d000000000000000300' } } }),
  ],
  [
    'an enclave that may provision',
    'attributes',
    'VS_TEE_ATTRIBUTES',
    () => ({ quote: { kind: 'sgx-v3', body: { attributes: '15000000000000000300' } } }),
  ],
  [
    'an enclave that was not initialised',
    'attributes',
    'VS_TEE_ATTRIBUTES',
    () => ({ quote: { kind: 'sgx-v3', body: { attributes: '04000000000000000300' } } }),
  ],
  [
    'a reserved bit of MISCSELECT',
    'attributes',
    'VS_TEE_ATTRIBUTES',
    () => ({ quote: { kind: 'sgx-v3', body: { miscSelect: '04' } } }),
  ],
  ['no SEPT_VE_DISABLE', 'attributes', 'VS_TEE_ATTRIBUTES', () => ({ quote: { body: { tdAttributes: '00' } } })],
  [
    'a reserved TD attribute',
    'attributes',
    'VS_TEE_ATTRIBUTES',
    () => ({ quote: { body: { tdAttributes: '00010010' } } }),
  ],
  [
    'a domain that can be moved',
    'attributes',
    'VS_TEE_ATTRIBUTES',
    () => ({ quote: { body: { tdAttributes: '00000030' } } }),
  ],
  ['no SSE', 'xfam', 'VS_TEE_ATTRIBUTES', () => ({ quote: { body: { xfam: '01' } } })],
  ['a reserved feature', 'xfam', 'VS_TEE_ATTRIBUTES', () => ({ quote: { body: { xfam: '0300000000000080' } } })],
  [
    'a feature that the policy does not allow',
    'xfam',
    'VS_TEE_ATTRIBUTES',
    () => ({ options: appraisal({ features: [] }) }),
  ],
  ['MPX in a domain', 'xfam', 'VS_TEE_ATTRIBUTES', () => ({ quote: { body: { xfam: '1b' } } })],
  [
    'a service domain',
    'service-td',
    'VS_TEE_ATTRIBUTES',
    () => ({ quote: { kind: 'tdx-v5-1.5', body: { mrServiceTd: '01' } } }),
  ],
  ...(['mrServiceTd', 'initServiceTd', 'currentServiceTd'] as const).map(
    (field): Cheat => [
      `a service domain in ${field} alone`,
      'service-td',
      'VS_TEE_ATTRIBUTES',
      () => ({
        quote: {
          kind: 'tdx-v5-1.5ex',
          body: { mrServiceTd: '01', initServiceTd: '01', currentServiceTd: '01', [field]: '02' },
        },
        options: appraisal({ serviceTds: ['01'.padEnd(96, '0')] }),
      }),
    ],
  ),
  [
    'service domains that can change',
    'attributes',
    'VS_TEE_ATTRIBUTES',
    () => ({ quote: { kind: 'tdx-v5-1.5ex', body: { tdAttributes: '00000210' } } }),
  ],
  ['another firmware', 'measurements', 'VS_TEE_MEASUREMENT', () => ({ quote: { body: { mrTd: '00' } } })],
  ...([0, 1, 2, 3] as const).map(
    (i): Cheat => [
      `another RTMR${i}`,
      'measurements',
      'VS_TEE_MEASUREMENT',
      () => ({ quote: { body: { [`rtmr${i}`]: '00' } } }),
    ],
  ),
  ['no code that is named', 'measurements', 'VS_TEE_MEASUREMENT', () => ({ options: appraisal({ tdx: [] }) })],
  [
    'an enclave of another signer',
    'measurements',
    'VS_TEE_MEASUREMENT',
    () => ({ quote: { kind: 'sgx-v3', body: { mrSigner: '00' } } }),
  ],
  [
    'an enclave of another product',
    'measurements',
    'VS_TEE_MEASUREMENT',
    () => ({ quote: { kind: 'sgx-v3', body: { isvProdId: '0600' } } }),
  ],
  [
    'an enclave of an old version',
    'measurements',
    'VS_TEE_MEASUREMENT',
    () => ({ quote: { kind: 'sgx-v3', body: { isvSvn: '0200' } } }),
  ],
  [
    'another enclave',
    'measurements',
    'VS_TEE_MEASUREMENT',
    () => ({
      quote: { kind: 'sgx-v3', body: { mrEnclave: '00' } },
      options: appraisal({ sgx: [{ mrEnclave: MEASURED.mrEnclave }] }),
    }),
  ],
  ...(
    [
      ['a configuration that is not named', { configId: '01' }, {}],
      ['a version of a configuration where none is named', { configSvn: '0100' }, {}],
      ['another configuration', { configId: '02' }, { configId: '01'.padEnd(128, '0') }],
      [
        'an old version of a configuration',
        { configId: '01', configSvn: '0200' },
        { configId: '01'.padEnd(128, '0'), minimumConfigSvn: 3 },
      ],
    ] as const
  ).map(
    ([what, body, named]): Cheat => [
      what,
      'measurements',
      'VS_TEE_MEASUREMENT',
      () => ({
        quote: { kind: 'sgx-v3', body },
        options: appraisal({ sgx: [{ mrEnclave: MEASURED.mrEnclave, ...named }] }),
      }),
    ],
  ),
  [
    'an event log that does not replay',
    'event-log',
    'VS_TEE_MEASUREMENT',
    () => ({ options: relyingParty({ eventLog: [{ imr: 3, digest: '01'.repeat(48) }] }) }),
  ],
  [
    'an event log for SGX',
    'event-log',
    'VS_TEE_MEASUREMENT',
    () => ({ quote: { kind: 'sgx-v3' }, options: relyingParty({ eventLog: [{ imr: 3, digest: '01'.repeat(48) }] }) }),
  ],
  ['other report data', 'report-data', 'VS_TEE_REPORT_DATA', () => ({ quote: { body: { reportData: 'c1' } } })],
  [
    'report data that only begins so',
    'report-data',
    'VS_TEE_REPORT_DATA',
    () => ({ options: relyingParty({ reportData: REPORT_DATA.slice(2) }) }),
  ],
  [
    'another platform',
    'platform',
    'VS_TEE_PLATFORM',
    () => ({ options: relyingParty({ platforms: ['22'.repeat(16)] }) }),
  ],
]

const CHEATS = [...QUOTE_CHEATS, ...COLLATERAL_CHEATS, ...POLICY_CHEATS]

describe('honest evidence is accepted', () => {
  test.each(['sgx-v3', 'sgx-v4', 'sgx-v5', 'tdx-v4', 'tdx-v5-1.0', 'tdx-v5-1.5', 'tdx-v5-1.5ex'] as const)(
    '%s',
    async (kind) => {
      const verdict = await judge({ quote: { kind } })
      expect(verdict.checks.filter((c) => c.outcome === 'fail')).toEqual([])
      expect(verdict).toMatchObject({
        status: 'accepted',
        vendor: kind.startsWith('sgx') ? 'intel-sgx' : 'intel-tdx',
        platformId: PPID,
        tcb: { status: 'UpToDate', advisories: [] },
      })
    },
  )

  test('with service domains that the policy names, and what else an extended body says', async () => {
    const named = '01'.padEnd(96, '0')
    const body = { vmId: '02', tdId: '03', deviceInfo: '04', initServiceTd: named, currentServiceTd: named }
    const quote = { kind: 'tdx-v5-1.5ex', body } as const
    expect(await judge({ quote, options: appraisal({ serviceTds: [named] }) })).toMatchObject({
      status: 'accepted',
      claims: { module: '1.5', report: { extended: { vmId: 2, tdId: '03'.padEnd(64, '0'), currentServiceTd: named } } },
    })
  })

  test('with a PCK certificate in lines of 76 characters, and the others in lines of 64', async () => {
    const [leaf, ...issuers] = platformChain(certificate('pck'))
    const chainText = () => pemInLines(76, leaf ?? new Uint8Array()) + pem(...issuers)
    expect((await judge({ quote: { kind: 'sgx-v3', chainText } })).status).toBe('accepted')
  })

  test('with the root before the CA', async () => {
    const chain = [certificate('pck'), certificate('root'), certificate('platform')]
    expect((await judge({ quote: { kind: 'sgx-v3', chain }, collateral: { after: withPck } })).status).toBe('accepted')
  })

  test('with a certificate that the root made out to itself at another time', async () => {
    const earlier = certificate('root', { notAfter: NOW - 1n, serial: 77n })
    const chain = [certificate('pck'), certificate('platform'), earlier]
    const collateral = { tcbChain: [certificate('signer'), earlier] }
    expect((await judge({ quote: { kind: 'sgx-v3', chain }, collateral })).status).toBe('accepted')
  })

  test.each(['\0', ''])('with the chain of the quote in the collateral, as quotes end it (%j)', async (end) => {
    const text = pem(...platformChain(certificate('pck'))).trimEnd()
    const after: CollateralParts['after'] = (c) => ({
      ...c,
      pck_certificate_chain: end === '' ? text : `${text}\n${end}`,
    })
    expect((await judge({ collateral: { after } })).status).toBe('accepted')
  })

  test('with padding that the policy allows', async () => {
    const padded = { trailing: new Uint8Array(70) }
    expect(await judge({ quote: padded, options: appraisal({ trailingBytes: 'zeros' }) })).toMatchObject({
      status: 'accepted',
      claims: { trailingBytes: 70 },
    })
    // Whoever did not know is told; of other bytes there is nothing to tell.
    expect(await judge({ quote: padded })).toMatchObject({
      detail: '70 zero bytes: the appraisal policy can let them follow (trailingBytes: "zeros")',
    })
    const strange = { trailing: new Uint8Array(70).with(69, 1) }
    expect(await judge({ quote: strange })).toMatchObject({ detail: '70 bytes, not all zero' })
  })

  test('with collateral as the service sends it', async () => {
    const after: CollateralParts['after'] = ({ tcb_info_signature, qe_identity_signature, ...c }) => ({
      ...c,
      tcb_info: `{"tcbInfo":${c.tcb_info},"signature":"${tcb_info_signature}"}`,
      qe_identity: `{"enclaveIdentity":${c.qe_identity},"signature":"${qe_identity_signature}"}`,
      pck_crl: Buffer.from(c.pck_crl, 'hex').toString('base64'),
      pck_crl_issuer_chain: '',
    })
    expect((await judge({ collateral: { after } })).status).toBe('accepted')
  })

  test.each([
    ['in plain text', 1, pckId()],
    ['without the PCE id', 1, pckId().subarray(0, 34)],
    ['encrypted with RSA-2048', 2, concatBytes(new Uint8Array(240), pckId())],
    ['encrypted with RSA-3072', 3, concatBytes(new Uint8Array(368), pckId())],
  ])('with a PPID %s in the quote, and the certificate in the collateral', async (_, innerType, innerData) => {
    for (const kind of ['sgx-v3', 'tdx-v4'] as const) {
      const quote = { kind, innerType, innerData }
      const verdict = await judge({ quote, collateral: { after: withPck } })
      expect(verdict).toMatchObject({ status: 'accepted', platformId: PPID, claims: { pck: { ppid: PPID } } })
      expect(await judge({ quote })).toMatchObject({ status: 'undetermined', missing: 'collateral' })
    }
  })

  test('with TCB info of version 2, for SGX', async () => {
    const components = Object.fromEntries(
      Array.from({ length: 16 }, (_, i) => [`sgxtcbcomp${`${i + 1}`.padStart(2, '0')}svn`, 5]),
    )
    const old =
      (tcb: object): NonNullable<CollateralParts['tcbInfo']> =>
      ({ id: _, ...info }) => ({ ...info, version: 2, tcbLevels: [level('UpToDate', { ...tcb, pcesvn: 13 })] })
    const sgx = { kind: 'sgx-v3' } as const
    expect(await judge({ quote: sgx, collateral: { tcbInfo: old(components) } })).toMatchObject({
      status: 'accepted',
      tcb: { status: 'UpToDate' },
    })
    const higher = old({ ...components, sgxtcbcomp16svn: 6 })
    expect(await judge({ quote: sgx, collateral: { tcbInfo: higher } })).toMatchObject({
      status: 'rejected',
      tcb: { status: 'TCBNotSupported' },
    })
    expect(await judge({ collateral: { tcbInfo: () => old(components)(tcbInfoOf('SGX')) } })).toMatchObject({
      check: 'tcb-info-kind',
    })
  })

  test('with a configuration that the policy names', async () => {
    const configId = '01'.padEnd(128, '0')
    const quote = { kind: 'sgx-v3', body: { configId, configSvn: '0300' } } as const
    for (const named of [{ configId }, { configId, minimumConfigSvn: 3 }]) {
      const options = appraisal({ sgx: [{ mrEnclave: MEASURED.mrEnclave, ...named }] })
      expect((await judge({ quote, options })).status).toBe('accepted')
    }
  })

  test('with report data that is shorter, and an event log', async () => {
    const eventLog = [
      { imr: 3, digest: '01'.repeat(48) },
      { imr: 0, digest: '02'.repeat(48) },
      { imr: 3, digest: '03'.repeat(48) },
    ]
    const [rtmr0, rtmr1, rtmr2, rtmr3] = replayEventLog(eventLog)
    const body = { rtmr0, rtmr1, rtmr2, rtmr3, reportData: 'abcd' }
    const options = {
      ...appraisal({ tdx: [{ mrTd: MEASURED.mrTd, rtmr3 }] }),
      ...relyingParty({ eventLog, reportData: 'abcd' }),
    }
    expect((await judge({ quote: { body }, options })).status).toBe('accepted')
  })
})

describe('a cheat is refused by the check that is for it', () => {
  test.each(CHEATS)('%s: %s', async (_, check, code, change) => {
    const verdict = await judge(change())
    expect(verdict).toMatchObject({ status: 'rejected' })
    expect(verdict.checks.find((c) => c.id === check) ?? verdict).toMatchObject({ outcome: 'fail' })
    expect(verdict).toMatchObject({ code, check })
  })

  test('and every check has one', () => {
    expect(Object.keys(INTEL_CHECKS).filter((id) => CHEATS.every(([, check]) => check !== id))).toEqual([])
  })
})

test.each([
  ['an unknown field of the appraisal', { appraisal: { ...ourOptions().appraisal, more: 1 } }],
  ['a status that can not be allowed', { appraisal: { ...ourOptions().appraisal, tcbStatuses: ['Revoked'] } }],
  ['no platforms', { relyingParty: { reportData: 'any' } }],
  ['a number for a time', { now: 1 }],
  ['a root that is none', { root: Uint8Array.of(1) }],
])('%s is the caller’s mistake', async (_, change) => {
  const options = { ...ourOptions(), ...change } as unknown as IntelOptions
  await expect(verifyIntel(makeQuote(), options)).rejects.toMatchObject({ code: 'VS_TEE_INVALID_OPTION' })
})

test('whatever is no quote is refused', async () => {
  for (const bytes of [new Uint8Array(0), Uint8Array.of(4), new Uint8Array(70_000), utf8ToBytes('hello')]) {
    const verdict = await verifyIntel(bytes, ourOptions())
    expect(verdict).toMatchObject({ status: 'rejected' })
  }
  const cut = makeQuote()
  for (let length = 0; length < cut.length; length += 97)
    expect((await verifyIntel(cut.subarray(0, length), ourOptions())).status).toBe('rejected')
  expect((await verifyIntel(concatBytes(cut, cut), ourOptions())).status).toBe('rejected')
})
