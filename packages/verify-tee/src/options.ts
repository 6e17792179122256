import type * as z from 'zod'
import { Refusal } from './ledger.ts'
import {
  type Certificate,
  certificateDers,
  defaultBackend,
  type Encoded,
  parseCertificate,
  type SignatureBackend,
} from './pki/index.ts'
import { invalidOption, parsePlain, shown } from './policy/index.ts'

/** What every vendor's `verify` takes; most take `collateral` too, of a form of their own. */
export interface VerifyOptions<Appraisal, RelyingParty> {
  /** Which hardware and code are good enough. Plain data. */
  readonly appraisal: Appraisal
  /** What the evidence must say to whoever relies on it, here and now. Plain data. */
  readonly relyingParty: RelyingParty
  /** Unix seconds: the time of judgement. */
  readonly now: bigint
  /** node:crypto where there is one, else @noble/curves. */
  readonly backend?: SignatureBackend
  /** A certificate in place of the vendor's pinned root: for tests, private PKIs, and partitions with roots of their own. */
  readonly root?: Encoded
}

/** Options that have their form. */
export interface Judgement<Appraisal, RelyingParty> {
  readonly bytes: Uint8Array
  readonly appraisal: Appraisal
  readonly relyingParty: RelyingParty
  readonly now: bigint
  readonly backend: SignatureBackend
  /** Absent: the pinned one. */
  readonly root?: Certificate
}

/**
 * Evidence and options as every vendor takes them. The evidence is a copy, which `slice` of Node's Buffer is not: nobody
 * changes it while it is judged. `most`: bytes of it that are looked at. Throws `VS_TEE_INVALID_OPTION`.
 */
export function readOptions<Appraisal, RelyingParty>(
  evidence: Uint8Array,
  options: VerifyOptions<unknown, unknown>,
  schemas: { readonly appraisal: z.ZodType<Appraisal>; readonly relyingParty: z.ZodType<RelyingParty> },
  most = Number.MAX_SAFE_INTEGER,
): Judgement<Appraisal, RelyingParty> {
  if (typeof options !== 'object' || options === null)
    throw invalidOption('options', 'an object with appraisal, relyingParty and now', shown(options))
  const { now, backend = defaultBackend(), root } = options
  const appraisal = parsePlain(schemas.appraisal, options.appraisal, 'appraisal')
  const relyingParty = parsePlain(schemas.relyingParty, options.relyingParty, 'relyingParty')
  if (typeof now !== 'bigint' || now < 0n) throw invalidOption('now', 'Unix seconds as a bigint', shown(now))
  if (typeof backend?.verify !== 'function')
    throw invalidOption('backend', 'a signature backend, with a method verify', shown(backend))
  const bytes = evidenceOf(evidence, most)
  return { bytes, appraisal, relyingParty, now, backend, ...(root === undefined ? {} : { root: rootOf(root) }) }
}

/** A copy of evidence. Throws `VS_TEE_INVALID_OPTION` where it is no bytes. */
export function evidenceOf(evidence: Uint8Array, most = Number.MAX_SAFE_INTEGER): Uint8Array {
  if (!(evidence instanceof Uint8Array)) throw invalidOption('evidence', 'bytes', shown(evidence))
  return new Uint8Array(evidence.subarray(0, most))
}

function rootOf(given: Encoded): Certificate {
  const expected = 'one certificate, DER or PEM'
  if (typeof given !== 'string' && !(given instanceof Uint8Array)) throw invalidOption('root', expected, shown(given))
  try {
    const [der, ...more] = certificateDers(given, 'root', 1)
    // A copy: signatures are remembered with the key that they are right for.
    if (der !== undefined && more.length === 0) return parseCertificate(new Uint8Array(der), 'root')
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    throw invalidOption('root', expected, `${shown(given)} (${error.detail})`)
  }
  throw invalidOption('root', expected, shown(given))
}
