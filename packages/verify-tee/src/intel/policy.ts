import * as z from 'zod'
import { hexOf, hexUpTo, oneOf, platformIds } from '../policy/index.ts'
import { TCB_STATUSES } from './tcb.ts'

const svn = z.int().min(0).max(65_535)

const config = { configId: hexOf(64).optional(), minimumConfigSvn: svn.optional() }

/**
 * Code in an SGX enclave: by its measurement, or by who signed it under which product id, from a security version on. The
 * host chooses CONFIGID and CONFIGSVN, and no measurement covers them: both are zero, unless `configId` is named.
 */
const enclave = z.union([
  z.strictObject({ mrEnclave: hexOf(32), ...config }),
  z.strictObject({
    mrSigner: hexOf(32),
    isvProdId: svn,
    minimumIsvSvn: svn,
    mrEnclave: hexOf(32).optional(),
    isvExtProdId: hexOf(16).optional(),
    isvFamilyId: hexOf(16).optional(),
    ...config,
  }),
])

/**
 * Code in a trust domain: every register that is named has to have the value; MRTD alone is the firmware alone. The host
 * chooses MRCONFIGID, MROWNER and MROWNERCONFIG; name them where the code goes by them.
 */
const domain = z.strictObject({
  mrTd: hexOf(48),
  rtmr0: hexOf(48).optional(),
  rtmr1: hexOf(48).optional(),
  rtmr2: hexOf(48).optional(),
  rtmr3: hexOf(48).optional(),
  mrSeam: hexOf(48).optional(),
  mrConfigId: hexOf(48).optional(),
  mrOwner: hexOf(48).optional(),
  mrOwnerConfig: hexOf(48).optional(),
})

export const TD_ATTRIBUTES = {
  ICSSD: 16,
  SERVTD_EXT: 17,
  LASS: 27,
  SEPT_VE_DISABLE: 28,
  MIGRATABLE: 29,
  PKS: 30,
  KL: 31,
  TPA: 62,
  PERFMON: 63,
} as const

export const SGX_ATTRIBUTES = {
  INIT: 0,
  DEBUG: 1,
  MODE64BIT: 2,
  PROVISIONKEY: 4,
  EINITTOKENKEY: 5,
  CET: 6,
  KSS: 7,
  AEXNOTIFY: 10,
} as const

/** Bits of XFAM and XFRM. */
export const FEATURES = {
  X87: 0,
  SSE: 1,
  AVX: 2,
  MPX_BNDREGS: 3,
  MPX_BNDCSR: 4,
  AVX512_OPMASK: 5,
  AVX512_ZMM_HIGH: 6,
  AVX512_HIGH_ZMM: 7,
  PT: 8,
  PKRU: 9,
  CET_U: 11,
  CET_S: 12,
  UINTR: 14,
  LBR: 15,
  AMX_TILECFG: 17,
  AMX_TILEDATA: 18,
  APX: 19,
} as const

const names = <T extends Readonly<Record<string, number>>>(bits: T) =>
  z
    .array(z.enum(Object.keys(bits) as [keyof T & string, ...(keyof T & string)[]]))
    .max(64)
    .readonly()

/** Appraisal: which hardware and code are good enough. Plain data; unknown fields are refused. */
export const intelAppraisal = z.strictObject({
  /** Statuses that are good enough. `Revoked` and `TCBNotSupported` can not be allowed. */
  tcbStatuses: z
    .array(z.enum(TCB_STATUSES).exclude(['Revoked', 'TCBNotSupported']))
    .max(8)
    .readonly(),
  /** Advisories that may be open, such as `INTEL-SA-00615`; `any` has to be said. */
  advisories: z.union([
    z.literal('any'),
    z
      .array(z.string().regex(/^[A-Z0-9-]{1,64}$/, 'an advisory such as INTEL-SA-00615'))
      .max(1024)
      .readonly(),
  ]),
  /** Lowest `tcbEvaluationDataNumber` of TCB info and QE identity: 0 asks for none. */
  minimumTcbEvaluationDataNumber: z.int().min(0),
  /** What may follow the quote: nothing, or zero bytes, which some clouds fill their buffers with. */
  trailingBytes: z.enum(['refuse', 'zeros']),
  /** Lets the host read the memory of what is attested. For development. */
  allowDebug: z.boolean(),
  /** Lets an SGX report pass without INIT, X87 and SSE: no processor makes one, sample data has them. For tests. */
  allowUninitialised: z.boolean().optional(),
  /** Enclaves that are allowed: none, unless they are named; `any` has to be said. */
  sgx: z.union([z.literal('any'), z.array(enclave).max(4096).readonly()]),
  /** Trust domains that are allowed. */
  tdx: z.union([z.literal('any'), z.array(domain).max(4096).readonly()]),
  /** Without it the host can hide memory from a domain that does not look. */
  requireSeptVeDisable: z.boolean(),
  /** TD attributes that may be set besides SEPT_VE_DISABLE. `MIGRATABLE` lets a migration domain move it. */
  tdAttributes: names(TD_ATTRIBUTES),
  /** SGX attributes that may be set besides INIT and MODE64BIT. */
  sgxAttributes: names(SGX_ATTRIBUTES),
  /** Processor features that may be on besides X87 and SSE. A trust domain never has MPX. */
  features: names(FEATURES),
  /** MRSERVICETD values that may be bound to a domain, at its creation and now; zero always may. */
  serviceTds: z.array(hexOf(48)).max(64).readonly(),
})
export type IntelAppraisal = z.infer<typeof intelAppraisal>

/**
 * Up to date, no open advisory, no debugging, nothing behind the quote, and no code: name yours in `sgx` or `tdx`.
 */
export const intelDefaults: IntelAppraisal = {
  tcbStatuses: ['UpToDate'],
  advisories: [],
  minimumTcbEvaluationDataNumber: 0,
  trailingBytes: 'refuse',
  allowDebug: false,
  sgx: [],
  tdx: [],
  requireSeptVeDisable: true,
  tdAttributes: ['PKS', 'PERFMON'],
  sgxAttributes: ['CET', 'KSS', 'AEXNOTIFY'],
  features: [
    'AVX',
    'MPX_BNDREGS',
    'MPX_BNDCSR',
    'AVX512_OPMASK',
    'AVX512_ZMM_HIGH',
    'AVX512_HIGH_ZMM',
    'PT',
    'PKRU',
    'CET_U',
    'CET_S',
    'UINTR',
    'LBR',
    'AMX_TILECFG',
    'AMX_TILEDATA',
  ],
  serviceTds: [],
}

/** What the relying party asks of this answer. Plain data; unknown fields are refused. */
export const intelRelyingParty = z.strictObject({
  /** The 64 bytes of report data, in hexadecimal: shorter ones are followed by zeros. `any` has to be said. */
  reportData: z.union([z.literal('any'), hexUpTo(64).min(2, 'at least one byte')]),
  /** PPIDs that may answer. `any` has to be said. */
  platforms: platformIds,
  /** Measured events that have to replay to RTMR0 to RTMR3 (see `replayEventLog`). */
  eventLog: oneOf(z.strictObject({ imr: z.int().min(0).max(3), digest: hexOf(48) })).optional(),
})
export type IntelRelyingParty = z.infer<typeof intelRelyingParty>

/** What `verify` holds its policies against. */
export const POLICIES = { appraisal: intelAppraisal, relyingParty: intelRelyingParty }
