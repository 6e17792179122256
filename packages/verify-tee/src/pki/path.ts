import { equalBytes } from '../bytes.ts'
import type { TeeErrorCode } from '../errors.ts'
import { dated } from '../moment.ts'
import { type Certificate, commonName, EXTENSION } from './certificate.ts'
import type { PublicKey, SignatureBackend } from './signature/index.ts'

export type PathResult =
  | { readonly ok: true }
  | { readonly ok: false; readonly code: TeeErrorCode; readonly detail: string }

export interface PathOptions {
  /** Unix seconds. */
  readonly at: bigint
  readonly backend: SignatureBackend
  /** The pinned root, from this package's code or the caller; never from the evidence. */
  readonly root: Certificate
  /** Critical extensions that the caller reads himself, by identifier. */
  readonly understood?: readonly string[]
  /** Certificates between leaf and root, at most; default 4. */
  readonly maxIntermediates?: number
}

/**
 * RFC 5280 section 6, for paths whose shape the vendor fixes: `path` is the leaf, then each issuer in order; the root may
 * end it or be left away, and counts only by being the pinned one. Names chain by bytes, every date holds at `at`, every
 * issuer is a CA that may sign certificates within its path length, no critical extension is left unread. Policies and name
 * constraints are not evaluated: a critical one is refused.
 */
export async function verifyPath(path: readonly Certificate[], options: PathOptions): Promise<PathResult> {
  const { root, backend, at } = options
  const refuse = (detail: string, code: TeeErrorCode = 'VS_TEE_CHAIN'): PathResult => ({ ok: false, code, detail })
  const last = path.at(-1)
  if (last === undefined) return refuse('no certificate')
  // An issuer that is the root by name and key ends the path; what counts from here on is the pinned certificate.
  const isRoot = (c: Certificate): boolean => equalBytes(c.subject, root.subject) && equalKeys(c.key, root.key)
  const given = isRoot(last) ? path.slice(0, -1) : path
  if (given.length === 0) return refuse('the root alone')
  if (given.some(isRoot)) return refuse('the root before the end')
  if (given.length - 1 > (options.maxIntermediates ?? 4)) return refuse(`${given.length} certificates before the root`)
  const all = [...given, root]
  const names = all.map(({ subject }, i) => commonName(subject) ?? `certificate ${i}`)
  const understood = new Set<string>([EXTENSION.basicConstraints, EXTENSION.keyUsage, ...(options.understood ?? [])])
  for (const [i, certificate] of all.entries()) {
    const who = names[i]
    if (at < certificate.notBefore || at > certificate.notAfter) {
      const dates = `${dated(certificate.notBefore)} to ${dated(certificate.notAfter)}`
      return refuse(`${who} is valid ${dates}, now ${dated(at)}`, 'VS_TEE_CERTIFICATE_DATE')
    }
    for (const [oid, { critical }] of certificate.extensions)
      if (critical && !understood.has(oid)) return refuse(`${who} has the critical extension ${oid}`)
    if (i === 0) continue
    if (certificate.ca === undefined) return refuse(`${who} is not a CA`)
    // Certificates between this one and the leaf.
    if ((certificate.ca.pathLength ?? Number.POSITIVE_INFINITY) < i - 1) return refuse(`${who} allows a shorter path`)
    if (certificate.keyUsage !== undefined && !certificate.keyUsage.has('keyCertSign'))
      return refuse(`${who} may not sign certificates`)
  }
  for (const [i, certificate] of given.entries()) {
    const issuer = all[i + 1] ?? root
    const who = names[i]
    if (!equalBytes(certificate.issuer, issuer.subject)) return refuse(`${who} names another issuer`)
    if (!(await backend.verify(certificate.algorithm, issuer.key, certificate.tbs, certificate.signature)))
      return refuse(`the signature on ${who} is wrong`)
  }
  return { ok: true }
}

export function equalKeys(a: PublicKey, b: PublicKey): boolean {
  if (a.type === 'ec') return b.type === 'ec' && a.curve === b.curve && equalBytes(a.point, b.point)
  return b.type === 'rsa' && a.exponent === b.exponent && equalBytes(a.modulus, b.modulus)
}
