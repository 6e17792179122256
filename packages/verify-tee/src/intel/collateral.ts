import { utf8ToBytes } from '@noble/hashes/utils.js'
import * as z from 'zod'
import { readHex } from '../bytes.ts'
import type { TeeErrorCode } from '../errors.ts'
import { malformed, Refusal } from '../ledger.ts'
import { type Certificate, type Crl, decodeBase64, parseCrl } from '../pki/index.ts'
import { FOR_PEOPLE, faultOf } from '../policy/index.ts'
import { readChain } from './chain.ts'
import type { IntelCheck } from './checks.ts'

/** Ten times what Intel's services send. */
const MAX_TEXT = 1 << 18
const MAX_CHAIN = 1 << 14

/** `:"…"}` */
const SIGNATURE_END = 128 + 4

const text = (maximum: number) => z.string().max(maximum)

/**
 * What Intel's services (PCS, or a PCCS of one's own) say of a platform, as they say it: plain strings, nothing decoded.
 * `@phala/dcap-qvl` writes the same form.
 */
const schema = z.strictObject({
  /** The TCB info body, or the whole response `{"tcbInfo":…,"signature":"…"}`. */
  tcb_info: text(MAX_TEXT),
  /** 64 bytes in lower-case hexadecimal; left away where `tcb_info` is the whole response. */
  tcb_info_signature: text(128).optional(),
  /** PEM: the signer, then the root. */
  tcb_info_issuer_chain: text(MAX_CHAIN),
  /** The identity body, or the whole response `{"enclaveIdentity":…,"signature":"…"}`. */
  qe_identity: text(MAX_TEXT),
  qe_identity_signature: text(128).optional(),
  qe_identity_issuer_chain: text(MAX_CHAIN),
  /** DER in lower-case hexadecimal or base64. */
  root_ca_crl: text(MAX_TEXT),
  pck_crl: text(MAX_TEXT),
  /** PEM: the CA of the PCK certificate, then the root. May be left away or empty: the CA in the quote is what counts. */
  pck_crl_issuer_chain: text(MAX_CHAIN).optional(),
  /** May be left away; where it is there, it has to be the chain in the quote, and may end as it does there. */
  pck_certificate_chain: text(MAX_CHAIN).nullish(),
})

export type IntelCollateral = z.infer<typeof schema>

const FIELDS = schema.keyof().options

export interface Signed {
  readonly body: string
  /** What was signed: the bytes of the body as they stand. */
  readonly bytes: Uint8Array
  readonly signature: Uint8Array
  readonly chain: readonly Certificate[]
}

/** Read, and not yet believed. */
export interface DecodedCollateral {
  readonly tcbInfo: Signed
  readonly qeIdentity: Signed
  readonly rootCrl: Crl
  readonly pckCrl: Crl
  /** Empty where the collateral leaves it away. */
  readonly pckCrlChain: readonly Certificate[]
  readonly pckChain: readonly Certificate[]
}

/** What was given, and what it says. */
export interface ReadCollateral {
  readonly given: IntelCollateral
  readonly decoded: DecodedCollateral
}

/** What is in `known`, word by word, is not read again. */
export function readCollateral(value: unknown, known: { get(id: string): ReadCollateral | undefined }): ReadCollateral {
  const given = fieldsOf(value)
  const before = known.get(idOf(given))
  const same = before !== undefined && FIELDS.every((field) => before.given[field] === given[field])
  return same ? before : { given, decoded: decode(given) }
}

/** Short, and seldom that of other collateral: the signature of the TCB info, which a whole response ends with. */
export const idOf = ({ tcb_info, tcb_info_signature }: IntelCollateral): string =>
  tcb_info_signature ?? tcb_info.slice(-SIGNATURE_END)

export const decodeCollateral = (value: unknown): DecodedCollateral => decode(fieldsOf(value))

function fieldsOf(value: unknown): IntelCollateral {
  return within('collateral', 'VS_TEE_COLLATERAL', () => {
    const result = schema.safeParse(value, FOR_PEOPLE)
    if (result.success) return result.data
    const { path, expected, got } = faultOf(result.error)
    const wrong = malformed(['collateral', ...path].join('.'), expected, got)
    const [list] = path
    const check = list === 'root_ca_crl' ? 'root-crl' : list === 'pck_crl' ? 'pck-crl' : undefined
    throw check === undefined ? wrong : new Refusal(check, 'VS_TEE_CRL', wrong.detail)
  })
}

