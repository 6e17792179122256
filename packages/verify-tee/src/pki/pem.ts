import { malformed } from '../ledger.ts'

const BLOCK = /-----BEGIN CERTIFICATE-----\r?\n([A-Za-z0-9+/=\r\n]+?)\r?\n-----END CERTIFICATE-----/y
const SPACE = /[ \t\r\n]*/y

/**
 * The certificates of a PEM text (RFC 7468), with white space between them and nothing else; `nul`: one zero byte may end
 * it, as in Intel's quotes. DER.
 */
export function parsePem(
  text: string,
  name: string,
  limits: { readonly maxCertificates: number; readonly nul?: boolean },
): readonly Uint8Array[] {
  const body = limits.nul === true && text.endsWith('\0') ? text.slice(0, -1) : text
  const found: Uint8Array[] = []
  for (let at = skip(body, 0); at < body.length; at = skip(body, at)) {
    BLOCK.lastIndex = at
    const match = BLOCK.exec(body)
    if (match === null) throw malformed(name, 'PEM certificates and nothing else', `other text at ${at}`)
    if (found.length === limits.maxCertificates)
      throw malformed(name, `at most ${limits.maxCertificates} certificates`, 'more')
    found.push(decodeBase64((match[1] ?? '').replace(/[\r\n]/g, ''), name))
    at = BLOCK.lastIndex
  }
  return found
}

function skip(text: string, at: number): number {
  SPACE.lastIndex = at
  SPACE.exec(text)
  return SPACE.lastIndex
}

/** RFC 4648 section 4, padded, one text for one value. */
export function decodeBase64(text: string, name: string): Uint8Array {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) throw malformed(name, 'base64', 'other text')
  const binary = atob(text)
  const bytes = new Uint8Array(binary.length)
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i)
  const unused = text.endsWith('==') ? 4 : text.endsWith('=') ? 2 : 0
  const last = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'.indexOf(
    text.replace(/=+$/, '').at(-1) ?? 'A',
  )
  if ((last & ((1 << unused) - 1)) !== 0) throw malformed(name, 'base64 without spare bits', 'other text')
  return bytes
}
