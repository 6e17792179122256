import { equalBytes } from '../bytes.ts'
import { malformed } from '../ledger.ts'
import { type Certificate, parseCertificate, parsePem, verifyPath } from '../pki/index.ts'
import type { PathOptions, PathResult } from '../pki/path.ts'

const LINE = 64

/**
 * The certificates of a PEM text in its one spelling: lines of 64 characters, one line end throughout, which also ends the text,
 * and nothing between the blocks. In quotes (`within: 'quote'`), whose lengths are fixed elsewhere, one zero byte may follow, or
 * the last line end may be missing. Nothing in a quote or collateral can then be changed without the verdict noticing.
 */
export function readChain(text: string, name: string, within: 'quote' | 'collateral'): readonly Certificate[] {
  const inQuote = within === 'quote'
  const ders = parsePem(text, name, { maxCertificates: 3, nul: inQuote })
  const end = text.includes('\r\n') ? '\r\n' : '\n'
  const blocks = ders.map((der) => block(der, end)).join(end)
  const spellings = inQuote ? [`${blocks}${end}\0`, blocks + end, blocks] : [blocks + end]
  if (!spellings.includes(text)) throw malformed(name, 'PEM in lines of 64 characters', 'other lines')
  return ders.map((der, i) => parseCertificate(der, `${name}[${i}]`))
}

function block(der: Uint8Array, end: string): string {
  let binary = ''
  for (const byte of der) binary += String.fromCharCode(byte)
  const base64 = btoa(binary)
  const lines = ['-----BEGIN CERTIFICATE-----']
  for (let at = 0; at < base64.length; at += LINE) lines.push(base64.slice(at, at + LINE))
  return [...lines, '-----END CERTIFICATE-----'].join(end)
}

/** A path to the pinned root. A certificate that has the root's name has to be the root, byte by byte. */
export async function verifyChain(chain: readonly Certificate[], options: PathOptions): Promise<PathResult> {
  const { root } = options
  const other = chain.find((c) => equalBytes(c.subject, root.subject) && !equalBytes(c.der, root.der))
  if (other !== undefined)
    return { ok: false, code: 'VS_TEE_CHAIN', detail: 'the root in the chain is not the pinned one' }
  return verifyPath(chain, options)
}

export const equalChains = (a: readonly Certificate[], b: readonly Certificate[]): boolean =>
  a.length === b.length && a.every(({ der }, i) => equalBytes(der, b[i]?.der ?? new Uint8Array(0)))
