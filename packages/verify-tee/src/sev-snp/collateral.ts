import * as z from 'zod'
import type { TeeErrorCode } from '../errors.ts'
import { Refusal } from '../ledger.ts'
import {
  type Certificate,
  type Crl,
  certificateDers,
  commonName,
  crlDer,
  parseCertificate,
  parseCrl,
} from '../pki/index.ts'
import { encoded, parsePlain } from '../policy/index.ts'
import type { SevSnpCheck } from './checks.ts'
import type { CertificateTable } from './table.ts'
import { readVek, type Vek } from './vek.ts'

/** What AMD's key distribution service (KDS) says about a chip. Each goes before what the evidence carries itself. */
const schema = z
  .strictObject({
    /** The certificate of the VCEK or VLEK. */
    vek: encoded.optional(),
    /** Its issuer's certificate (ASK, ASVK). KDS serves it with the root, which has to be the pinned one. */
    issuer: encoded.optional(),
    /** The root's revocation list. */
    crl: encoded.optional(),
  })
  .readonly()
export type SevSnpCollateral = z.input<typeof schema>

export const checkCollateral = (value: unknown): SevSnpCollateral =>
  value === undefined ? {} : parsePlain(schema, value, 'collateral')

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
  return reading('revocation', 'VS_TEE_CRL', () => parseCrl(crlDer(given, 'crl'), 'crl'))
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
