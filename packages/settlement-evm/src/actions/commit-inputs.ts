import { commitTensors, type Host, type PlannedCommitment, type Publishable } from '@veristack/core'
import { type Commitment, commitmentKey, type Hex, publicScheme, type Tensor } from '@veristack/core/receipt'
import { fail } from '../errors.ts'

export interface CommitInputsParameters {
  readonly program: Publishable
  /** The tier of the requirement: its prover says which commitments it proves about. */
  readonly tier: string
  /** As the application has them: real ones are quantised here as the program wants it. */
  readonly inputs: readonly Tensor[]
  /** Of salted commitments, by `commitmentKey`. Whoever answers needs them too. */
  readonly salts?: Readonly<Record<string, Hex>>
  readonly signal?: AbortSignal
}

/**
 * What a request must say of its inputs for a tier to prove an answer: its `inputs` for `makeOrder`. `host` is that of a stack
 * with an executor of the program and the tier's plugin. Throws `VS_SETTLE_INVALID_OPTION` where
 * one of them is absent, or the salt of a commitment that the tier salts.
 */
export async function commitInputs(host: Host, o: CommitInputsParameters): Promise<readonly Commitment[]> {
  const { id, semantics, bytes } = o.program
  const executor = host.all('executor').find((e) => e.semantics.includes(semantics))
  if (executor === undefined) throw absent('program.semantics', 'those of an executor in the stack', semantics)
  const prover = host.all('prover').find((p) => p.tier === o.tier && p.semantics.includes(semantics))
  if (prover === undefined) throw absent('tier', `one whose plugin is in the stack, for ${semantics}`, o.tier)
  const blob = await host.use('blobs').put(bytes, 'application/vnd.veristack.program')
  const program = { id, semantics, blob }
  const signal = o.signal ?? new AbortController().signal
  const call = { signal, idempotencyKey: `commit-inputs/${id}`, progress: () => undefined }
  const tensors = await executor.prepare(program, o.inputs, call)
  const plan = (await prover.commitments?.(program))?.inputs ?? tensors.map(inTheOpen)
  const salts = o.salts ?? {}
  const list = await commitTensors(host, program, plan, tensors, salts)
  const open = list.find((c, i) => plan[i]?.salted === true && salts[commitmentKey(c)] === undefined)
  if (open !== undefined) throw absent('salts', `a salt for ${commitmentKey(open)}`, 'none')
  return list
}

const inTheOpen = (t: Tensor): PlannedCommitment => ({ tensors: [t.name], scheme: publicScheme(t), salted: false })

const absent = (field: string, expected: string, got: string) =>
  fail('VS_SETTLE_INVALID_OPTION', { details: { field, expected, got } })
