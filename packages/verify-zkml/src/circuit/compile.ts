import { createHash } from 'node:crypto'
import { type Digest, type ProgramId, RAW_SCHEME, toHex } from '@veristack/core/receipt'
import type { IntegerProgram, ProgramNode } from '@veristack/integer-model'
import { POSEIDON_SCHEME } from '@veristack/integer-model/commit'
import { fail } from '../errors.ts'
import { argmax } from '../gadgets/argmax.ts'
import { clip } from '../gadgets/clip.ts'
import { commitment } from '../gadgets/commitment.ts'
import { addConstant, addition, mulConstant, subtraction } from '../gadgets/elementwise.ts'
import { floorShift } from '../gadgets/floor-shift.ts'
import { concat, constant, transpose } from '../gadgets/layout.ts'
import { linear } from '../gadgets/linear.ts'
import { rangedInput } from '../gadgets/range.ts'
import type { Wire } from '../gadgets/wire.ts'
import {
  ConstraintSystem,
  centred,
  constantForm,
  encodeR1cs,
  evaluate,
  type Form,
  firstViolation,
} from '../r1cs/index.ts'
import { type CircuitLayout, circuitId, elements, encodeLayout, type LayoutEntry } from './layout.ts'
import { layoutOf, unsupported, type Visibility } from './visibility.ts'

export interface WitnessRequest {
  /** Both halves, each below 2^128. */
  readonly claim: readonly [bigint, bigint]
  /** Elements of every input, by name. */
  readonly inputs: Readonly<Record<string, readonly bigint[]>>
  /** Below 2^248; 0 where unsalted. */
  readonly inputSalt: bigint
  readonly outputSalt: bigint
}

export interface Witness {
  /** Canonical, in the order of the circuit's signals. */
  readonly values: readonly bigint[]
  /** The public ones, in order. */
  readonly publicSignals: readonly bigint[]
  /** Elements of every output, by name. */
  readonly outputs: Readonly<Record<string, readonly bigint[]>>
}

/** A program under a visibility, as constraints and the way to satisfy them. */
export interface Circuit {
  readonly id: Digest
  readonly program: ProgramId
  readonly layout: CircuitLayout
  readonly r1cs: Uint8Array<ArrayBuffer>
  readonly r1csHash: Digest
  readonly system: ConstraintSystem
  /** Computes and checks a witness. Throws `VS_ZKML_INVALID_INPUT` for inputs that have none. */
  witness(request: WitnessRequest): Witness
}

const widthIn = ({ width, signed }: LayoutEntry) => ({ width, signed })
const SALT = 'salt'
const CLAIM = 'claim'
const input = (name: string) => `input ${name}`

/** Turns a program into R1CS. Deterministic: equal programs and visibilities give equal bytes. */
export function compile(program: IntegerProgram, programId: ProgramId, visibility: Visibility = {}): Circuit {
  const layout = layoutOf(program, visibility)
  const cs = new ConstraintSystem()
  const halves = [cs.publicInput((w) => w.given(CLAIM, 0)), cs.publicInput((w) => w.given(CLAIM, 1))]
  const inputSignal = cs.publicOutput()
  const outputSignal = cs.publicOutput()
  const raw = layout.outputs.filter((e) => e.scheme === RAW_SCHEME)
  const posted = raw.map((e) => Array.from({ length: e.count }, () => cs.publicOutput()))

  // A public signal in no constraint could be changed without changing the proof.
  cs.scope('claim', () => halves.map((half) => cs.product(half, half)))

  const values: (readonly Wire[])[] = program.inputs.map(({ name, shape, range }) =>
    cs.scope(`input ${name}`, () => {
      const count = elements({ shape })
      const signals = cs.signals(count, (w) => Array.from({ length: count }, (_, i) => w.given(input(name), i)))
      return signals.map((signal) => rangedInput(cs, signal, range))
    }),
  )
  const shapes = [...program.inputs.map((i) => i.shape)]
  program.nodes.forEach((node, i) => {
    values.push(cs.scope(`node ${i} ${node.op}`, () => build(cs, node, values, shapes)))
    shapes.push(node.shape)
  })

  const byName = new Map(program.outputs.map((o) => [o.name, values[o.value] ?? []]))
  const salt = (index: number, salted: boolean): Form =>
    salted ? cs.signal((w) => w.given(SALT, index)) : constantForm(0n)
  cs.scope('input commitment', () => {
    const entry = layout.inputs[0]
    if (entry === undefined) throw unsupported('inputs', 'at least one', 'none')
    cs.expose(
      inputSignal,
      commitment(cs, programId, values.slice(0, program.inputs.length).flat(), widthIn(entry), salt(0, entry.salted)),
    )
  })
  cs.scope('output commitment', () => {
    const entry = layout.outputs.find((e) => e.scheme === POSEIDON_SCHEME)
    const wires = entry?.tensors.flatMap((t) => byName.get(t.name) ?? []) ?? []
    cs.expose(
      outputSignal,
      entry === undefined ? constantForm(0n) : commitment(cs, programId, wires, widthIn(entry), salt(1, entry.salted)),
    )
  })
  cs.scope('public outputs', () => {
    raw.forEach((entry, i) => {
      entry.tensors
        .flatMap((t) => byName.get(t.name) ?? [])
        .forEach((wire, j) => {
          cs.expose(posted[i]?.[j] ?? inputSignal, wire.form)
        })
    })
  })

  const r1cs = encodeR1cs(cs)
  const r1csHash = toHex(createHash('sha256').update(r1cs).digest()) as Digest
  return {
    id: circuitId(programId, encodeLayout(layout), r1csHash),
    program: programId,
    layout,
    r1cs,
    r1csHash,
    system: cs,
    witness(request) {
      checkInputs(program, request)
      const given = Object.fromEntries(program.inputs.map(({ name }) => [input(name), request.inputs[name] ?? []]))
      const solved = cs.solve({ ...given, [CLAIM]: request.claim, [SALT]: [request.inputSalt, request.outputSalt] })
      const broken = firstViolation(cs.constraints, solved)
      if (broken !== undefined) throw fail('VS_ZKML_WITNESS_REFUSED', { details: { constraint: broken } })
      return {
        values: solved,
        publicSignals: solved.slice(1, 1 + cs.publicCount),
        outputs: Object.fromEntries(
          [...byName].map(([name, wires]) => [name, wires.map((w) => centred(evaluate(w.form, solved)))]),
        ),
      }
    },
  }
}

