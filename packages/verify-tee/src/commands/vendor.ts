import { isVeristackError } from '@veristack/core/receipt'
import { fail } from '../errors.ts'
import { moment } from '../moment.ts'
import type { TeeVerdict } from '../verdict.ts'
import type { NamedFile } from './files.ts'
import { type Row, row, type Section } from './print.ts'
import type { Kind } from './recognise.ts'

export interface Policy {
  readonly appraisal: unknown
  readonly relyingParty: unknown
}

export interface Collateral {
  /** As it was given: of the file, or of the folder. */
  readonly path: string
  readonly isFolder: boolean
  readonly files: readonly NamedFile[]
}

export interface ReadCollateral {
  /** What the vendor's `verify` takes. */
  readonly value: unknown
  /** Names of files that are nothing of it. */
  readonly unused: readonly string[]
}

/** What a piece of evidence says, and what is wrong with it as far as that shows without collateral and a policy. */
export interface View {
  /** `Intel TDX`. */
  readonly vendor: string
  readonly sections: readonly Section[]
  /** Unix seconds at which certificates were looked at, and why then. */
  readonly at?: { readonly seconds: bigint; readonly why: string }
  /** Checks that held. */
  readonly held: readonly string[]
  readonly wrong: readonly string[]
  /** What nobody looked at, and why. */
  readonly open: readonly string[]
  /** Plain data; absent where the evidence can not be read. */
  readonly claims?: unknown
}

export interface Judging {
  readonly policy: Policy
  readonly now: bigint
  /** As `collateral` of the vendor read it. */
  readonly collateral?: unknown
  /** In place of the vendor's pinned root: DER or PEM. */
  readonly root?: Uint8Array
}

/** What `tee fetch` was asked for. Addresses of http or https. */
export interface Fetching {
  readonly fetch: typeof fetch
  /** Unix seconds. */
  readonly now: bigint
  readonly signal: AbortSignal
  readonly baseUrl?: string
  readonly pccsUrl?: string
  readonly rootCrlUrl?: string
  readonly update?: string
  readonly product?: string
}

/** One vendor, as the commands use it. */
export interface VendorCommands {
  /** Throws nothing for evidence. `now`: Unix seconds; without it, a time at which the evidence may have been made. */
  inspect(evidence: Uint8Array, now: bigint | undefined): Promise<View>
  /** Asks for nothing that only the reader can know: any code, any report data, any platform. */
  readonly defaultPolicy: Policy
  /** From files to what `verify` takes. Throws `VS_TEE_FILE` where they are something else. */
  collateral(given: Collateral): ReadCollateral
  /** Files that `collateral` reads, with what the vendor's service says of the platform. */
  fetch(evidence: Uint8Array, asked: Fetching): Promise<readonly NamedFile[]>
  verify(evidence: Uint8Array, judging: Judging): Promise<TeeVerdict<unknown>>
}

/** Policies and collateral come out of files, as unknown data: each vendor's `verify` holds them against its schemas. */
export const judgedBy =
  <Options>(
    verify: (evidence: Uint8Array, options: Options) => Promise<TeeVerdict<unknown>>,
  ): VendorCommands['verify'] =>
  (evidence, { policy, ...more }) =>
    verify(evidence, { ...policy, ...more } as Options)

/** Of a vendor without a service to ask. */
export const nothingToFetch = (reason: string) =>
  fail('VS_TEE_FETCH', { message: 'There is no service to fetch this collateral from', details: { reason } })

/** Each is loaded when evidence of it is there. */
export const vendorOf: Readonly<Record<Kind, () => Promise<VendorCommands>>> = {
  intel: async () => (await import('./intel.ts')).intel,
  nitro: async () => (await import('./nitro.ts')).nitro,
  'sev-snp': async () => (await import('./sev-snp.ts')).sevSnp,
  nvidia: async () => (await import('./nvidia.ts')).nvidia,
}

/** What a verdict without collateral and demands found. */
export function findings(verdict: TeeVerdict<unknown>): Pick<View, 'held' | 'wrong' | 'open'> {
  const failed = verdict.checks.filter(({ outcome }) => outcome === 'fail')
  const wrong = failed.map(({ id, title, detail }) => `${id}: ${detail ?? `not so: ${title}`}`)
  if (verdict.status === 'rejected' && !failed.some(({ id }) => id === verdict.check))
    wrong.unshift(`${verdict.check}: ${verdict.detail}`)
  const open: string[] = []
  if (verdict.status === 'undetermined') open.push(`without ${verdict.missing}: ${verdict.detail}`)
  const unreached = verdict.checks.filter(
    ({ stage, outcome, detail }) => stage === 'evidence' && outcome === 'skipped' && detail === 'not reached',
  )
  if (unreached.length > 0) open.push(`not reached: ${unreached.map(({ id }) => id).join(', ')}`)
  const { outcome, detail = '' } = verdict.checks.find(({ id }) => id === 'revocation') ?? {}
  if (outcome === 'skipped' && detail !== 'not reached')
    open.push(`revocation: ${detail.replace('the policy does without; ', '')}`)
  return { held: verdict.checks.filter(({ outcome }) => outcome === 'pass').map(({ id }) => id), wrong, open }
}

/** What an error of a parser says, as an entry of `wrong`. */
export function reasonOf(error: unknown): string {
  if (isVeristackError(error) && typeof error.details.reason === 'string') return error.details.reason
  return error instanceof Error ? error.message : String(error)
}

export const latest = (moments: readonly bigint[]): bigint | undefined =>
  moments.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0)).at(-1)

interface ChainEntry {
  readonly subject: string
  readonly serial: string
  readonly notBefore: bigint | number | string
  readonly notAfter: bigint | number | string
}

export const chainSection = (title: string, chain: readonly ChainEntry[]): Section => ({
  title,
  rows: chain.map((c, i): Row => {
    const dates = `${moment(BigInt(c.notBefore))} to ${moment(BigInt(c.notAfter))}`
    return row(i === 0 ? 'leaf' : `issuer ${i}`, [c.subject || 'no common name', dates, `serial ${c.serial}`])
  }),
})
