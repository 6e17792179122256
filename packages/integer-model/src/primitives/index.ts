import type { PrimitiveName, ProgramNode } from '../program/program.ts'
import { add, sub } from './add.ts'
import { argmax } from './argmax.ts'
import { clip } from './clip.ts'
import { concat } from './concat.ts'
import { constant } from './constant.ts'
import { addConstant, mulConstant } from './constant-operand.ts'
import { floorShift } from './floor-shift.ts'
import { linear } from './linear.ts'
import { invalid, type Primitive } from './primitive.ts'
import { reshape } from './reshape.ts'
import { transpose } from './transpose.ts'

type NodeOf<K extends PrimitiveName, N extends ProgramNode = ProgramNode> = N extends ProgramNode
  ? K extends N['op']
    ? N
    : never
  : never

/** Every primitive of `integer/v1`. */
export const PRIMITIVES: { readonly [K in PrimitiveName]: Primitive<NodeOf<K>> } = {
  linear,
  add,
  sub,
  'add-constant': addConstant,
  'mul-constant': mulConstant,
  clip,
  'floor-shift': floorShift,
  reshape,
  transpose,
  concat,
  constant,
  argmax,
}

export function primitiveOf(node: Pick<ProgramNode, 'op'>): Primitive<ProgramNode> {
  if (!Object.hasOwn(PRIMITIVES, node.op)) throw invalid('op', Object.keys(PRIMITIVES).join(' | '), String(node.op))
  return PRIMITIVES[node.op]
}

const BY_CODE = new Map<number, Primitive<ProgramNode>>(Object.values(PRIMITIVES).map((p) => [p.code, p]))

export const primitiveByCode = (code: number): Primitive<ProgramNode> | undefined => BY_CODE.get(code)

/** The values that a node reads, in order. */
export const edgesOf = (node: ProgramNode): readonly number[] => primitiveOf(node).edges(node)

export { accumulatorBound, multiplications } from './linear.ts'
export {
  count,
  type Emitted,
  exactType,
  fitsInt32,
  type OnnxEmitter,
  type OnnxType,
  type Primitive,
  sameShape,
  showShape,
  type Value,
} from './primitive.ts'
export { sourceIndex } from './transpose.ts'
