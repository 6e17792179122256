import type { Tensor } from '@veristack/core'
import type { Releasable } from './lease.ts'

/** A program whose bytes have been checked against its id. */
export interface LoadedProgram extends Releasable {
  /** The tensors that the program consumes, in its order. */
  prepare(inputs: readonly Tensor[]): readonly Tensor[]
  /** `inputs` are prepared ones; they are checked again. The signal is heard before and after the run, not within. */
  run(inputs: readonly Tensor[], signal: AbortSignal): Promise<readonly Tensor[]>
}

/** Makes a value when it is first asked for, once; a failure is not kept. */
export function lazily<T>(make: () => Promise<T>): { get(): Promise<T>; peek(): Promise<T> | undefined } {
  let value: Promise<T> | undefined
  return {
    peek: () => value,
    get() {
      if (value !== undefined) return value
      const attempt = make()
      value = attempt
      attempt.catch(() => {
        if (value === attempt) value = undefined
      })
      return attempt
    },
  }
}
