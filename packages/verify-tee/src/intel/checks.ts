import type { CheckTable } from '../ledger.ts'
import { PLATFORM_CHECK } from '../policy/index.ts'

const evidence = 'evidence'
const appraisal = 'appraisal'
const relyingParty = 'relying-party'

/** Everything that a quote is held against, in the order in which it is. */
export const INTEL_CHECKS = {
  form: {
    stage: evidence,
    title: 'the quote has the layout of its version; every length agrees; reserved bytes are zero',
    code: 'VS_TEE_MALFORMED',
  },
  supported: {
    stage: evidence,
    title: 'version, TEE, attestation key, quoting enclave vendor and certification data are of kinds that are judged',
    code: 'VS_TEE_UNSUPPORTED',
  },
  'trailing-bytes': {
    stage: evidence,
    title: 'nothing follows the quote, or zeros only and the policy allows them',
    code: 'VS_TEE_TRAILING_BYTES',
  },
  'pck-chain': {
    stage: evidence,
    title: 'the PCK certificate chains to the pinned root; every certificate is valid now',
    code: 'VS_TEE_CHAIN',
  },
  'pck-certificate': {
    stage: evidence,
    title: 'the leaf is a PCK certificate of the platform or processor CA, and the one that the quote names',
    code: 'VS_TEE_CHAIN',
  },
  'qe-report-signature': {
    stage: evidence,
    title: 'the PCK certificate’s key signed the report of the quoting enclave',
    code: 'VS_TEE_SIGNATURE',
  },
  'qe-binding': {
    stage: evidence,
    title: 'that report’s data is SHA-256(attestation key || authentication data) and 32 zero bytes',
    code: 'VS_TEE_BINDING',
  },
  'quote-signature': {
    stage: evidence,
    title: 'the attestation key signed header and body',
    code: 'VS_TEE_SIGNATURE',
  },
  collateral: {
    stage: evidence,
    title: 'the collateral has all its parts',
    code: 'VS_TEE_COLLATERAL',
  },
  'root-crl': {
    stage: evidence,
    title: 'the root’s revocation list is well formed, signed by the root and of today',
    code: 'VS_TEE_CRL',
  },
  'pck-crl': {
    stage: evidence,
    title: 'the PCK revocation list is well formed, of today, and signed by the CA that issued the PCK certificate',
    code: 'VS_TEE_CRL',
  },
  revocation: {
    stage: evidence,
    title: 'neither PCK certificate, its CA nor the signers of collateral are revoked by their issuers',
    code: 'VS_TEE_REVOKED',
  },
  'tcb-info-signature': {
    stage: evidence,
    title: 'a TCB signing certificate of the pinned root, valid now, signed the TCB info’s bytes',
    code: 'VS_TEE_COLLATERAL',
  },
  'tcb-info-form': {
    stage: evidence,
    title: 'the TCB info is of version 3 (for SGX 2 too), has known fields only, each once',
    code: 'VS_TEE_COLLATERAL',
  },
  'tcb-info-kind': {
    stage: evidence,
    title: 'the TCB info is for the TEE of the quote',
    code: 'VS_TEE_COLLATERAL',
  },
  'tcb-info-date': {
    stage: evidence,
    title: 'the TCB info was issued, and its next update is not due',
    code: 'VS_TEE_COLLATERAL',
  },
  'tcb-info-platform': {
    stage: evidence,
    title: 'FMSPC and PCE id of the PCK certificate are those of the TCB info',
    code: 'VS_TEE_COLLATERAL',
  },
  'qe-identity-signature': {
    stage: evidence,
    title: 'a TCB signing certificate of the pinned root, valid now, signed the QE identity’s bytes',
    code: 'VS_TEE_COLLATERAL',
  },
  'qe-identity-form': {
    stage: evidence,
    title: 'the QE identity is of version 2, has known fields only, each once',
    code: 'VS_TEE_COLLATERAL',
  },
  'qe-identity-kind': {
    stage: evidence,
    title: 'the QE identity is for the TEE of the quote: QE for SGX, TD_QE for TDX',
    code: 'VS_TEE_COLLATERAL',
  },
  'qe-identity-date': {
    stage: evidence,
    title: 'the QE identity was issued, and its next update is not due',
    code: 'VS_TEE_COLLATERAL',
  },
  'qe-identity': {
    stage: evidence,
    title: 'the quoting enclave is Intel’s: MRSIGNER, ISVPRODID, masked MISCSELECT and ATTRIBUTES; not debuggable',
    code: 'VS_TEE_BINDING',
  },
  'tdx-module': {
    stage: evidence,
    title: 'the TDX module is one that the TCB info knows: MRSIGNERSEAM, SEAMATTRIBUTES',
    code: 'VS_TEE_TCB',
  },
  debug: {
    stage: appraisal,
    title: 'nobody can debug it: SGX DEBUG, TDX TUD bits',
    code: 'VS_TEE_DEBUG',
  },
  'evaluation-number': {
    stage: appraisal,
    title: 'TCB info and QE identity are of the evaluation that the policy asks for, or a later one',
    code: 'VS_TEE_COLLATERAL',
  },
  'tcb-status': {
    stage: appraisal,
    title: 'the status of platform, module and quoting enclave together is one that the policy allows',
    code: 'VS_TEE_TCB',
  },
  advisories: {
    stage: appraisal,
    title: 'the policy allows every advisory that the platform is open to',
    code: 'VS_TEE_TCB',
  },
  attributes: {
    stage: appraisal,
    title:
      'attributes of enclave or domain are those that the policy allows; SEPT_VE_DISABLE is set; reserved bits are zero',
    code: 'VS_TEE_ATTRIBUTES',
  },
  xfam: {
    stage: appraisal,
    title: 'x87 and SSE are on, and no processor feature that the policy does not allow',
    code: 'VS_TEE_ATTRIBUTES',
  },
  'service-td': {
    stage: appraisal,
    title: 'no service domain is bound, or one that the policy allows',
    code: 'VS_TEE_ATTRIBUTES',
  },
  measurements: {
    stage: appraisal,
    title: 'the measured code is code that the policy names',
    code: 'VS_TEE_MEASUREMENT',
  },
  'event-log': {
    stage: relyingParty,
    title: 'the event log, replayed, gives RTMR0 to RTMR3',
    code: 'VS_TEE_MEASUREMENT',
  },
  'report-data': {
    stage: relyingParty,
    title: 'the report data is what the relying party asked for',
    code: 'VS_TEE_REPORT_DATA',
  },
  platform: PLATFORM_CHECK,
} as const satisfies CheckTable

export type IntelCheck = keyof typeof INTEL_CHECKS
