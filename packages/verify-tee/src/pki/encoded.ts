import { malformed } from '../ledger.ts'
import { decodeBase64, parsePem } from './pem.ts'

/** Certificates and lists as people have them. Bytes are DER or PEM; text is PEM, or the DER in base64. */
export type Encoded = Uint8Array | string

/** Certificates have 2 kB at most, and AMD's lists a handful of entries. */
export const MAX_ENCODED = 1 << 15

/** DER of at most `most` certificates. */
export function certificateDers(given: Encoded, name: string, most: number): Uint8Array[] {
  const text = textOf(given, name, MAX_ENCODED)
  if (typeof text !== 'string') return [text]
  if (text.trimStart().startsWith('-----')) return [...parsePem(text, name, { maxCertificates: most })]
  return [decodeBase64(text.replace(/[\r\n]/g, ''), name)]
}

export function crlDer(given: Encoded, name: string, maxLength = MAX_ENCODED): Uint8Array {
  const text = textOf(given, name, maxLength)
  if (typeof text !== 'string') return text
  const body = /^\s*-----BEGIN X509 CRL-----([A-Za-z0-9+/=\r\n]+)-----END X509 CRL-----\s*$/.exec(text)?.[1] ?? text
  return decodeBase64(body.replace(/[\r\n]/g, ''), name)
}

/** DER stays what it is. */
function textOf(given: Encoded, name: string, maxLength: number): Encoded {
  if (given.length > maxLength) throw malformed(name, `at most ${maxLength} bytes`, `${given.length}`)
  if (typeof given === 'string') return given
  const first = given.find((byte) => byte > 0x20)
  return first === 0x2d ? new TextDecoder('latin1').decode(given) : given
}