function decode(given: IntelCollateral): DecodedCollateral {
  return {
    tcbInfo: within('tcb-info-form', 'VS_TEE_COLLATERAL', () =>
      signed(given.tcb_info, 'tcbInfo', given.tcb_info_signature, given.tcb_info_issuer_chain, 'tcb_info'),
    ),
    qeIdentity: within('qe-identity-form', 'VS_TEE_COLLATERAL', () =>
      signed(
        given.qe_identity,
        'enclaveIdentity',
        given.qe_identity_signature,
        given.qe_identity_issuer_chain,
        'qe_identity',
      ),
    ),
    rootCrl: within('root-crl', 'VS_TEE_CRL', () => parseCrl(binary(given.root_ca_crl, 'root_ca_crl'), 'root_ca_crl')),
    pckCrl: within('pck-crl', 'VS_TEE_CRL', () => parseCrl(binary(given.pck_crl, 'pck_crl'), 'pck_crl')),
    pckChain: within('collateral', 'VS_TEE_COLLATERAL', () =>
      unlessEmpty(given.pck_certificate_chain, (pem) => readChain(pem, 'pck_certificate_chain', 'quote')),
    ),
    pckCrlChain: within('pck-crl', 'VS_TEE_CRL', () =>
      unlessEmpty(given.pck_crl_issuer_chain, (pem) => issuers(pem, 'pck_crl_issuer_chain')),
    ),
  }
}

/** Refusals of a parser become those of a check. */
export function within<T>(check: IntelCheck, code: TeeErrorCode, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof Refusal && error.check === 'form') throw new Refusal(check, code, error.detail)
    throw error
  }
}

function signed(given: string, member: string, signature: string | undefined, pem: string, field: string): Signed {
  const { body, signature: inside } = unwrap(given, member, field)
  const outside = inside ?? signature
  if (outside === undefined || (inside !== undefined && signature !== undefined && inside !== signature))
    throw malformed(`${field}_signature`, 'one signature', outside === undefined ? 'none' : 'two')
  const bytes = readHex(outside)
  if (bytes?.length !== 64) throw malformed(`${field}_signature`, '64 bytes in lower-case hexadecimal', 'other text')
  return {
    body,
    bytes: utf8ToBytes(body),
    signature: bytes,
    chain: issuers(pem, `${field}_issuer_chain`),
  }
}

/** `{"tcbInfo":BODY,"signature":"…"}` to BODY as it stands, byte by byte; a body alone stays what it is. */
function unwrap(given: string, member: string, field: string): { readonly body: string; readonly signature?: string } {
  const opening = /^\{"([A-Za-z]+)":/.exec(given)
  if (opening?.[1] !== member) return { body: given }
  const from = opening[0].length
  const to = endOfObject(given, from)
  const closing = /^,"signature":"([0-9a-f]{128})"\}$/.exec(given.slice(to))
  const signature = closing?.[1]
  if (signature === undefined) throw malformed(field, `{"${member}":…,"signature":"…"}`, 'other text')
  return { body: given.slice(from, to), signature }
}

/** Where the object that begins at `from` ends, or `from` where none does. Strings are passed over as a whole. */
function endOfObject(source: string, from: number): number {
  let depth = 0
  for (let at = from; at < source.length; at++) {
    const c = source[at]
    if (c === '"') at = endOfString(source, at)
    else if (c === '{') depth += 1
    else if (c === '}') depth -= 1
    if (depth === 0) return c === '}' ? at + 1 : from
  }
  return from
}

function endOfString(source: string, from: number): number {
  for (let at = from + 1; at < source.length; at++) {
    if (source[at] === '\\') at += 1
    else if (source[at] === '"') return at
  }
  return source.length
}

/** Absent and empty are the same. */
const unlessEmpty = <T>(text: string | null | undefined, read: (text: string) => readonly T[]): readonly T[] =>
  text === undefined || text === null || text === '' ? [] : read(text)

/** A signer and the root, as the services send them. */
function issuers(pem: string, field: string): readonly Certificate[] {
  const found = readChain(pem, field, 'collateral')
  if (found.length !== 2) throw malformed(field, 'a certificate and the root', `${found.length} certificates`)
  return found
}

function binary(given: string, field: string): Uint8Array {
  return readHex(given) ?? decodeBase64(given, field)
}