function build(
  cs: ConstraintSystem,
  node: ProgramNode,
  values: readonly (readonly Wire[])[],
  shapes: readonly (readonly number[])[],
): readonly Wire[] {
  const at = (index: number): readonly Wire[] => {
    const wires = values[index]
    if (wires === undefined) throw unsupported('operand', 'an earlier value', `value ${index}`)
    return wires
  }
  switch (node.op) {
    case 'linear':
      return linear(cs, at(node.x), node.weights, node.bias)
    case 'add':
      return addition(at(node.a), at(node.b))
    case 'sub':
      return subtraction(at(node.a), at(node.b))
    case 'add-constant':
      return addConstant(at(node.x), node.constant)
    case 'mul-constant':
      return mulConstant(at(node.x), node.constant)
    case 'clip':
      return at(node.x).map((x) => clip(cs, x, node.lo, node.hi))
    case 'floor-shift':
      return at(node.x).map((x) => floorShift(cs, x, node.shift))
    case 'reshape':
      return at(node.x)
    case 'transpose':
      return transpose(at(node.x), shapes[node.x] ?? [], node.permutation)
    case 'concat':
      return concat(
        node.xs.map((x) => ({ wires: at(x), shape: shapes[x] ?? [] })),
        node.axis,
      )
    case 'constant':
      return constant(node.constant)
    case 'argmax':
      return argmaxAlong(cs, at(node.x), shapes[node.x] ?? [], node.axis)
    default:
      return node satisfies never
  }
}

function argmaxAlong(
  cs: ConstraintSystem,
  x: readonly Wire[],
  shape: readonly number[],
  axis: number,
): readonly Wire[] {
  const size = shape[axis] ?? 1
  const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1)
  const outer = shape.slice(0, axis).reduce((a, b) => a * b, 1)
  return Array.from({ length: outer * inner }, (_, group) => {
    const start = Math.floor(group / inner) * size * inner + (group % inner)
    return argmax(
      cs,
      Array.from({ length: size }, (_, j) => x[start + j * inner] as Wire),
    )
  })
}

function checkInputs(program: IntegerProgram, { inputs }: WitnessRequest): void {
  for (const { name, shape, range } of program.inputs) {
    const given = inputs[name]
    const count = elements({ shape })
    if (given?.length !== count) {
      throw fail('VS_ZKML_INVALID_INPUT', {
        details: { field: `input ${name}`, expected: `${count} elements`, got: given?.length ?? 'nothing' },
      })
    }
    const at = given.findIndex((x) => x < range.lo || x > range.hi)
    if (at >= 0) {
      throw fail('VS_ZKML_INVALID_INPUT', {
        details: { field: `input ${name}[${at}]`, expected: `${range.lo}..${range.hi}`, got: given[at] },
      })
    }
  }
}
