import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type IntelAppraisal, type IntelCollateral, type IntelRelyingParty, intelDefaults } from './index.ts'

/** Captured evidence that lies beside the project, and not in it. Tests and benchmarks run in the project's root. */
const FOLDER = resolve('../shared/vectors/tee/intel')
export const present = existsSync(join(FOLDER, 'index.json'))

export interface Entry {
  readonly file: string
  readonly kind: string
  readonly use_with?: string
  readonly at?: string
  readonly note?: string
  readonly negative_or_note?: string
  readonly observed?: {
    readonly v: number
    readonly tee: string
    readonly trail: number
    readonly debug: boolean
    readonly chain: boolean | null
    /** The certificate’s first moment. */
    readonly nb: string | null
    readonly fmspc: string | null
    readonly cpusvn: string | null
    readonly pcesvn: number | null
    readonly teeTcbSvn: string | null
  }
  readonly tcb_evaluation?: Readonly<
    Record<
      string,
      {
        readonly at: string
        readonly platform: string
        readonly module: string
        readonly converged: string
        readonly advisories: readonly string[]
      }
    >
  >
}

export const index = (): readonly Entry[] =>
  present ? JSON.parse(readFileSync(join(FOLDER, 'index.json'), 'utf8')) : []

export const has = (file: string): boolean => existsSync(join(FOLDER, file))

/** Hexadecimal files hold a quote a line. */
export function quotesOf(file: string): readonly Uint8Array[] {
  const bytes = readFileSync(join(FOLDER, file))
  if (!file.endsWith('.hex')) return [new Uint8Array(bytes)]
  const lines = bytes.toString('utf8').trim().split(/\s+/)
  return lines.map((line) => new Uint8Array(Buffer.from(line.replace(/^0x/, ''), 'hex')))
}

export function quoteOf(file: string): Uint8Array {
  const [first] = quotesOf(file)
  if (first === undefined) throw new Error(`${file} is empty`)
  return first
}

export const textOf = (file: string): string => readFileSync(join(FOLDER, file), 'utf8')
export const bytesOf = (file: string): Uint8Array => new Uint8Array(readFileSync(join(FOLDER, file)))
export const collateralOf = (file: string): IntelCollateral => JSON.parse(textOf(file))
export const seconds = (date: string): bigint => BigInt(Date.parse(date)) / 1000n

/** Lets every code and status through, so that what is refused is refused for what it is. */
export const LENIENT: IntelAppraisal = {
  ...intelDefaults,
  tcbStatuses: [
    'UpToDate',
    'SWHardeningNeeded',
    'ConfigurationNeeded',
    'ConfigurationAndSWHardeningNeeded',
    'OutOfDate',
    'OutOfDateConfigurationNeeded',
  ],
  advisories: 'any',
  trailingBytes: 'zeros',
  sgx: 'any',
  tdx: 'any',
}

export const ANYONE: IntelRelyingParty = { reportData: 'any', platforms: 'any' }
