import type { Tensor } from '@veristack/core'
import { bigints } from '@veristack/core'
import { fail } from './errors.ts'

/**
 * Decides which runs of one program are compared with the interpreter: the first, then one in `every`, by count. Once a
 * comparison has failed, all of them.
 */
export class CanonCheck {
  readonly #every: number
  #passed = 0
  #failed = false

  constructor(every: number) {
    this.#every = every
  }

  /**
   * Throws `VS_ONNX_CANON_MISMATCH` where a run that is due differs in any bit from what `canon` computes. Runs on the
   * way at the same time may each be compared.
   */
  verify(outputs: readonly Tensor[], canon: () => readonly Tensor[]): void {
    if (this.#failed || this.#passed % this.#every === 0) {
      const difference = firstDifference(canon(), outputs)
      if (difference !== undefined) {
        this.#failed = true
        throw fail('VS_ONNX_CANON_MISMATCH', { details: difference })
      }
    }
    this.#passed += 1
  }
}

function firstDifference(expected: readonly Tensor[], got: readonly Tensor[]) {
  if (expected.length !== got.length) return { field: 'outputs', expected: expected.length, got: got.length }
  for (const [i, canon] of expected.entries()) {
    const other = got[i]
    const [want, have] = [form(canon), other === undefined ? 'nothing' : form(other)]
    if (other === undefined || want !== have) return { field: `output ${canon.name}`, expected: want, got: have }
    if (canon.data.every((b, at) => b === other.data[at])) continue
    const values = bigints(other)
    const element = bigints(canon).findIndex((v, at) => v !== values[at])
    return { field: `output ${canon.name}[${element}]`, expected: bigints(canon)[element], got: values[element] }
  }
  return undefined
}

const form = (t: Tensor): string => `${t.name}: ${t.type} [${t.shape.join(', ')}], ${t.data.length} bytes`
