import { bytesToHex } from '@noble/hashes/utils.js'
import { equalBytes } from '../bytes.ts'
import { malformed } from '../ledger.ts'
import { dated } from '../moment.ts'
import { signatureAlgorithm } from './algorithm.ts'
import { type Certificate, type Extension, extensionList, readExtensions, signedWith } from './certificate.ts'
import { type Der, DerFields, derSmall, derTime, derUnsigned, parseDer, TAG } from './der.ts'
import type { PathResult } from './path.ts'
import type { SignatureAlgorithm, SignatureBackend } from './signature/index.ts'

/** A certificate revocation list of version 2 (RFC 5280 section 5). Times are Unix seconds. */
export interface Crl {
  readonly der: Uint8Array
  readonly tbs: Uint8Array
  readonly issuer: Uint8Array
  readonly thisUpdate: bigint
  readonly nextUpdate: bigint
  /** Serial numbers, lower-case hexadecimal. */
  readonly revoked: ReadonlySet<string>
  readonly extensions: ReadonlyMap<string, Extension>
  readonly algorithm: SignatureAlgorithm
  readonly signature: Uint8Array
}

export const MAX_CRL_BYTES = 1 << 20

/** A list without a date of the next one is refused: nobody could tell that it is old. */
export function parseCrl(der: Uint8Array, name: string): Crl {
  if (der.length > MAX_CRL_BYTES) throw malformed(name, `at most ${MAX_CRL_BYTES} bytes`, `${der.length}`)
  const outer = new DerFields(parseDer(der, name), name)
  const tbs = outer.next('tbsCertList', TAG.sequence)
  const algorithmField = outer.next('signatureAlgorithm')
  const known = signatureAlgorithm(algorithmField, `${name}.signatureAlgorithm`)
  const { algorithm, signature } = signedWith(known, outer.next('signature'), `${name}.signature`)
  outer.end()

  const fields = new DerFields(tbs, name)
  const version = derSmall(fields.next('version'), `${name}.version`, 1)
  if (version !== 1) throw malformed(`${name}.version`, 'version 2', `${version + 1}`)
  if (!equalBytes(fields.next('signature').raw, algorithmField.raw))
    throw malformed(`${name}.signatureAlgorithm`, 'the algorithm that is signed', 'another')
  const issuer = fields.next('issuer', TAG.sequence).raw
  const thisUpdate = derTime(fields.next('thisUpdate'), `${name}.thisUpdate`)
  const nextUpdate = derTime(fields.next('nextUpdate'), `${name}.nextUpdate`)
  const list = fields.optional(TAG.sequence)
  const extra = fields.optional(0xa0)
  fields.end()
  const extensions =
    extra === undefined ? new Map<string, Extension>() : readExtensions(extra, 0xa0, `${name}.extensions`)
  refuseCritical(extensions, name)
  const revoked = list === undefined ? new Set<string>() : readRevoked(list, name)
  return { der, tbs: tbs.raw, issuer, thisUpdate, nextUpdate, revoked, extensions, algorithm, signature }
}

function readRevoked(list: Der, name: string): ReadonlySet<string> {
  const field = `${name}.revoked`
  const revoked = new Set<string>()
  for (const entries = new DerFields(list, field); entries.more; ) {
    const row = new DerFields(entries.next('entry'), field)
    revoked.add(bytesToHex(derUnsigned(row.next('serial'), field)))
    derTime(row.next('date'), field)
    const about = row.optional(TAG.sequence)
    row.end()
    // A critical one (the issuer of an indirect list) would change what the entry means.
    if (about !== undefined) refuseCritical(extensionList(about, field), name)
  }
  return revoked
}

function refuseCritical(extensions: ReadonlyMap<string, Extension>, name: string): void {
  for (const [oid, { critical }] of extensions) if (critical) throw malformed(name, 'no critical extension', oid)
}

/** Whether `crl` is its issuer's word at `at` (Unix seconds). */
export async function verifyCrl(
  crl: Crl,
  issuer: Certificate,
  at: bigint,
  backend: SignatureBackend,
): Promise<PathResult> {
  const refuse = (detail: string): PathResult => ({ ok: false, code: 'VS_TEE_CRL', detail })
  if (!equalBytes(crl.issuer, issuer.subject)) return refuse('the list is of another issuer')
  if (issuer.keyUsage !== undefined && !issuer.keyUsage.has('cRLSign'))
    return refuse("the issuer's key is not for revocation lists")
  if (at < crl.thisUpdate)
    return refuse(`the list is from the future: thisUpdate ${dated(crl.thisUpdate)}, now ${dated(at)}`)
  if (at > crl.nextUpdate)
    return refuse(`the list is out of date: nextUpdate ${dated(crl.nextUpdate)}, now ${dated(at)}`)
  if (!(await backend.verify(crl.algorithm, issuer.key, crl.tbs, crl.signature)))
    return refuse("the list's signature is wrong")
  return { ok: true }
}
