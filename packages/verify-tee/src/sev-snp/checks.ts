import type { CheckTable } from '../ledger.ts'
import { PLATFORM_CHECK } from '../policy/index.ts'

/** Everything that is looked at in SEV-SNP evidence, in the order in which it is. */
export const SEV_SNP_CHECKS = {
  form: { stage: 'evidence', title: 'the report can be read', code: 'VS_TEE_MALFORMED' },
  version: { stage: 'evidence', title: 'the report is of version 2, 3 or 5', code: 'VS_TEE_UNSUPPORTED' },
  'trailing-bytes': {
    stage: 'evidence',
    title: 'nothing follows the report but a certificate table without gaps, and zeros',
    code: 'VS_TEE_TRAILING_BYTES',
  },
  'reserved-fields': {
    stage: 'evidence',
    title: 'reserved fields and bits are as the version has them',
    code: 'VS_TEE_MALFORMED',
  },
  'signature-algorithm': {
    stage: 'evidence',
    title: 'the report is signed with ECDSA on P-384 and SHA-384',
    code: 'VS_TEE_UNSUPPORTED',
  },
  'signature-padding': {
    stage: 'evidence',
    title: 'what nobody signed, the rest of the signature field, is zero',
    code: 'VS_TEE_MALFORMED',
  },
  'signing-key': {
    stage: 'evidence',
    title: 'the report is signed, with the VCEK or VLEK whose certificate is given',
    code: 'VS_TEE_BINDING',
  },
  certificates: {
    stage: 'evidence',
    title: 'the certificates are those of an endorsement key and its issuer, as AMD writes them',
    code: 'VS_TEE_COLLATERAL',
  },
  product: {
    stage: 'evidence',
    title: "certificate, its issuer and the report's CPUID name the same product",
    code: 'VS_TEE_BINDING',
  },
  chain: { stage: 'evidence', title: "the certificates lead to the product's pinned root", code: 'VS_TEE_CHAIN' },
  revocation: {
    stage: 'evidence',
    title: "the root's revocation list is authentic, of now, and does not name the issuer",
    code: 'VS_TEE_CRL',
  },
  'report-signature': { stage: 'evidence', title: 'the endorsement key signed the report', code: 'VS_TEE_SIGNATURE' },
  'certificate-tcb': {
    stage: 'evidence',
    title: 'the TCB version in the certificate is the reported one, byte by byte',
    code: 'VS_TEE_BINDING',
  },
  'chip-id': {
    stage: 'evidence',
    title: "the chip in the report is the VCEK certificate's, or masked",
    code: 'VS_TEE_BINDING',
  },
  'tcb-order': {
    stage: 'evidence',
    title: 'neither the reported nor the committed TCB version is above the current one',
    code: 'VS_TEE_TCB',
  },
  'allowed-product': { stage: 'appraisal', title: 'the product is allowed', code: 'VS_TEE_ATTRIBUTES' },
  'allowed-key': {
    stage: 'appraisal',
    title: 'the kind of endorsement key is allowed, and whom a VLEK was given to',
    code: 'VS_TEE_ATTRIBUTES',
  },
  'masked-chip-id': { stage: 'appraisal', title: 'the report names its chip', code: 'VS_TEE_PLATFORM' },
  debug: { stage: 'appraisal', title: 'the guest can not be debugged', code: 'VS_TEE_DEBUG' },
  'guest-policy': {
    stage: 'appraisal',
    title: 'the guest lets its host do no more than is allowed',
    code: 'VS_TEE_ATTRIBUTES',
  },
  vmpl: {
    stage: 'appraisal',
    title: 'the report was asked for at an allowed privilege level',
    code: 'VS_TEE_ATTRIBUTES',
  },
  'platform-info': { stage: 'appraisal', title: 'the machine is set up as allowed', code: 'VS_TEE_ATTRIBUTES' },
  'minimum-tcb': {
    stage: 'appraisal',
    title: 'each component of each TCB version is at least the minimum of the product',
    code: 'VS_TEE_TCB',
  },
  'committed-tcb': {
    stage: 'appraisal',
    title: 'the reported TCB version is committed: the host can not roll back below it',
    code: 'VS_TEE_TCB',
  },
  'minimum-firmware': { stage: 'appraisal', title: 'the committed firmware is recent enough', code: 'VS_TEE_TCB' },
  mitigations: { stage: 'appraisal', title: 'the mitigations asked for were verified', code: 'VS_TEE_TCB' },
  measurement: { stage: 'appraisal', title: 'the launch measurement is an allowed one', code: 'VS_TEE_MEASUREMENT' },
  'host-data': { stage: 'appraisal', title: "the host's data at launch is allowed", code: 'VS_TEE_MEASUREMENT' },
  'id-key': { stage: 'appraisal', title: 'an allowed key signed the ID block', code: 'VS_TEE_MEASUREMENT' },
  'author-key': {
    stage: 'appraisal',
    title: 'an allowed author key certified the ID key',
    code: 'VS_TEE_MEASUREMENT',
  },
  'guest-identity': {
    stage: 'appraisal',
    title: 'family id, image id and security version of the guest are allowed',
    code: 'VS_TEE_MEASUREMENT',
  },
  'report-data': {
    stage: 'relying-party',
    title: 'the report carries the data that was asked for',
    code: 'VS_TEE_REPORT_DATA',
  },
  'report-id': { stage: 'relying-party', title: 'it is the guest that was asked', code: 'VS_TEE_BINDING' },
  platform: PLATFORM_CHECK,
} as const satisfies CheckTable

export type SevSnpCheck = keyof typeof SEV_SNP_CHECKS
