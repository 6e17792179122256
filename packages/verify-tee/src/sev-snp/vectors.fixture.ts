import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { commonName, decodeBase64, parseCertificate, parsePem } from '../pki/index.ts'

/** Beside the project. Tests and benchmarks run in the project's root. */
const FOLDER = resolve('../shared/vectors/tee/sevsnp')

export const vectorsPresent = existsSync(join(FOLDER, 'index.json'))

interface Row {
  readonly file: string
  readonly kind: string
  readonly vek?: string
  readonly expect?: string
  readonly observed?: Readonly<Record<string, unknown>> & { readonly vf?: string; readonly vt?: string }
}

const rows = (): readonly Row[] =>
  vectorsPresent ? (JSON.parse(readFileSync(join(FOLDER, 'index.json'), 'utf8')) as readonly Row[]) : []

export const file = (name: string): Uint8Array => new Uint8Array(readFileSync(join(FOLDER, name)))

const certificates = (name: string): readonly Uint8Array[] => {
  const bytes = file(name)
  return bytes[0] === 0x2d ? parsePem(new TextDecoder('latin1').decode(bytes), name, { maxCertificates: 4 }) : [bytes]
}

const seconds = (date: string): bigint => BigInt(Date.parse(date)) / 1000n

export interface Vector {
  readonly name: string
  readonly report: Uint8Array
  readonly vek: Uint8Array
  readonly issuer: Uint8Array
  readonly from: bigint
  readonly to: bigint
  readonly observed: Readonly<Record<string, unknown>>
}

/** Every report that has an endorsement key, with the issuer that its certificate names. */
export function vectors(): readonly Vector[] {
  const ders = new Map<string, Uint8Array>()
  for (const { kind, file: name } of rows())
    if (kind === 'certificate')
      for (const der of certificates(name)) ders.set(commonName(parseCertificate(der, name).subject) ?? name, der)
  return rows().flatMap((row) => {
    if (row.kind !== 'snp-report' || row.vek === undefined) return []
    const vek = certificates(row.vek)[0] ?? new Uint8Array()
    const issuer = ders.get(commonName(parseCertificate(vek, row.vek).issuer) ?? '') ?? new Uint8Array()
    const { vf = '', vt = '' } = row.observed ?? {}
    const [from, to] = [seconds(vf), seconds(vt)]
    return [{ name: row.file, report: file(row.file), vek, issuer, from, to, observed: row.observed ?? {} }]
  })
}

/** Every certificate there is, by the common name of its subject. */
export const certificatesOf = (subject: RegExp): readonly { readonly name: string; readonly der: Uint8Array }[] =>
  rows()
    .filter(({ kind }) => kind === 'certificate')
    .flatMap(({ file: name }) => certificates(name).map((der) => ({ name, der })))
    .filter(({ der, name }) => subject.test(commonName(parseCertificate(der, name).subject) ?? ''))

export const fromBase64 = (text: string): Uint8Array => decodeBase64(text, 'test')
