/*
 * Answers of the Online Certificate Status Protocol (RFC 6960): the way in which NVIDIA tells that a device is held or revoked.
 */
import { sha1 } from '@noble/hashes/legacy.js'
import { sha256, sha384 } from '@noble/hashes/sha2.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import { equalBytes } from '../bytes.ts'
import { malformed } from '../ledger.ts'
import { dated } from '../moment.ts'
import {
  type Certificate,
  children,
  type Der,
  DerFields,
  derOctets,
  derOid,
  derSmall,
  derTime,
  derUnsigned,
  parseCertificate,
  parseDer,
  type SignatureAlgorithm,
  type SignatureBackend,
  signatureAlgorithm,
  signedWith,
  TAG,
  verifyPath,
} from '../pki/index.ts'

export const MAX_OCSP_BYTES = 16_384
/** NVIDIA answers about one certificate at a time; a chain has six at most. */
const MAX_SINGLES = 8
/** The responder's, and its issuer's. */
const MAX_RESPONDERS = 4
const BASIC_RESPONSE = '1.3.6.1.5.5.7.48.1.1'
const EXTENDED_KEY_USAGE = '2.5.29.37'
const OCSP_SIGNING = '1.3.6.1.5.5.7.3.9'
const HASHES: Readonly<Record<string, (bytes: Uint8Array) => Uint8Array>> = {
  '1.3.14.3.2.26': sha1,
  '2.16.840.1.101.3.4.2.1': sha256,
  '2.16.840.1.101.3.4.2.2': sha384,
}

interface SingleAnswer {
  readonly nameHash: Uint8Array
  readonly keyHash: Uint8Array
  readonly hash: (bytes: Uint8Array) => Uint8Array
  /** Lower-case hexadecimal. */
  readonly serial: string
  readonly status: 'good' | 'revoked' | 'unknown'
  /** Unix seconds. */
  readonly thisUpdate: bigint
  readonly nextUpdate: bigint
}

export interface OcspAnswer {
  readonly responder: { readonly name: Uint8Array } | { readonly keyHash: Uint8Array }
  readonly answers: readonly SingleAnswer[]
  readonly certificates: readonly Certificate[]
  readonly tbs: Uint8Array
  readonly algorithm: SignatureAlgorithm
  readonly signature: Uint8Array
}

/** A successful basic response. An answer without a date of the next one is refused: nobody could tell that it is old. */
export function parseOcsp(der: Uint8Array, name: string): OcspAnswer {
  if (der.length > MAX_OCSP_BYTES) throw malformed(name, `at most ${MAX_OCSP_BYTES} bytes`, `${der.length}`)
  const outer = new DerFields(parseDer(der, name), name)
  const status = derSmall(outer.next('responseStatus'), `${name}.responseStatus`, 255, TAG.enumerated)
  if (status !== 0) throw malformed(`${name}.responseStatus`, 'successful (0)', `${status}`)
  const body = new DerFields(explicit(outer.next('responseBytes', 0xa0), 0xa0, name), name)
  outer.end()
  const type = derOid(body.next('responseType'), name)
  if (type !== BASIC_RESPONSE) throw malformed(`${name}.responseType`, BASIC_RESPONSE, type)
  const basic = new DerFields(parseDer(derOctets(body.next('response'), name), name), name)
  body.end()
  const data = basic.next('tbsResponseData', TAG.sequence)
  const known = signatureAlgorithm(basic.next('signatureAlgorithm'), `${name}.signatureAlgorithm`)
  const { algorithm, signature } = signedWith(known, basic.next('signature'), `${name}.signature`)
  const certs = basic.optional(0xa0)
  basic.end()
  const responders = certs === undefined ? [] : children(explicit(certs, 0xa0, name), name)
  if (responders.length > MAX_RESPONDERS)
    throw malformed(`${name}.certs`, `at most ${MAX_RESPONDERS} certificates`, `${responders.length}`)
  const certificates = responders.map(({ raw }, i) => parseCertificate(raw, `${name}.certs.${i}`))
  const fields = new DerFields(data, name)
  const responder = responderId(fields.next('responderID'), name)
  derTime(fields.next('producedAt', TAG.generalizedTime), `${name}.producedAt`)
  const singles = children(fields.next('responses'), name)
  if (singles.length > MAX_SINGLES)
    throw malformed(`${name}.responses`, `at most ${MAX_SINGLES} certificates`, `${singles.length}`)
  const answers = singles.map((single) => parseSingle(single, `${name}.responses`))
  refuseCritical(fields.optional(0xa1), name)
  fields.end()
  return { responder, answers, certificates, tbs: data.raw, algorithm, signature }
}

function explicit(value: Der, tag: number, name: string): Der {
  const [inner, ...more] = children(value, name, tag)
  if (inner === undefined || more.length > 0) throw malformed(name, 'one value', `${more.length}`)
  return inner
}

function responderId(value: Der, name: string): OcspAnswer['responder'] {
  if (value.tag === 0xa1) return { name: explicit(value, 0xa1, name).raw }
  return { keyHash: derOctets(explicit(value, 0xa2, name), `${name}.responderID`) }
}

