import { isTensorName } from '@veristack/core/receipt'
import { fail } from '../errors.ts'
import { count, multiplications, primitiveOf, sameShape, showShape, type Value } from '../primitives/index.ts'
import { invalid } from '../primitives/primitive.ts'
import type { IntegerProgram, ProgramNode, Range, Weights } from './program.ts'

/** What a program may ask of whoever runs it. Larger ones are refused with `VS_MODEL_TOO_LARGE`. */
export const PROGRAM_LIMITS = {
  /** Bytes of an encoded program. */
  bytes: 256 * 1024 * 1024,
  nodes: 4096,
  /** Values that one node reads. */
  edges: 4096,
  /** Inputs, and likewise outputs. */
  ports: 64,
  rank: 8,
  /** Elements of one value. */
  elements: 2 ** 24,
  /** Elements of all values together. */
  totalElements: 2 ** 27,
  /** Multiply-accumulates of all linear nodes together. */
  macs: 2 ** 36,
} as const

const SAFE = BigInt(Number.MAX_SAFE_INTEGER)

const checked = new WeakMap<IntegerProgram, readonly Value[]>()

/** The values of a checked program: first the inputs, then one per node. */
export function valuesOf(program: IntegerProgram): readonly Value[] {
  const known = checked.get(program)
  if (known !== undefined) return known
  const values = validate(program)
  checked.set(program, values)
  return values
}

/**
 * Returns the program if everything in it holds: edges point to lower numbers, shapes and ranges are what the rules of
 * the primitives give, every value and accumulator stays below 2^53, and nothing exceeds {@link PROGRAM_LIMITS}.
 * Throws `VS_MODEL_INVALID_PROGRAM`, `VS_MODEL_RANGE_OVERFLOW` or `VS_MODEL_TOO_LARGE`.
 */
export function checkProgram(program: IntegerProgram): IntegerProgram {
  valuesOf(program)
  return program
}

/** Shape and range that the rules give to a node over these values; bounds are checked. */
export function inferNode(node: ProgramNode, values: readonly Value[]): Value {
  const edges = primitiveOf(node).edges(node)
  atMost('edges', edges.length, PROGRAM_LIMITS.edges)
  const operands = edges.map((edge) => {
    const value = values[edge]
    if (value === undefined) throw invalid('edges', `values below ${values.length}`, edge)
    return value
  })
  const shape = primitiveOf(node).shape(node, operands)
  checkShape(shape, 'shape')
  const range = primitiveOf(node).range(node, operands)
  if (range.lo < -SAFE || range.hi > SAFE) {
    throw fail('VS_MODEL_RANGE_OVERFLOW', {
      details: { op: node.op, expected: 'values below 2^53', got: `${range.lo}..${range.hi}` },
    })
  }
  return { shape, range }
}

function validate(program: IntegerProgram): Value[] {
  const { inputs, nodes, outputs } = program
  if (program.semantics !== 'integer/v1') throw invalid('semantics', 'integer/v1', String(program.semantics))
  if (program.stepRuleVersion !== 0) throw invalid('stepRuleVersion', '0', String(program.stepRuleVersion))
  atMost('nodes', nodes.length, PROGRAM_LIMITS.nodes)
  for (const [field, list] of [
    ['inputs', inputs],
    ['outputs', outputs],
  ] as const) {
    if (list.length === 0) throw invalid(field, 'at least 1', 0)
    atMost(field, list.length, PROGRAM_LIMITS.ports)
  }
  checkNames([...inputs, ...outputs].map((port) => port.name))

  const values: Value[] = inputs.map(({ name, shape, range, quantisation }) => {
    checkShape(shape, `input ${name}`)
    checkRange(range, `input ${name}`)
    checkScale(quantisation, `input ${name}`)
    return { shape, range }
  })
  let macs = 0
  nodes.forEach((node, i) => {
    const field = `nodes[${i}]`
    const { shape, range } = inferNode(checkWeights(node), values)
    if (!sameShape(shape, node.shape)) throw invalid(`${field}.shape`, showShape(shape), showShape(node.shape))
    if (range.lo !== node.range.lo || range.hi !== node.range.hi) {
      throw invalid(`${field}.range`, `${range.lo}..${range.hi}`, `${node.range.lo}..${node.range.hi}`)
    }
    if (node.op === 'linear') macs += multiplications(node)
    values.push({ shape, range })
  })
  atMost('macs', macs, PROGRAM_LIMITS.macs)
  atMost(
    'totalElements',
    values.reduce((sum, v) => sum + count(v.shape), 0),
    PROGRAM_LIMITS.totalElements,
  )

  for (const output of outputs) {
    if (!Number.isInteger(output.value) || values[output.value] === undefined) {
      throw invalid(`output ${output.name}.value`, `a value below ${values.length}`, output.value)
    }
    checkScale(output, `output ${output.name}`)
  }
  return values
}

function checkWeights(node: ProgramNode): ProgramNode {
  if (node.op === 'linear') {
    checkConstant(node.weights, 'weights')
    checkConstant(node.bias, 'bias')
  } else if ('constant' in node) checkConstant(node.constant, 'constant')
  return node
}

function checkConstant({ shape, data }: Weights, field: string): void {
  checkShape(shape, field)
  if (data.length !== count(shape)) throw invalid(field, `${count(shape)} elements`, data.length)
  if (data instanceof Float64Array) {
    const odd = data.find((x) => !Number.isSafeInteger(x))
    if (odd !== undefined) throw invalid(field, 'safe integers', odd)
  }
}

function checkShape(shape: readonly number[], field: string): void {
  const bad = shape.find((d) => !Number.isSafeInteger(d) || d < 1)
  if (bad !== undefined || shape.length > PROGRAM_LIMITS.rank) {
    throw invalid(`${field}.shape`, `at most ${PROGRAM_LIMITS.rank} dimensions of at least 1`, showShape(shape))
  }
  atMost(`${field} elements`, count(shape), PROGRAM_LIMITS.elements)
}

function checkRange({ lo, hi }: Range, field: string): void {
  if (lo > hi || lo < -SAFE || hi > SAFE) throw invalid(`${field}.range`, 'lo <= hi, below 2^53', `${lo}..${hi}`)
}

function checkScale({ scale, zeroPoint }: { readonly scale: number; readonly zeroPoint: number }, field: string): void {
  if (!Number.isFinite(scale) || scale <= 0) throw invalid(`${field}.scale`, 'a positive number', scale)
  if (!Number.isSafeInteger(zeroPoint)) throw invalid(`${field}.zeroPoint`, 'a safe integer', zeroPoint)
}

function checkNames(names: readonly string[]): void {
  names.forEach((name, i) => {
    if (!isTensorName(name))
      throw invalid('name', 'a name that a commitment list can hold', JSON.stringify(name).slice(0, 80))
    if (names.indexOf(name) !== i) throw invalid('name', 'another name for each input and output', name)
  })
}

function atMost(field: string, got: number, limit: number): void {
  if (got > limit) throw fail('VS_MODEL_TOO_LARGE', { details: { field, limit, got } })
}
