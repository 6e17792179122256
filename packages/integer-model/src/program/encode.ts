import { fail } from '../errors.ts'
import { primitiveByCode, primitiveOf } from '../primitives/index.ts'
import { malformed, Reader, Writer } from './bytes.ts'
import { checkProgram, PROGRAM_LIMITS } from './check.ts'
import type { IntegerProgram, ProgramInput, ProgramNode, ProgramOutput, Weights } from './program.ts'
import type { WeightsOrder } from './weights-digest.ts'

export const PROGRAM_MEDIA_TYPE = 'application/vnd.veristack.integer-program'

const MAGIC = Uint8Array.of(0x56, 0x53, 0x49, 0x50) // VSIP
const FORMAT = 1
const ROUNDING_FLOOR = 0
const TIES_LOWEST = 0

/** The canonical bytes of a checked program: equal programs have equal bytes. */
export function encodeProgram(program: IntegerProgram): Uint8Array {
  checkProgram(program)
  const writer = new Writer()
  writeHeader(program, writer)
  for (const node of program.nodes) writeNode(node, writer, (weights) => writer.weights(weights))
  return writer.take()
}

/**
 * The program of these bytes, checked. Throws `VS_MODEL_TOO_LARGE`, `VS_MODEL_NOT_CANONICAL` where the bytes are not
 * exactly what {@link encodeProgram} makes, and what `checkProgram` throws.
 */
export function decodeProgram(bytes: Uint8Array, options: { readonly maxBytes?: number } = {}): IntegerProgram {
  const limit = options.maxBytes ?? PROGRAM_LIMITS.bytes
  if (bytes.length > limit)
    throw fail('VS_MODEL_TOO_LARGE', { details: { field: 'program', limit, got: bytes.length } })
  const reader = new Reader(bytes)
  const program = readProgram(reader)
  if (reader.rest !== 0) throw malformed('end', 'no more bytes', reader.rest)
  const again = encodeProgram(program)
  const differs =
    again.length !== bytes.length ? Math.min(again.length, bytes.length) : again.findIndex((b, i) => b !== bytes[i])
  if (differs !== -1) throw malformed('bytes', 'the shortest form of every field', `another at byte ${differs}`)
  return program
}

/** Everything but the nodes: semantics, rules, inputs and outputs. */
export function writeHeader(program: IntegerProgram, writer: Writer): void {
  writer.raw(MAGIC)
  writer.u8(FORMAT)
  writer.text(program.semantics)
  writer.u32(program.stepRuleVersion)
  writer.u8(ROUNDING_FLOOR)
  writer.u8(TIES_LOWEST)
  writer.u32(program.inputs.length)
  for (const { name, shape, range, quantisation } of program.inputs) {
    writer.text(name)
    writer.shape(shape)
    writer.range(range)
    writer.f64(quantisation.scale)
    writer.i64(BigInt(quantisation.zeroPoint))
  }
  writer.u32(program.outputs.length)
  for (const { name, value, scale, zeroPoint } of program.outputs) {
    writer.text(name)
    writer.u32(value)
    writer.f64(scale)
    writer.i64(BigInt(zeroPoint))
  }
  writer.u32(program.nodes.length)
}

/** One node; `weights` writes a constant tensor or stands something in for it. */
export function writeNode(
  node: ProgramNode,
  writer: Writer,
  weights: (weights: Weights, order: WeightsOrder) => void,
): void {
  const primitive = primitiveOf(node)
  const edges = primitive.edges(node)
  writer.u8(primitive.code)
  writer.u32(edges.length)
  for (const edge of edges) writer.u32(edge)
  writer.shape(node.shape)
  writer.range(node.range)
  primitive.write(node, writer, weights)
}

function readProgram(reader: Reader): IntegerProgram {
  const magic = reader.raw(MAGIC.length, 'magic')
  if (magic.some((b, i) => b !== MAGIC[i])) throw malformed('magic', 'VSIP', 'other bytes')
  must(reader.u8('format'), FORMAT, 'format')
  const semantics = reader.text('semantics')
  if (semantics !== 'integer/v1') throw malformed('semantics', 'integer/v1', JSON.stringify(semantics).slice(0, 80))
  must(reader.u32('stepRuleVersion'), 0, 'stepRuleVersion')
  must(reader.u8('rounding'), ROUNDING_FLOOR, 'rounding')
  must(reader.u8('ties'), TIES_LOWEST, 'ties')
  const inputs = list(reader, 'inputs', PROGRAM_LIMITS.ports, readInput)
  const outputs = list(reader, 'outputs', PROGRAM_LIMITS.ports, readOutput)
  const nodes = list(reader, 'nodes', PROGRAM_LIMITS.nodes, readNode)
  return { semantics, stepRuleVersion: 0, inputs, nodes, outputs }
}

function readInput(reader: Reader): ProgramInput {
  return {
    name: reader.text('input.name'),
    shape: reader.shape('input.shape'),
    range: reader.range('input.range'),
    quantisation: { scale: reader.f64('input.scale'), zeroPoint: reader.safe('input.zeroPoint') },
  }
}

function readOutput(reader: Reader): ProgramOutput {
  return {
    name: reader.text('output.name'),
    value: reader.u32('output.value'),
    scale: reader.f64('output.scale'),
    zeroPoint: reader.safe('output.zeroPoint'),
  }
}

function readNode(reader: Reader): ProgramNode {
  const code = reader.u8('node.op')
  const primitive = primitiveByCode(code)
  if (primitive === undefined) throw malformed('node.op', 'a known primitive', code)
  const edges = list(reader, 'node.edges', PROGRAM_LIMITS.edges, (r) => r.u32('node.edges'))
  const shape = reader.shape('node.shape')
  const range = reader.range('node.range')
  return primitive.read(reader, edges, { shape, range })
}

function list<T>(reader: Reader, field: string, limit: number, read: (reader: Reader) => T): T[] {
  const length = reader.u32(field)
  if (length > limit) throw fail('VS_MODEL_TOO_LARGE', { details: { field, limit, got: length } })
  return Array.from({ length }, () => read(reader))
}

function must(got: number, expected: number, field: string): void {
  if (got !== expected) throw malformed(field, `${expected}`, got)
}
