import type { CheckTable } from '../ledger.ts'
import { PLATFORM_CHECK } from '../policy/index.ts'

/** Everything that is looked at in an attestation document, in order. */
export const NITRO_CHECKS = {
  form: {
    stage: 'evidence',
    title:
      'one COSE_Sign1 with an empty unprotected header around a document of known fields, types and sizes, each value in its only CBOR spelling',
    code: 'VS_TEE_MALFORMED',
  },
  'trailing-bytes': {
    stage: 'evidence',
    title: 'nothing follows the COSE_Sign1, nor the document in it',
    code: 'VS_TEE_TRAILING_BYTES',
  },
  algorithm: {
    stage: 'evidence',
    title: 'the protected header is {1: -35} and nothing else: ECDSA with SHA-384; the digest is SHA384',
    code: 'VS_TEE_UNSUPPORTED',
  },
  'certificate-chain': {
    stage: 'evidence',
    title:
      "the certificate leads through the bundle, root first, to the pinned root, each valid at the document's time, on P-384 with SHA-384",
    code: 'VS_TEE_CHAIN',
  },
  'signing-key': {
    stage: 'evidence',
    title: 'the certificate is no CA and its P-384 key is for signatures',
    code: 'VS_TEE_CHAIN',
  },
  signature: {
    stage: 'evidence',
    title: 'the signature over header and document is by that key',
    code: 'VS_TEE_SIGNATURE',
  },
  debug: {
    stage: 'appraisal',
    title: 'PCR0 is there and not zero: the enclave does not run in debug mode',
    code: 'VS_TEE_DEBUG',
  },
  pcrs: {
    stage: 'appraisal',
    title: 'each PCR that the policy names is there and has one of the allowed values',
    code: 'VS_TEE_MEASUREMENT',
  },
  age: {
    stage: 'relying-party',
    title: 'the document is not older than allowed, nor from the future',
    code: 'VS_TEE_FRESHNESS',
  },
  nonce: { stage: 'relying-party', title: 'the nonce is the expected one', code: 'VS_TEE_REPORT_DATA' },
  'public-key': { stage: 'relying-party', title: 'the public key is the expected one', code: 'VS_TEE_REPORT_DATA' },
  'user-data': { stage: 'relying-party', title: 'the user data are the expected ones', code: 'VS_TEE_REPORT_DATA' },
  platform: PLATFORM_CHECK,
} as const satisfies CheckTable

export type NitroCheck = keyof typeof NITRO_CHECKS
