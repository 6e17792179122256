import { fail, type TeeErrorCode } from '../errors.ts'
import { Refusal } from '../ledger.ts'
import {
  type Certificate,
  type Crl,
  commonName,
  decodeBase64,
  parseCertificate,
  parseCrl,
  parsePem,
} from '../pki/index.ts'
import type { SevSnpCheck } from './checks.ts'
import type { CertificateTable } from './table.ts'
import { readVek, type Vek } from './vek.ts'

/** Bytes are DER or PEM; text is PEM or the DER in base64. */
export type Encoded = Uint8Array | string

/** What AMD's key distribution service (KDS) says about a chip. Each goes before what the evidence carries itself. */
export interface SevSnpCollateral {
  /** The certificate of the VCEK or VLEK. */
  readonly vek?: Encoded
  /** Its issuer's certificate (ASK, ASVK). KDS serves it with the root, which has to be the pinned one. */
  readonly issuer?: Encoded
  /** The root's revocation list. */
  readonly crl?: Encoded
}

/** AMD's lists have a handful of entries, and its certificates 1.7 kB. */
export const MAX_COLLATERAL_BYTES = 1 << 15
const FIELDS = ['vek', 'issuer', 'crl']

/** Of the right form, and a copy: nobody changes it while it is judged. */
export function checkCollateral(value: unknown): SevSnpCollateral {
  const refuse = (field: string, expected: string): Error =>
    fail('VS_TEE_INVALID_OPTION', { details: { field: `collateral${field}`, expected } })
  if (value === undefined) return {}
  if (typeof value !== 'object' || value === null) throw refuse('', 'an object')
  const copy: Partial<Record<string, Encoded>> = {}
  for (const [key, part] of Object.entries(value)) {
    if (!FIELDS.includes(key)) throw refuse(`.${key}`, `one of ${FIELDS.join(', ')}`)
    if (part === undefined) continue
    if (typeof part !== 'string' && !(part instanceof Uint8Array)) throw refuse(`.${key}`, 'bytes or text')
    copy[key] = typeof part === 'string' ? part : new Uint8Array(part)
  }
  return copy
}

export interface Certificates {
  readonly vek: Vek
  readonly issuer: Certificate
  /** The root as it was given, if it was. */
  readonly root?: Certificate
}

/** What is there of `collateral` and, behind it, of the evidence's table. */
export function chooseVek(
  collateral: SevSnpCollateral,
  table: CertificateTable,
  kind: 'vcek' | 'vlek',
): Vek | undefined {
  const given = collateral.vek ?? table[kind]
  if (given === undefined) return undefined
  return reading('certificates', 'VS_TEE_COLLATERAL', () => {
    const [der, ...more] = certificateDers(given, 'vek', 1)
    if (der === undefined || more.length > 0) throw damaged('vek: expected one certificate')
    return readVek(parseCertificate(der, 'vek'))
  })
}

export function chooseIssuer(
  collateral: SevSnpCollateral,
  table: CertificateTable,
): Omit<Certificates, 'vek'> | undefined {
  const given = collateral.issuer ?? table.ask
  if (given === undefined) return undefined
  return reading('certificates', 'VS_TEE_COLLATERAL', () => {
    const chain = certificateDers(given, 'issuer', 2)
    if (collateral.issuer === undefined && table.ark !== undefined) chain.push(...certificateDers(table.ark, 'root', 1))
    const [issuer, root, ...more] = chain.map((der, i) => parseCertificate(der, i === 0 ? 'issuer' : 'root'))
    if (issuer === undefined || more.length > 0) throw damaged('issuer: expected a certificate, and its root')
    if (commonName(issuer.subject) === undefined) throw damaged('issuer: expected a certificate with a common name')
    return root === undefined ? { issuer } : { issuer, root }
  })
}

export function chooseCrl(collateral: SevSnpCollateral, table: CertificateTable): Crl | undefined {
  const given = collateral.crl ?? table.crl
  if (given === undefined) return undefined
  return reading('revocation', 'VS_TEE_CRL', () => parseCrl(crlDer(given), 'crl'))
}

/** Of a root that the caller gives: what is wrong with it is the caller's. */
export function readRoot(given: Encoded): Certificate {
  try {
    const own = given instanceof Uint8Array ? new Uint8Array(given) : given
    const [der, ...more] = certificateDers(own, 'root', 1)
    if (der !== undefined && more.length === 0) return parseCertificate(der, 'root')
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
  }
  throw fail('VS_TEE_INVALID_OPTION', { details: { field: 'root', expected: 'one X.509 certificate, DER or PEM' } })
}

export function crlDer(given: Encoded): Uint8Array {
  const text = textOf(given, 'crl')
  if (text === undefined) return given instanceof Uint8Array ? given : new Uint8Array()
  const body = /^\s*-----BEGIN X509 CRL-----([A-Za-z0-9+/=\r\n]+)-----END X509 CRL-----\s*$/.exec(text)?.[1] ?? text
  return decodeBase64(body.replace(/[\r\n]/g, ''), 'crl')
}

/** DER of at most `most` certificates. */
export function certificateDers(given: Encoded, name: string, most: number): Uint8Array[] {
  const text = textOf(given, name)
  if (text === undefined) return given instanceof Uint8Array ? [given] : []
  if (text.trimStart().startsWith('-----')) return [...parsePem(text, name, { maxCertificates: most })]
  return [decodeBase64(text.replace(/[\r\n]/g, ''), name)]
}

/** Absent for DER. */
function textOf(given: Encoded, name: string): string | undefined {
  if (given.length > MAX_COLLATERAL_BYTES)
    throw damaged(`${name}: expected at most ${MAX_COLLATERAL_BYTES} bytes, got ${given.length}`)
  if (typeof given === 'string') return given
  return given[0] === 0x2d ? new TextDecoder('latin1').decode(given) : undefined
}

const damaged = (detail: string): Refusal => new Refusal('certificates', 'VS_TEE_COLLATERAL', detail)

/** What can not be read there is a fault of that part, not of the report. */
function reading<T>(check: SevSnpCheck, code: TeeErrorCode, read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw error instanceof Refusal ? new Refusal(check, code, error.detail) : error
  }
}
