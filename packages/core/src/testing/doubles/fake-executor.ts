import { checkTensor, keccak, numbers, type ProgramId, type Tensor, tensor, toHex } from '../../claim/index.ts'
import { fail } from '../../errors/index.ts'
import type { Executor, Plugin } from '../../plugin/roles.ts'
import type { Publishable } from '../../plugin/stack.ts'

export const FAKE_SEMANTICS = 'fake/v1'

/** What the fake program computes. Integers only, so that the fake tier can commit to the outputs. */
export type Compute = (inputs: readonly Tensor[]) => readonly Tensor[]

export interface FakeExecutorOptions {
  /** Names of the inputs; all of them are `int32` of rank 1. Default: `x`. */
  readonly inputs?: readonly string[]
  /** Default: `y` = 2 · `x` + 1, element by element. */
  readonly compute?: Compute
}

/** A program of {@link FAKE_SEMANTICS}: its bytes mean nothing, what it computes is the executor's option. */
export const fakeProgram = (seed = 0): Publishable => {
  const bytes = new TextEncoder().encode(`fake program ${seed}`)
  return { id: toHex(keccak(bytes)) as ProgramId, semantics: FAKE_SEMANTICS, bytes }
}

const affine: Compute = (inputs) =>
  inputs.map((t) =>
    tensor(
      'y',
      'int32',
      t.shape,
      numbers(t).map((v) => 2 * v + 1),
    ),
  )

/** Runs nothing but the function that it is given, and is as strict about inputs as an executor has to be. */
export function fakeExecutor(options: FakeExecutorOptions = {}): Executor {
  const { inputs: names = ['x'], compute = affine } = options
  const refuse = (field: string, expected: string, got: string) =>
    fail('VS_CORE_INVALID_DATA', { details: { field, expected, got } })

  return {
    semantics: [FAKE_SEMANTICS],
    attaches: [],
    prepare: async (program, inputs, call) => {
      call.signal.throwIfAborted()
      if (program.semantics !== FAKE_SEMANTICS) throw refuse('program.semantics', FAKE_SEMANTICS, program.semantics)
      const found = names.map((name) => inputs.find((t) => t.name === name))
      const complete = found.filter((t) => t !== undefined)
      if (complete.length !== names.length || inputs.length !== names.length) {
        throw refuse('inputs', names.join(', '), inputs.map((t) => t.name).join(', '))
      }
      for (const t of complete) {
        checkTensor(t)
        if (t.type !== 'int32' || t.shape.length !== 1) {
          throw refuse(`inputs.${t.name}`, 'int32 of rank 1', `${t.type} of rank ${t.shape.length}`)
        }
      }
      return complete
    },
    execute: async ({ node, inputs }, call) => {
      call.signal.throwIfAborted()
      return { executor: node, outputs: compute(inputs).map((t) => checkTensor(t)), attachments: {} }
    },
  }
}

export const fakeExecutorPlugin = (options: FakeExecutorOptions = {}): Plugin => ({
  specificationVersion: 'v1',
  name: 'fake-executor',
  version: '0.0.0',
  provides: ['executor'],
  register: (host) => host.provide('executor', () => fakeExecutor(options)),
})
