// Not from the core root entry: evidence is judged in browsers.
import { defineErrors } from '@veristack/core/receipt'

/** Every code that evidence of any vendor is rejected with, and every error that this package raises. */
export const fail = defineErrors({
  VS_TEE_INVALID_OPTION: {
    title: 'A policy, collateral or option can not be used',
    remedy: 'Compare the named field with what is expected there.',
  },
  VS_TEE_MALFORMED: {
    title: 'The evidence is not well formed',
    remedy: 'Ask for the evidence again; it was cut, changed, or is of another kind or version.',
  },
  VS_TEE_TRAILING_BYTES: {
    title: 'Something follows the evidence that is not part of it',
    remedy:
      'Cut what the cloud appended; zero bytes behind a quote of Intel the policy can allow (trailingBytes: "zeros").',
  },
  VS_TEE_UNSUPPORTED: {
    title: 'The evidence is of a version, algorithm or type that is not judged',
    remedy: 'Compare the named field with the versions in the README.',
  },
  VS_TEE_SIGNATURE: {
    title: 'A signature is wrong',
    remedy: 'Do not rely on it; whoever sent it is wrong or lies.',
  },
  VS_TEE_BINDING: {
    title: 'Two parts of the evidence do not belong together',
    remedy: 'Do not rely on it; it was put together from several pieces.',
  },
  VS_TEE_CHAIN: {
    title: "The certificate chain does not lead to the vendor's pinned root",
    remedy: 'Do not rely on it; it was signed by somebody else.',
  },
  VS_TEE_CERTIFICATE_DATE: {
    title: 'A certificate is not valid at the time of judgement',
    remedy: 'Ask for fresh evidence, or judge at the time at which it was made.',
  },
  VS_TEE_CRL: {
    title: 'A revocation list is missing, damaged, expired or not signed by its issuer',
    remedy: 'Fetch the revocation lists again from the vendor.',
  },
  VS_TEE_REVOKED: {
    title: 'A certificate was revoked',
    remedy: 'Do not rely on this platform.',
  },
  VS_TEE_COLLATERAL: {
    title: 'Collateral is damaged, out of date, or of another platform, kind or version',
    remedy: 'Fetch the collateral of this platform again; the failed check names the part.',
  },
  VS_TEE_TCB: {
    title: 'The platform’s trusted computing base is not good enough for the policy',
    remedy: 'Update the platform; or allow the status or advisory in the appraisal policy, knowing what it means.',
  },
  VS_TEE_DEBUG: {
    title: 'The enclave can be debugged: its host reads its memory',
    remedy: 'Run the production build.',
  },
  VS_TEE_ATTRIBUTES: {
    title: 'Attributes or flags of the enclave are not those that are allowed',
    remedy: 'Compare the named attribute with the appraisal policy.',
  },
  VS_TEE_MEASUREMENT: {
    title: 'The measured code is not the code that the policy names',
    remedy: 'Compare the measurements; rebuild reproducibly, or add the new release to the policy.',
  },
  VS_TEE_REPORT_DATA: {
    title: 'The evidence does not carry the nonce, key or data that it should',
    remedy: 'Ask for evidence that is made for this request.',
  },
  VS_TEE_FRESHNESS: {
    title: 'The evidence is too old, or from the future',
    remedy: 'Ask for fresh evidence; compare the clocks.',
  },
  VS_TEE_PLATFORM: {
    title: 'The platform is not on the list of allowed ones',
    remedy: 'Add its id to the relying-party policy, if it is yours.',
  },
  VS_TEE_INTERNAL: {
    title: 'The verifier failed on this evidence; it counts as rejected',
    remedy: 'Report it with the evidence.',
  },
  VS_TEE_FETCH: {
    title: 'The vendor’s service did not give the collateral',
    remedy: 'Read the cause; the address, the network or the service may be at fault.',
  },
  VS_TEE_FILE: {
    title: 'A file can not be read, or is not what the option asks for',
    remedy: 'Check the path and what lies there.',
  },
  VS_TEE_UNKNOWN_EVIDENCE: {
    title: 'The file holds no evidence of a kind that is known',
    remedy: 'Compare the file with what was looked for; collateral and certificates are no evidence.',
  },
})

export type TeeErrorCode = Parameters<typeof fail>[0]
