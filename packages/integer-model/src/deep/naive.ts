import { bigints, type Tensor } from '@veristack/core/receipt'
import type { IntegerProgram, ProgramNode } from '../program/index.ts'

type Index = readonly number[]
interface Cells {
  readonly shape: readonly number[]
  readonly at: (index: Index) => bigint
}

/** An independent reading of the primitives' meaning: bigints and multi-indices, no arrays of doubles, no strides. */
export function naiveRun(program: IntegerProgram, inputs: readonly Tensor[]): bigint[][] {
  const values: Cells[] = program.inputs.map(({ name, shape }) => {
    const tensor = inputs.find((t) => t.name === name)
    if (tensor === undefined) throw new Error(`no ${name}`)
    return cells(shape, bigints(tensor))
  })
  for (const node of program.nodes) {
    const y = meaning(node, values)
    // Made concrete once, or nested look-ups would grow with the depth of the program.
    values.push(cells(node.shape, indices(node.shape).map(y)))
  }
  return values.map((v) => indices(v.shape).map(v.at))
}

function meaning(node: ProgramNode, values: readonly Cells[]): (index: Index) => bigint {
  const v = (i: number): Cells => values[i] ?? cells([], [])
  switch (node.op) {
    case 'linear': {
      const [x, w, b] = [v(node.x), constant(node.weights), constant(node.bias)]
      const size = node.weights.shape[0] ?? 0
      return (index) => {
        const o = index.at(-1) ?? 0
        return Array.from({ length: size }, (_, i) => x.at([...index.slice(0, -1), i]) * w.at([i, o])).reduce(
          (s, t) => s + t,
          b.at([o]),
        )
      }
    }
    case 'add':
      return (index) => v(node.a).at(index) + v(node.b).at(index)
    case 'sub':
      return (index) => v(node.a).at(index) - v(node.b).at(index)
    case 'add-constant':
      return (index) => v(node.x).at(index) + constant(node.constant).at(index)
    case 'mul-constant':
      return (index) => v(node.x).at(index) * constant(node.constant).at(index)
    case 'clip':
      return (index) => {
        const x = v(node.x).at(index)
        const raised = node.lo !== undefined && x < node.lo ? node.lo : x
        return node.hi !== undefined && raised > node.hi ? node.hi : raised
      }
    case 'floor-shift':
      return (index) => {
        const [x, d] = [v(node.x).at(index), 2n ** BigInt(node.shift)]
        return (x - (((x % d) + d) % d)) / d
      }
    case 'reshape': {
      const flat = indices(v(node.x).shape)
      const to = new Map(indices(node.shape).map((index, i) => [index.join(), flat[i] ?? []]))
      return (index) => v(node.x).at(to.get(index.join()) ?? [])
    }
    case 'transpose':
      return (index) => {
        const from = index.map(() => 0)
        for (const [k, axis] of node.permutation.entries()) from[axis] = index[k] ?? 0
        return v(node.x).at(from)
      }
    case 'concat':
      return (index) => {
        let along = index[node.axis] ?? 0
        for (const x of node.xs) {
          const size = v(x).shape[node.axis] ?? 0
          if (along < size) return v(x).at(index.with(node.axis, along))
          along -= size
        }
        throw new Error('past the end')
      }
    case 'constant':
      return constant(node.constant).at
    case 'argmax':
      return (index) => {
        const x = v(node.x)
        const row = Array.from({ length: x.shape[node.axis] ?? 0 }, (_, k) =>
          x.at([...index.slice(0, node.axis), k, ...index.slice(node.axis)]),
        )
        return BigInt(row.findIndex((a) => row.every((b) => b <= a)))
      }
  }
}

function constant({ shape, data }: { readonly shape: readonly number[]; readonly data: ArrayLike<number> }): Cells {
  return cells(
    shape,
    Array.from(data, (x) => BigInt(x)),
  )
}

function cells(shape: readonly number[], list: readonly bigint[]): Cells {
  const map = new Map(indices(shape).map((index, i) => [index.join(), list[i] ?? 0n]))
  return {
    shape,
    at: (index) => {
      const found = map.get(index.join())
      if (found === undefined) throw new Error(`no element [${index.join()}]`)
      return found
    },
  }
}

const indices = (shape: readonly number[]): number[][] =>
  shape.reduce<number[][]>((all, d) => all.flatMap((index) => Array.from({ length: d }, (_, i) => [...index, i])), [[]])