function parseSingle(value: Der, name: string): SingleAnswer {
  const fields = new DerFields(value, name)
  const id = new DerFields(fields.next('certID'), name)
  const algorithm = new DerFields(id.next('hashAlgorithm'), name)
  const oid = derOid(algorithm.next('algorithm'), name)
  algorithm.optional(TAG.null)
  algorithm.end()
  const hash = Object.hasOwn(HASHES, oid) ? HASHES[oid] : undefined
  if (hash === undefined) throw malformed(`${name}.hashAlgorithm`, 'SHA-1, SHA-256 or SHA-384', oid)
  const nameHash = derOctets(id.next('issuerNameHash'), name)
  const keyHash = derOctets(id.next('issuerKeyHash'), name)
  const serial = bytesToHex(derUnsigned(id.next('serialNumber'), `${name}.serialNumber`))
  id.end()
  const status = statusOf(fields.next('certStatus'), name)
  const thisUpdate = derTime(fields.next('thisUpdate', TAG.generalizedTime), `${name}.thisUpdate`)
  const next = explicit(fields.next('nextUpdate', 0xa0), 0xa0, name)
  const nextUpdate = derTime(next, `${name}.nextUpdate`)
  refuseCritical(fields.optional(0xa1), name)
  fields.end()
  return { nameHash, keyHash, hash, serial, status, thisUpdate, nextUpdate }
}

function statusOf({ tag, content }: Der, name: string): SingleAnswer['status'] {
  if (tag === 0xa1) return 'revoked'
  if ((tag !== 0x80 && tag !== 0x82) || content.length > 0)
    throw malformed(`${name}.certStatus`, 'a status', `tag ${tag}`)
  return tag === 0x80 ? 'good' : 'unknown'
}

/** The nonce of whoever fetched it is for them to compare; a critical extension could change what the answer means. */
function refuseCritical(list: Der | undefined, name: string): void {
  if (list === undefined) return
  for (const entry of children(explicit(list, 0xa1, name), name))
    if (children(entry, name)[1]?.tag === TAG.boolean) throw malformed(name, 'no critical extension', 'one')
}

/** What an answer says of one certificate: as often as it does. */
interface Said {
  readonly answer: OcspAnswer
  readonly singles: readonly SingleAnswer[]
}

/** Those of the answers that say something of `subject`, whoever gave them. */
export function saidOf(answers: readonly OcspAnswer[], subject: Certificate, issuer: Certificate): readonly Said[] {
  const isOfIt = ({ hash, nameHash, keyHash, serial }: SingleAnswer): boolean =>
    serial === subject.serial &&
    equalBytes(nameHash, hash(issuer.subject)) &&
    issuer.key.type === 'ec' &&
    equalBytes(keyHash, hash(issuer.key.point))
  return answers
    .map((answer) => ({ answer, singles: answer.answers.filter(isOfIt) }))
    .filter(({ singles }) => singles.length > 0)
}

export type Status = { readonly status: 'good' | 'revoked' } | { readonly status: 'bad'; readonly detail: string }

/** What the status is by that, if it is the issuer's word at `at` (Unix seconds). */
export async function statusBy(
  { answer, singles }: Said,
  issuer: Certificate,
  at: bigint,
  backend: SignatureBackend,
): Promise<Status> {
  const bad = (detail: string): Status => ({ status: 'bad', detail })
  const [single, ...others] = singles
  if (single === undefined || others.length > 0) return bad('it says two things of one certificate')
  const signer = [issuer, ...answer.certificates].find((certificate) => answersAs(answer, certificate))
  if (signer === undefined) return bad('the responder is not among the certificates of the answer')
  if (signer !== issuer) {
    if (!signsAnswers(signer)) return bad('the responder may not sign OCSP answers')
    const path = await verifyPath([signer], {
      at,
      backend,
      root: issuer,
      understood: [EXTENDED_KEY_USAGE],
      maxIntermediates: 0,
    })
    if (!path.ok) return bad(`the responder: ${path.detail}`)
  }
  if (!(await backend.verify(answer.algorithm, signer.key, answer.tbs, answer.signature)))
    return bad("the answer's signature is wrong")
  if (at < single.thisUpdate || at > single.nextUpdate)
    return bad(`the answer is of ${dated(single.thisUpdate)} to ${dated(single.nextUpdate)}, now ${dated(at)}`)
  return single.status === 'unknown' ? bad('the responder does not know it') : { status: single.status }
}

function answersAs({ responder }: OcspAnswer, certificate: Certificate): boolean {
  if ('name' in responder) return equalBytes(responder.name, certificate.subject)
  return certificate.key.type === 'ec' && equalBytes(responder.keyHash, sha1(certificate.key.point))
}

/** RFC 6960 section 4.2.2.2: the issuer made it for this. */
function signsAnswers(certificate: Certificate): boolean {
  const usage = certificate.extensions.get(EXTENDED_KEY_USAGE)
  if (usage === undefined || certificate.keyUsage?.has('digitalSignature') === false) return false
  return children(parseDer(usage.value, 'ocsp.extKeyUsage'), 'ocsp.extKeyUsage').some(
    (oid) => derOid(oid, 'ocsp.extKeyUsage') === OCSP_SIGNING,
  )
}
