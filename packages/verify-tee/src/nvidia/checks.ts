import type { CheckTable } from '../ledger.ts'
import { PLATFORM_CHECK } from '../policy/index.ts'

/** Everything that is looked at in evidence of GPUs and switches, in order. */
export const NVIDIA_CHECKS = {
  form: {
    stage: 'evidence',
    title:
      "one bundle of NRAS tokens, one list of the SDK's evidence, one request to NRAS or one report: known fields, types and sizes, each value in its only spelling",
    code: 'VS_TEE_MALFORMED',
  },
  'trailing-bytes': {
    stage: 'evidence',
    title: 'nothing follows the evidence, nor a report in it',
    code: 'VS_TEE_TRAILING_BYTES',
  },
  'token-algorithm': {
    stage: 'evidence',
    title: "every token's header is ES384, a key id and nothing else; the claims are of version 2.0 or 3.0",
    code: 'VS_TEE_UNSUPPORTED',
  },
  'token-issuer': {
    stage: 'evidence',
    title: 'every token is of the issuer that the policy names',
    code: 'VS_TEE_CHAIN',
  },
  submodules: {
    stage: 'evidence',
    title: 'the overall token lists the tokens of the devices, all of them and no other, by their digests',
    code: 'VS_TEE_BINDING',
  },
  'token-dates': {
    stage: 'evidence',
    title: 'every token has begun and has not ended at the time of judgement',
    code: 'VS_TEE_FRESHNESS',
  },
  'token-keys': {
    stage: 'evidence',
    title:
      'each key id names one P-384 key of the key set, which the policy pins or believes, and whose certificate, where it has one, is of that key and valid',
    code: 'VS_TEE_CHAIN',
  },
  'token-signatures': {
    stage: 'evidence',
    title: 'the signature on every token is by its key',
    code: 'VS_TEE_SIGNATURE',
  },
  'spdm-messages': {
    stage: 'evidence',
    title:
      'each report is a request of SPDM 1.1 for all measurements, signed, and the answer to it, with opaque data of a known format',
    code: 'VS_TEE_UNSUPPORTED',
  },
  'certificate-chain': {
    stage: 'evidence',
    title:
      "each device's certificate leads through its chain to NVIDIA's pinned root, each valid at the time of judgement, on P-384 with SHA-384",
    code: 'VS_TEE_CHAIN',
  },
  'signing-key': {
    stage: 'evidence',
    title: "each device's certificate is no CA and its P-384 key is for signatures",
    code: 'VS_TEE_CHAIN',
  },
  'report-signature': {
    stage: 'evidence',
    title: 'the signature over request and answer is by that key',
    code: 'VS_TEE_SIGNATURE',
  },
  'firmware-id': {
    stage: 'evidence',
    title: 'the firmware id in a report is the one in the certificate',
    code: 'VS_TEE_BINDING',
  },
  envelope: {
    stage: 'evidence',
    title: 'what the list says about a device (architecture, nonce, versions) is what its report and certificate say',
    code: 'VS_TEE_BINDING',
  },
  'one-nonce': {
    stage: 'evidence',
    title: 'all tokens, or all reports, carry one nonce',
    code: 'VS_TEE_BINDING',
  },
  'distinct-devices': {
    stage: 'evidence',
    title: 'no device is there twice',
    code: 'VS_TEE_BINDING',
  },
  revocation: {
    stage: 'evidence',
    title: "nothing between a device's certificate and the root is revoked, by lists or OCSP answers of today",
    code: 'VS_TEE_CRL',
  },
  kind: { stage: 'appraisal', title: 'the policy accepts this kind of evidence', code: 'VS_TEE_UNSUPPORTED' },
  'nras-result': {
    stage: 'appraisal',
    title: 'the overall result is true and the measurements of every device were found right',
    code: 'VS_TEE_MEASUREMENT',
  },
  'nras-claims': {
    stage: 'appraisal',
    title:
      'NRAS found report, reference values and certificates of every device right and not revoked; it says of nothing that it is not so',
    code: 'VS_TEE_ATTRIBUTES',
  },
  'secure-boot': {
    stage: 'appraisal',
    title: 'every device booted securely and can not be debugged',
    code: 'VS_TEE_DEBUG',
  },
  warnings: { stage: 'appraisal', title: 'NRAS gives no warning', code: 'VS_TEE_TCB' },
  measurements: {
    stage: 'appraisal',
    title: "each report's measurements are those of one of the sets that the policy names",
    code: 'VS_TEE_MEASUREMENT',
  },
  hardware: {
    stage: 'appraisal',
    title: 'every device is of a model that the policy names',
    code: 'VS_TEE_ATTRIBUTES',
  },
  drivers: { stage: 'appraisal', title: "every GPU's driver is of an allowed version", code: 'VS_TEE_TCB' },
  vbios: { stage: 'appraisal', title: "every device's VBIOS is of an allowed version", code: 'VS_TEE_TCB' },
  nonce: { stage: 'relying-party', title: 'the nonce is the expected one', code: 'VS_TEE_REPORT_DATA' },
  'cpu-binding': {
    stage: 'relying-party',
    title: 'the data that the CPU evidence carries name the nonce, by the given rule',
    code: 'VS_TEE_REPORT_DATA',
  },
  age: { stage: 'relying-party', title: 'no token was issued longer ago than allowed', code: 'VS_TEE_FRESHNESS' },
  devices: {
    stage: 'relying-party',
    title: 'there are as many GPUs and switches as expected',
    code: 'VS_TEE_BINDING',
  },
  platform: PLATFORM_CHECK,
} as const satisfies CheckTable

export type NvidiaCheck = keyof typeof NVIDIA_CHECKS

/** What is looked at in tokens alone, and in reports alone. */
export const OF_TOKENS = [
  'token-algorithm',
  'token-issuer',
  'submodules',
  'token-dates',
  'token-keys',
  'token-signatures',
  'nras-result',
  'nras-claims',
  'secure-boot',
  'warnings',
  'age',
] as const satisfies readonly NvidiaCheck[]

export const OF_REPORTS = [
  'spdm-messages',
  'certificate-chain',
  'signing-key',
  'report-signature',
  'firmware-id',
  'envelope',
  'revocation',
  'measurements',
] as const satisfies readonly NvidiaCheck[]
