import * as z from 'zod'
import { malformed, Refusal } from '../ledger.ts'
import { type Crl, crlDer, decodeBase64, type Encoded, parseCrl } from '../pki/index.ts'
import { encoded, parsePlain } from '../policy/index.ts'
import { MAX_OCSP_BYTES, type OcspAnswer, parseOcsp } from './ocsp.ts'

const MAX_ANSWERS = 64
const MAX_LISTS = 16
const MAX_CRL = 1 << 16
const MAX_CRLS = 1 << 18
const MAX_ALL_ANSWERS = 1 << 18
const MAX_TEXT = 1 << 19

/** What belongs to the evidence and came on another way. */
const schema = z
  .strictObject({
    /** The issuer's key set as it serves it (`/.well-known/jwks.json`), JSON text. For tokens. */
    keySet: z.string().max(MAX_TEXT).optional(),
    /** The certificate chain of a report that comes without one: PEM, leaf first. */
    certificateChain: z.string().max(MAX_TEXT).optional(),
    /** Revocation lists, in any order: of 64 kB each, 256 kB together. */
    crls: z.array(encoded).max(MAX_LISTS).readonly().optional(),
    /**
     * Answers of the OCSP responder, in any order: DER, or the same in base64. Of one certificate four at most, or as many as there
     * are devices. 256 kB together.
     */
    ocsp: z.array(encoded).max(MAX_ANSWERS).readonly().optional(),
  })
  .readonly()
export type NvidiaCollateral = z.input<typeof schema>

/** What has another form than it has to is the caller's fault; what the texts and bytes say is not. */
export const checkCollateral = (value: unknown): NvidiaCollateral =>
  value === undefined ? {} : parsePlain(schema, value, 'collateral')

export interface Statuses {
  readonly crls: readonly Crl[]
  readonly answers: readonly OcspAnswer[]
}

export function parseStatuses({ crls = [], ocsp = [] }: NvidiaCollateral): Statuses {
  try {
    const lists = crls.map((given, i) => crlBytes(given, `crls.${i}`))
    const total = lists.reduce((sum, { length }) => sum + length, 0)
    if (total > MAX_CRLS) throw malformed('crls', `at most ${MAX_CRLS} bytes together`, `${total}`)
    const answers = ocsp.map((given, i) => answerDer(given, `ocsp.${i}`))
    const all = answers.reduce((sum, { length }) => sum + length, 0)
    if (all > MAX_ALL_ANSWERS) throw malformed('ocsp', `at most ${MAX_ALL_ANSWERS} bytes together`, `${all}`)
    return {
      crls: lists.map((der, i) => parseCrl(der, `crls.${i}`)),
      answers: answers.map((der, i) => parseOcsp(der, `ocsp.${i}`)),
    }
  } catch (error) {
    throw error instanceof Refusal ? new Refusal('revocation', 'VS_TEE_CRL', error.detail) : error
  }
}

/** Longer as text than as bytes, like an answer. */
function crlBytes(given: Encoded, name: string): Uint8Array {
  const der = crlDer(given, name, 2 * MAX_CRL)
  if (der.length > MAX_CRL) throw malformed(name, `at most ${MAX_CRL} bytes`, `${der.length}`)
  return der
}

function answerDer(given: Encoded, name: string): Uint8Array {
  if (given.length > 2 * MAX_OCSP_BYTES) throw malformed(name, `at most ${MAX_OCSP_BYTES} bytes`, `${given.length}`)
  return typeof given === 'string' ? decodeBase64(given.replace(/[\r\n]/g, ''), name) : given
}
