import { count } from '../primitives/index.ts'

type Shape = readonly number[]

/** NumPy's rule: aligned at the last axis, where an axis of 1 stretches. Undefined where they do not go together. */
export function broadcast(a: Shape, b: Shape): number[] | undefined {
  const rank = Math.max(a.length, b.length)
  const at = (s: Shape, i: number): number => s[i - rank + s.length] ?? 1
  const out = Array.from({ length: rank }, (_, i) => Math.max(at(a, i), at(b, i)))
  return out.every((d, i) => [1, d].includes(at(a, i)) && [1, d].includes(at(b, i))) ? out : undefined
}

/** The axis as a number from 0, or undefined outside -rank..rank-1. */
export function axisOf(axis: number, rank: number): number | undefined {
  if (!Number.isInteger(axis) || axis < -rank || axis >= rank) return undefined
  return axis < 0 ? axis + rank : axis
}

/** The shape that a Reshape's operand asks for: 0 copies a dimension, one -1 takes what is left. */
export function reshaped(from: Shape, target: Shape): number[] | undefined {
  const copied = target.map((d, i) => (d === 0 ? (from[i] ?? -2) : d))
  const known = count(copied.filter((d) => d !== -1))
  const open = copied.filter((d) => d === -1).length
  if (open > 1 || copied.some((d) => d < -1)) return undefined
  const out = copied.map((d) => (d === -1 ? count(from) / known : d))
  return out.every(Number.isInteger) && count(out) === count(from) ? out : undefined
}

/** Flatten: everything before `axis`, and the rest. */
export function flattened(shape: Shape, axis: number): number[] | undefined {
  const at = axis === shape.length ? axis : axisOf(axis, shape.length)
  return at === undefined ? undefined : [count(shape.slice(0, at)), count(shape.slice(at))]
}

/** Concat along a normalised axis; undefined where the other axes differ. */
export function concatenated(shapes: readonly Shape[], axis: number): number[] | undefined {
  const [first] = shapes
  if (first === undefined) return undefined
  const fits = shapes.every((s) => s.length === first.length && s.every((d, i) => i === axis || d === first[i]))
  return fits ? first.map((d, i) => (i === axis ? shapes.reduce((sum, s) => sum + (s[axis] ?? 0), 0) : d)) : undefined
}
