import { hexToBytes } from '@noble/hashes/utils.js'
import { equalBytes } from '../bytes.ts'
import { Refusal } from '../ledger.ts'
import { type Certificate, type Crl, commonName, decodeBase64, parseCertificate, parseCrl } from '../pki/index.ts'
import { type NamedFile, textOf, unusable } from './files.ts'

/** A certificate or list, and the file that it is from. */
export interface From<T> {
  readonly file: string
  readonly value: T
}

export interface PkiFiles {
  readonly certificates: readonly From<Certificate>[]
  readonly crls: readonly From<Crl>[]
  readonly json: readonly (From<Readonly<Record<string, unknown>>> & { readonly text: string })[]
  /** Names of files that are none of these. */
  readonly others: readonly string[]
}

const BLOCK = /-----BEGIN (CERTIFICATE|X509 CRL)-----([A-Za-z0-9+/=\s]+)-----END \1-----/g

/** By contents, whatever the files are called: DER, PEM (percent-encoded too, as Intel's headers are), hexadecimal, base64. */
export function sortFiles(files: readonly NamedFile[]): PkiFiles {
  const certificates: From<Certificate>[] = []
  const crls: From<Crl>[] = []
  const json: PkiFiles['json'][number][] = []
  const others: string[] = []
  const add = (file: string, der: Uint8Array | undefined): boolean => {
    const certificate = der && reading(() => parseCertificate(der, file))
    const crl = certificate === undefined && der ? reading(() => parseCrl(der, file)) : undefined
    if (certificate !== undefined && !certificates.some(({ value }) => equalBytes(value.der, certificate.der)))
      certificates.push({ file, value: certificate })
    if (crl !== undefined && !crls.some(({ value }) => equalBytes(value.der, crl.der))) crls.push({ file, value: crl })
    return certificate !== undefined || crl !== undefined
  }
  for (const { name, bytes } of files) {
    if (add(name, bytes)) continue
    const text = plain(textOf(bytes)?.trim() ?? '')
    const value = text.startsWith('{') ? reading(() => JSON.parse(text) as unknown) : undefined
    if (isObject(value)) json.push({ file: name, value, text })
    else {
      const ders = text.startsWith('-----') ? blocks(text, name) : [encoded(text, name)]
      if (!ders.map((der) => add(name, der)).some(Boolean)) others.push(name)
    }
  }
  return { certificates, crls, json, others }
}

const plain = (text: string): string =>
  /^-----BEGIN%20/.test(text) ? (reading(() => decodeURIComponent(text)) ?? text) : text

const blocks = (text: string, name: string): readonly (Uint8Array | undefined)[] =>
  [...text.matchAll(BLOCK)].map(([, , body = '']) => reading(() => decodeBase64(body.replace(/\s+/g, ''), name)))

function encoded(text: string, name: string): Uint8Array | undefined {
  const joined = text.replace(/\s+/g, '')
  if (/^(?:0x)?(?:[0-9a-fA-F]{2})+$/.test(joined)) return hexToBytes(joined.replace(/^0x/, '').toLowerCase())
  return joined === '' ? undefined : reading(() => decodeBase64(joined, name))
}

/** What can not be read is of another kind. */
function reading<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (error instanceof Refusal || error instanceof SyntaxError || error instanceof URIError) return undefined
    throw error
  }
}

/** The only one of which it holds, or undefined where there is none. Throws `VS_TEE_FILE` where there are several. */
export function onlyOne<T>(list: readonly From<T>[], what: string, holds: (value: T) => boolean): T | undefined {
  const [first, second] = list.filter(({ value }) => holds(value))
  if (first !== undefined && second !== undefined)
    throw unusable(second.file, `is ${what}, and so is ${first.file}: leave one`)
  return first?.value
}

export const nameOf = (certificate: Certificate): string => commonName(certificate.subject) ?? ''
export const isRoot = ({ subject, issuer }: Certificate): boolean => equalBytes(subject, issuer)

/** In lines of 64 characters, the leaf first. */
export function pemOf(certificates: readonly (Certificate | undefined)[]): string {
  const blocks = certificates.flatMap((c) => {
    if (c === undefined) return []
    const lines =
      Buffer.from(c.der)
        .toString('base64')
        .match(/.{1,64}/g) ?? []
    return [['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n')]
  })
  return blocks.join('')
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
