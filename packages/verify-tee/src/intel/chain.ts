import { equalBytes } from '../bytes.ts'
import { malformed } from '../ledger.ts'
import { type Certificate, decodeBase64, equalKeys, parseCertificate, verifyPath } from '../pki/index.ts'
import type { PathOptions, PathResult } from '../pki/path.ts'
import { Recent } from '../recent.ts'

const BEGIN = '-----BEGIN CERTIFICATE-----'
const END = '-----END CERTIFICATE-----'
/** As Intel's services and Fortanix's provider library write them. */
const LINES = [64, 76]
const MAX_CERTIFICATES = 3

/**
 * Issuers as they were read before, by their text. Nothing is believed of them: Intel has a handful, and what is known of the
 * key of an object that stays (see the backends) need not be worked out again.
 */
const issuers = new Recent<Certificate>(32)

/**
 * The certificates of a PEM text: lines of 64 or 76 characters, one line end throughout, which also ends the text,
 * and nothing between the blocks. In quotes (`within: 'quote'`), whose lengths are fixed elsewhere, one zero byte may follow, or
 * the last line end may be missing, and the root may stand before the CA. But for these, nothing can be put into it without the
 * verdict noticing.
 */
export function readChain(text: string, name: string, within: 'quote' | 'collateral'): readonly Certificate[] {
  const end = text.includes('\r\n') ? '\r\n' : '\n'
  const found = blocksOf(text, end, name, within === 'quote').map((block, i) => {
    const read = () => parseCertificate(decodeBase64(joinLines(block, end, name), name), `${name}[${i}]`)
    // The first is the platform's: one of many.
    if (within === 'quote' && i === 0) return read()
    // With the line end: the lines of another text are not those of this one.
    const key = end + block
    const known = issuers.get(key)
    if (known !== undefined) return known
    const certificate = read()
    issuers.set(key, certificate)
    return certificate
  })
  return within === 'quote' ? inOrder(found) : found
}

/** Leaf, CA, root: Fortanix's provider library wrote the root, which is its own issuer, before the CA. */
function inOrder(chain: readonly Certificate[]): readonly Certificate[] {
  const [leaf, second, third] = chain
  if (leaf === undefined || second === undefined || third === undefined) return chain
  return isOwnIssuer(second) && !isOwnIssuer(third) ? [leaf, third, second] : chain
}

const isOwnIssuer = ({ issuer, subject }: Certificate): boolean => equalBytes(issuer, subject)

/** What is between the lines that begin and end a certificate. */
function blocksOf(text: string, end: string, name: string, inQuote: boolean): readonly string[] {
  const refuse = (got: string) =>
    malformed(name, 'PEM certificates in lines of 64 or 76 characters and nothing else', got)
  const closed = `${end}${END}`
  const whole = inQuote && text.endsWith(`${end}\0`) ? text.slice(0, -1) : text
  const body = inQuote && whole.endsWith(closed) ? whole + end : whole
  const [before, ...parts] = body.split(`${BEGIN}${end}`)
  if (before !== '') throw refuse('other text before them')
  if (parts.length > MAX_CERTIFICATES) throw refuse(`${parts.length} certificates`)
  return parts.map((part, i) => {
    if (!part.endsWith(closed + end)) throw refuse(`other text in or after certificate ${i}`)
    return part.slice(0, -(closed + end).length)
  })
}

function joinLines(block: string, end: string, name: string): string {
  const lines = block.split(end)
  const [width = 0, last = 0] = [lines[0]?.length, lines.at(-1)?.length]
  if (!LINES.includes(width) || last === 0 || last > width || lines.slice(0, -1).some((line) => line.length !== width))
    throw malformed(name, 'lines of 64 or 76 characters', 'other lines')
  return lines.join('')
}

/**
 * A path to the pinned root. A certificate that has the root's name has to be the root, byte by byte, or one that the root made
 * out to itself at another time: Intel's of 2018 was to end in 2033, and stands in quotes of 2020.
 */
export async function verifyChain(chain: readonly Certificate[], options: PathOptions): Promise<PathResult> {
  const { root } = options
  for (const certificate of chain)
    if (equalBytes(certificate.subject, root.subject) && !(await isRoot(certificate, options)))
      return { ok: false, code: 'VS_TEE_CHAIN', detail: 'the root in the chain is not the pinned one' }
  return verifyPath(chain, options)
}

async function isRoot(certificate: Certificate, { root, backend }: PathOptions): Promise<boolean> {
  if (equalBytes(certificate.der, root.der)) return true
  const { issuer, algorithm, key, tbs, signature } = certificate
  return (
    equalBytes(issuer, root.subject) &&
    equalKeys(key, root.key) &&
    (await backend.verify(algorithm, root.key, tbs, signature))
  )
}

export const equalChains = (a: readonly Certificate[], b: readonly Certificate[]): boolean =>
  a.length === b.length && a.every(({ der }, i) => equalBytes(der, b[i]?.der ?? new Uint8Array(0)))
