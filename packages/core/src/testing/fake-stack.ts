import type { Address } from '../claim/index.ts'
import type { Plugin, Program } from '../plugin/roles.ts'
import { createStack, type Stack, type StackOptions } from '../plugin/stack.ts'
import type { AnchorSet } from '../receipt/anchors.ts'
import type { Verifier } from '../receipt/verdict.ts'
import { type FakeExecutorOptions, fakeExecutorPlugin, fakeProgram } from './doubles/fake-executor.ts'
import { fakeSettler, fakeSettlerPlugin } from './doubles/fake-settler.ts'
import { fakeTier, fakeVerifier } from './doubles/fake-tier.ts'

export interface FakeStackOptions extends FakeExecutorOptions, Omit<StackOptions, 'plugins'> {
  /** Adds a settlement contract in memory. Default false. */
  readonly settle?: boolean
  /** More plugins, the integrator's own. */
  readonly plugins?: readonly Plugin[]
}

export interface FakeStack extends Stack {
  /** Published; ask for it with `require: 'fake'`. */
  readonly program: Program
  /** For `verifyReceipt`. */
  readonly anchors: AnchorSet
  readonly verifiers: readonly Verifier[]
  /** What the settlement contract credited to an account, in wei. */
  credited(account: Address): Promise<bigint>
}

/** A whole stack for unit tests of what is built on one: no model, no keys, no chain. Its evidence is worth nothing. */
export async function fakeStack(options: FakeStackOptions = {}): Promise<FakeStack> {
  const { settle = false, plugins = [], inputs, compute, ...rest } = options
  const ledger = fakeSettler()
  const executor = { ...(inputs === undefined ? {} : { inputs }), ...(compute === undefined ? {} : { compute }) }
  const stack = await createStack({
    ...rest,
    plugins: [fakeExecutorPlugin(executor), fakeTier(), ...(settle ? [fakeSettlerPlugin(ledger)] : []), ...plugins],
  })
  const { program, anchors } = await stack.publish(fakeProgram())
  return { ...stack, program, anchors, verifiers: [fakeVerifier()], credited: ledger.credited }
}
