import { fail } from '../errors.ts'
import { edgesOf, type Value } from '../primitives/index.ts'
import { checkProgram, inferNode } from './check.ts'
import type { IntegerProgram, ProgramInput, ProgramNode, ProgramOutput } from './program.ts'

type Attributes<N extends ProgramNode = ProgramNode> = N extends ProgramNode ? Omit<N, 'shape' | 'range'> : never
/** A node without what the rules give: its range, and its shape except for a reshape, which says where it goes. */
export type NodeAttributes =
  | Attributes<Exclude<ProgramNode, { op: 'reshape' }>>
  | Omit<Extract<ProgramNode, { op: 'reshape' }>, 'range'>

/** Makes a program value by value; shapes and ranges follow from the rules of the primitives. */
export class ProgramBuilder {
  readonly #inputs: ProgramInput[] = []
  readonly #nodes: ProgramNode[] = []
  readonly #values: Value[] = []

  /** Inputs come before the first node. Returns the number of the value. */
  input(input: ProgramInput): number {
    if (this.#nodes.length > 0) throw fail('VS_MODEL_INVALID_PROGRAM', { message: 'Inputs come before nodes' })
    this.#inputs.push(input)
    return this.#values.push({ shape: input.shape, range: input.range }) - 1
  }

  /** Returns the number of the value that the node makes. */
  node(attributes: NodeAttributes): number {
    const { shape, range } = inferNode({ shape: [], range: { lo: 0n, hi: 0n }, ...attributes }, this.#values)
    this.#nodes.push({ ...attributes, shape, range })
    return this.#values.push({ shape, range }) - 1
  }

  /** Adds to the bias of the linear node that made this value, which no node may have read yet. */
  addToBias(value: number, addend: ArrayLike<number>): void {
    const at = value - this.#inputs.length
    const node = this.#nodes[at]
    if (node?.op !== 'linear' || this.#nodes.some((n) => edgesOf(n).includes(value))) {
      throw fail('VS_MODEL_INVALID_PROGRAM', {
        details: { field: 'value', expected: 'a linear node that nothing reads', got: value },
      })
    }
    const outputs = node.bias.data.length
    const sum = Float64Array.from(node.bias.data, (b, o) => b + (addend[o] ?? 0))
    for (let i = outputs; i < addend.length; i++) {
      if (addend[i] !== addend[i % outputs])
        throw fail('VS_MODEL_INVALID_PROGRAM', { message: 'A bias is the same in every row' })
    }
    const narrow = sum.every((v) => v >= -(2 ** 31) && v < 2 ** 31)
    const changed = { ...node, bias: { shape: [outputs], data: narrow ? Int32Array.from(sum) : sum } }
    const known = inferNode(changed, this.#values.slice(0, value))
    this.#nodes[at] = { ...changed, ...known }
    this.#values[value] = known
  }

  value(index: number): Value {
    const value = this.#values[index]
    if (value === undefined)
      throw fail('VS_MODEL_INVALID_PROGRAM', {
        details: { field: 'value', expected: `below ${this.#values.length}`, got: index },
      })
    return value
  }

  build(outputs: readonly ProgramOutput[]): IntegerProgram {
    return checkProgram({
      semantics: 'integer/v1',
      stepRuleVersion: 0,
      inputs: [...this.#inputs],
      nodes: [...this.#nodes],
      outputs,
    })
  }
}
