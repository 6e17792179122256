import { fail } from '../errors.ts'
import { Refusal } from '../ledger.ts'
import { type Crl, decodeBase64, parseCrl } from '../pki/index.ts'
import { MAX_OCSP_BYTES, type OcspAnswer, parseOcsp } from './ocsp.ts'

/** Bytes are DER; text is the same in base64. */
export type Encoded = Uint8Array | string

/** What belongs to the evidence and came on another way. */
export interface NvidiaCollateral {
  /** The issuer's key set as it serves it (`/.well-known/jwks.json`), JSON text. For tokens. */
  readonly keySet?: string
  /** The certificate chain of a report that comes without one: PEM, leaf first. */
  readonly certificateChain?: string
  /** Revocation lists, in any order. */
  readonly crls?: readonly Encoded[]
  /** Answers of the OCSP responder, in any order. */
  readonly ocsp?: readonly Encoded[]
}

const MAX_ANSWERS = 64
const MAX_LISTS = 16
const MAX_CRL = 1 << 16
const MAX_TEXT = 1 << 19

/**
 * What has another form than it has to is the caller's fault; what the texts and bytes say is not. A copy: nobody changes it
 * while it is judged.
 */
export function checkCollateral(value: unknown): NvidiaCollateral {
  const refuse = (field: string, expected: string): Error =>
    fail('VS_TEE_INVALID_OPTION', { details: { field: `collateral${field}`, expected } })
  if (value === undefined) return {}
  if (typeof value !== 'object' || value === null) throw refuse('', 'an object')
  for (const [key, part] of Object.entries(value)) {
    if (part === undefined) continue
    if (key === 'keySet' || key === 'certificateChain') {
      if (typeof part !== 'string' || part.length > MAX_TEXT)
        throw refuse(`.${key}`, `a text of at most ${MAX_TEXT} characters`)
    } else if (key === 'crls' || key === 'ocsp') {
      const most = key === 'crls' ? MAX_LISTS : MAX_ANSWERS
      if (!Array.isArray(part) || part.length > most) throw refuse(`.${key}`, `a list of at most ${most}`)
      if (!part.every((item) => typeof item === 'string' || item instanceof Uint8Array))
        throw refuse(`.${key}`, 'bytes or texts')
    } else throw refuse(`.${key}`, 'one of keySet, certificateChain, crls, ocsp')
  }
  const { crls, ocsp, ...texts }: NvidiaCollateral = value
  return { ...texts, ...(crls && { crls: copied(crls) }), ...(ocsp && { ocsp: copied(ocsp) }) }
}

const copied = (list: readonly Encoded[]): readonly Encoded[] =>
  list.map((item) => (typeof item === 'string' ? item : new Uint8Array(item)))

export interface Statuses {
  readonly crls: readonly Crl[]
  readonly answers: readonly OcspAnswer[]
}

export function parseStatuses({ crls = [], ocsp = [] }: NvidiaCollateral): Statuses {
  try {
    return {
      crls: crls.map((given, i) => parseCrl(bytesOf(given, `crls.${i}`, MAX_CRL), `crls.${i}`)),
      answers: ocsp.map((given, i) => parseOcsp(bytesOf(given, `ocsp.${i}`, MAX_OCSP_BYTES), `ocsp.${i}`)),
    }
  } catch (error) {
    throw error instanceof Refusal ? new Refusal('revocation', 'VS_TEE_CRL', error.detail) : error
  }
}

function bytesOf(given: Encoded, name: string, most: number): Uint8Array {
  if (given.length > 2 * most) throw new Refusal('revocation', 'VS_TEE_CRL', `${name}: expected at most ${most} bytes`)
  return typeof given === 'string' ? decodeBase64(given.replace(/[\r\n]/g, ''), name) : given
}
