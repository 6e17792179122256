import type { TeeErrorCode } from './errors.ts'

export type Vendor = 'intel-sgx' | 'intel-tdx' | 'aws-nitro' | 'amd-sev-snp' | 'nvidia-gpu'

/**
 * The three inputs of RFC 9334 (Remote ATtestation procedureS): what the evidence says is true of somebody's hardware;
 * whether such hardware and code are good enough; whether it answers this relying party, here and now.
 */
export type Stage = 'evidence' | 'appraisal' | 'relying-party'

/** One thing that is looked at. The README's tables are made from these. */
export interface CheckDescriptor {
  readonly stage: Stage
  /** What holds when it passes, in a sentence. */
  readonly title: string
  /** The code of a verdict that it fails. */
  readonly code: TeeErrorCode
}

export interface CheckResult {
  readonly id: string
  readonly stage: Stage
  readonly title: string
  /** `skipped`: an earlier check failed, or the policy does not ask, or it does not apply; `detail` says which. */
  readonly outcome: 'pass' | 'fail' | 'skipped'
  readonly detail?: string
}

/** How a vendor judges what is under the enclave: firmware, microcode, module. The words are the vendor's. */
export interface TcbReport {
  readonly status: string
  /** The vendor's security advisories that this level is open to. */
  readonly advisories: readonly string[]
  /** The statuses that it converged from, by part (platform, module, quoting enclave), where a vendor has several. */
  readonly parts?: Readonly<Record<string, string>>
}

/**
 * `claims` are the decoded contents, there once they could be read; they are somebody's word, and only an `accepted`
 * verdict makes them more.
 */
export type TeeVerdict<Claims> = {
  readonly vendor: Vendor
  readonly checks: readonly CheckResult[]
  readonly claims?: Claims
  readonly tcb?: TcbReport
  /**
   * Intel: PPID; AMD: CHIP_ID; NVIDIA: the serial number of a single device's certificate: lower-case hexadecimal. Nitro: the EC2
   * instance, `i-…`.
   */
  readonly platformId?: string
  /** What no check here can see. */
  readonly notCovered: readonly string[]
} & (
  | { readonly status: 'accepted' }
  | { readonly status: 'undetermined'; readonly missing: 'collateral'; readonly detail: string }
  | { readonly status: 'rejected'; readonly code: TeeErrorCode; readonly check: string; readonly detail: string }
)

/** Holds for every vendor: none of it leaves a trace in evidence. */
export const PHYSICAL_ATTACKS: readonly string[] = [
  'whoever holds the machine: memory interposers extract attestation keys (WireTap, Battering RAM on DDR4; TEE.fail on DDR5), and evidence signed with them is genuine; allow platforms by id',
  'side channels that the vendor does not list as an advisory',
  'what the measured code does: that is for whoever reads and builds it',
]
