import type { Weights } from '@veristack/integer-model'
import { Wire } from './wire.ts'

/* Soundness: the same elements in another order. Nothing is constrained and nothing can be chosen. */

const count = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1)

export const constant = (weights: Weights): readonly Wire[] =>
  Array.from(weights.data, (value) => Wire.constant(BigInt(value)))

/** `shape` is the operand's; dimension d of the result is dimension permutation[d] of the operand. */
export function transpose(
  x: readonly Wire[],
  shape: readonly number[],
  permutation: readonly number[],
): readonly Wire[] {
  const strides = shape.map((_, d) => count(shape.slice(d + 1)))
  const to = permutation.map((d) => shape[d] as number)
  return x.map((_, index) => {
    let rest = index
    let from = 0
    for (let d = to.length - 1; d >= 0; d--) {
      const size = to[d] as number
      from += (rest % size) * (strides[permutation[d] as number] as number)
      rest = Math.floor(rest / size)
    }
    return x[from] as Wire
  })
}

export function concat(
  parts: readonly { readonly wires: readonly Wire[]; readonly shape: readonly number[] }[],
  axis: number,
): readonly Wire[] {
  const outer = count((parts[0]?.shape ?? []).slice(0, axis))
  return Array.from({ length: outer }, (_, row) =>
    parts.flatMap(({ wires, shape }) => {
      const block = count(shape.slice(axis))
      return wires.slice(row * block, (row + 1) * block)
    }),
  ).flat()
}
