import type { ClipNode } from '../program/program.ts'
import { exactly, exactType, invalid, operand, type Primitive } from './primitive.ts'

const HAS_LO = 1
const HAS_HI = 2

/** y = min(max(x, lo), hi); at least one bound, lo <= hi. ReLU is lo = 0 and no upper bound. */
export const clip: Primitive<ClipNode> = {
  code: 6,
  edges: (node) => [node.x],

  shape(node, operands) {
    const { lo, hi } = node
    if (lo === undefined && hi === undefined) throw invalid('clip', 'at least one bound', 'none')
    if (lo !== undefined && hi !== undefined && lo > hi) throw invalid('clip', 'lo <= hi', `${lo} > ${hi}`)
    for (const bound of [lo, hi]) {
      if (bound !== undefined && !Number.isSafeInteger(Number(bound))) throw invalid('clip', 'bounds below 2^53', bound)
    }
    return operand(operands, 0).shape
  },

  range(node, operands) {
    const { lo, hi } = operand(operands, 0).range
    return { lo: clamp(lo, node), hi: clamp(hi, node) }
  },

  run(node, operands) {
    const lo = node.lo === undefined ? -Infinity : Number(node.lo)
    const hi = node.hi === undefined ? Infinity : Number(node.hi)
    return operand(operands, 0).map((x) => Math.min(Math.max(x, lo), hi))
  },

  write(node, writer) {
    writer.u8((node.lo === undefined ? 0 : HAS_LO) | (node.hi === undefined ? 0 : HAS_HI))
    if (node.lo !== undefined) writer.i64(node.lo)
    if (node.hi !== undefined) writer.i64(node.hi)
  },

  read(reader, edges, declared) {
    const flags = reader.u8('clip')
    return {
      op: 'clip',
      x: operand(exactly(edges, 1), 0),
      ...(flags & HAS_LO ? { lo: reader.i64('clip.lo') } : {}),
      ...(flags & HAS_HI ? { hi: reader.i64('clip.hi') } : {}),
      ...declared,
    }
  },

  emit(node, values, emitter) {
    const { range } = operand(values, 0)
    const type = exactType(range, node.range)
    let name = emitter.value(node.x, type)
    // A bound outside the operand's range changes nothing, and might not fit the type.
    if (node.lo !== undefined && node.lo > range.lo)
      name = emitter.operator('Max', [name, emitter.constant([], [Number(node.lo)], type)])
    if (node.hi !== undefined && node.hi < range.hi)
      name = emitter.operator('Min', [name, emitter.constant([], [Number(node.hi)], type)])
    return { name, type }
  },
}

function clamp(x: bigint, { lo, hi }: Pick<ClipNode, 'lo' | 'hi'>): bigint {
  const raised = lo !== undefined && x < lo ? lo : x
  return hi !== undefined && raised > hi ? hi : raised
}
