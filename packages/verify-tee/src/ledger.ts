import { fail, type TeeErrorCode } from './errors.ts'
import {
  type CheckDescriptor,
  type CheckResult,
  PHYSICAL_ATTACKS,
  type TcbReport,
  type TeeVerdict,
  type Vendor,
} from './verdict.ts'

export type CheckTable = { readonly [id: string]: CheckDescriptor }

/** Ends a judgement. Known by its class inside this package alone; it never leaves it. */
export class Refusal extends Error {
  constructor(
    readonly check: string,
    readonly code: TeeErrorCode,
    readonly detail: string,
  ) {
    super(detail)
  }
}

/** Ends a judgement that lacks something. */
export class Lack extends Error {
  constructor(readonly detail: string) {
    super(detail)
  }
}

/** Refuses what can not be read. `field` says where. */
export const malformed = (field: string, expected: string, got: string): Refusal =>
  new Refusal('form', 'VS_TEE_MALFORMED', `${field}: expected ${expected}, got ${got}`)

/** The checks of one judgement, in the order in which they were made. Every check of the table ends up in the verdict. */
export interface Ledger<Id extends string> {
  /** Ends the judgement where it does not hold; `detail` then says what came, and what was expected. */
  require(id: Id, holds: boolean, detail?: string, code?: TeeErrorCode): void
  /** Goes on where it does not hold, so that a reader sees the others too; the verdict is rejected all the same. */
  note(id: Id, holds: boolean, detail?: string, code?: TeeErrorCode): void
  skip(id: Id, why: string): void
}

export interface Findings<Claims> {
  readonly claims?: Claims
  readonly tcb?: TcbReport
  readonly platformId?: string
}

/**
 * Runs a judgement and makes its verdict. `judge` reports what it finds through `found` as soon as it knows it, so that a
 * refusal still shows it. Nothing that evidence can cause comes out as an exception; errors about policies, collateral
 * and options (`VS_TEE_INVALID_OPTION`) do, because they are the caller's.
 */
export async function judged<const T extends CheckTable, Claims>(
  vendor: Vendor,
  table: T,
  judge: (ledger: Ledger<keyof T & string>, found: (findings: Findings<Claims>) => void) => Promise<void> | void,
  notCovered: readonly string[] = [],
): Promise<TeeVerdict<Claims>> {
  const results = new Map<string, CheckResult>()
  let findings: Findings<Claims> = {}
  let first: Refusal | undefined
  const record = (id: string, outcome: CheckResult['outcome'], detail: string | undefined): void => {
    const descriptor = table[id]
    if (descriptor === undefined) throw new TypeError(`undeclared check ${id}`)
    const { stage, title } = descriptor
    // A check that is made for several parts has failed when one of them fails.
    if (results.get(id)?.outcome === 'fail') return
    results.set(id, { id, stage, title, outcome, ...(detail === undefined ? {} : { detail }) })
  }
  const refusal = (id: string, detail: string | undefined, code: TeeErrorCode | undefined): Refusal =>
    new Refusal(id, code ?? table[id]?.code ?? 'VS_TEE_INTERNAL', detail ?? `not so: ${table[id]?.title ?? id}`)
  const ledger: Ledger<keyof T & string> = {
    require(id, holds, detail, code) {
      record(id, holds ? 'pass' : 'fail', holds ? undefined : detail)
      if (!holds) throw refusal(id, detail, code)
    },
    note(id, holds, detail, code) {
      record(id, holds ? 'pass' : 'fail', holds ? undefined : detail)
      if (!holds) first ??= refusal(id, detail, code)
    },
    skip: (id, why) => record(id, 'skipped', why),
  }
  let lack: Lack | undefined
  try {
    await judge(ledger, (more) => {
      findings = { ...findings, ...more }
    })
  } catch (error) {
    if (error instanceof Refusal) first ??= error
    else if (error instanceof Lack) lack = error
    else if (isCallersFault(error)) throw error
    else first ??= new Refusal('form', 'VS_TEE_INTERNAL', error instanceof Error ? error.message : String(error))
  }
  if (first !== undefined && results.get(first.check)?.outcome !== 'fail' && first.check in table)
    record(first.check, 'fail', first.detail)
  const checks = Object.entries(table).map(
    ([id, { stage, title }]): CheckResult =>
      results.get(id) ?? { id, stage, title, outcome: 'skipped', detail: 'not reached' },
  )
  const common = {
    vendor,
    checks,
    ...findings,
    notCovered: [...notCovered, ...PHYSICAL_ATTACKS],
  }
  if (first !== undefined)
    return { ...common, status: 'rejected', code: first.code, check: first.check, detail: first.detail }
  if (lack !== undefined) return { ...common, status: 'undetermined', missing: 'collateral', detail: lack.detail }
  // A check that nobody made, passed or skipped with a reason, is not one that holds.
  const unmade = Object.keys(table).find((id) => !results.has(id))
  if (unmade !== undefined)
    return { ...common, status: 'rejected', code: 'VS_TEE_INTERNAL', check: unmade, detail: `${unmade} was not made` }
  return { ...common, status: 'accepted' }
}

const CALLERS = fail('VS_TEE_INVALID_OPTION').code
const isCallersFault = (error: unknown): boolean =>
  typeof error === 'object' && error !== null && 'code' in error && error.code === CALLERS
