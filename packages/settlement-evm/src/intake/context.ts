import type { Jobs } from '@veristack/core'
import type { SettlementClient } from '../client.ts'
import type { Funds } from './funds.ts'
import type { CheckedOptions, IntakeEvent } from './options.ts'
import type { Programs } from './programs.ts'
import type { Progress } from './progress.ts'

/** What the parts of a running intake share. */
export interface Context {
  readonly o: CheckedOptions
  readonly client: SettlementClient
  readonly jobs: Jobs
  readonly programs: Programs
  readonly emit: (event: IntakeEvent) => void
  readonly progress: Progress
  readonly funds: Funds
  readonly signal: AbortSignal
}
