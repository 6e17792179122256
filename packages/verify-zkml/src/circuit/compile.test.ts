import { bigints, type ProgramId, RAW_SCHEME, tensor } from '@veristack/core/receipt'
import { type IntegerProgram, inferNode, interpret, programId, type Value } from '@veristack/integer-model'
import { poseidonCommitment } from '@veristack/integer-model/commit'
import fc from 'fast-check'
import { firstViolation, R } from '../r1cs/index.ts'
import {
  type BareNode,
  classifier,
  input,
  integers,
  output,
  program,
  smallProgram,
  weights,
} from '../testing/programs.ts'
import { compile } from './compile.ts'
import { decodeLayout, encodeLayout, makeEntry } from './layout.ts'
import { circuitReport } from './report.ts'

const hex = (n: bigint) => `0x${n.toString(16).padStart(64, '0')}` as const
const request = (inputs: Record<string, readonly bigint[]>) => ({
  claim: [5n, 6n] as const,
  inputs,
  inputSalt: 77n,
  outputSalt: 99n,
})

/** A program of up to `size` random nodes over two inputs that all have a range below 2^40. */
function randomProgram(seed: number, size: number): IntegerProgram {
  const next = integers(seed)
  const shapes = [[2, 3], [1, 4], [3, 2, 2], [5], [2, 2]]
  const shape = shapes[next(0, shapes.length - 1)] as number[]
  const inputs = [input('a', shape, BigInt(next(-9, 0)), BigInt(next(1, 9))), input('b', shape, 0n, BigInt(next(1, 7)))]
  const nodes: BareNode[] = []
  const values: Value[] = inputs.map((i) => ({ shape: i.shape, range: i.range }))
  const draw = (count: number, lo: number, hi: number) => Array.from({ length: count }, () => next(lo, hi))
  while (nodes.length < size) {
    const x = next(0, values.length - 1)
    const from = values[x] as Value
    const count = from.shape.reduce((p, q) => p * q, 1)
    const peers = values.flatMap((v, i) => (v.shape.join() === from.shape.join() ? [i] : []))
    const peer = peers[next(0, peers.length - 1)] as number
    const outputs = next(1, 10)
    const width = from.shape.at(-1) ?? 1
    const candidates: BareNode[] = [
      {
        op: 'linear',
        x,
        weights: weights([width, outputs], draw(width * outputs, -9, 9)),
        bias: weights([outputs], draw(outputs, -20, 20)),
      },
      { op: next(0, 1) === 0 ? 'add' : 'sub', a: x, b: peer },
      { op: 'add-constant', x, constant: weights(from.shape, draw(count, -9, 9)) },
      { op: 'mul-constant', x, constant: weights(from.shape, draw(count, -4, 4)) },
      { op: 'clip', x, lo: BigInt(next(-9, 3)), ...(next(0, 1) === 0 ? {} : { hi: BigInt(next(4, 40)) }) },
      { op: 'clip', x, lo: 0n },
      { op: 'clip', x, lo: 0n, hi: 15n },
      { op: 'floor-shift', x, shift: next(1, 5) },
      { op: 'floor-shift', x, shift: next(1, 5) },
      { op: 'transpose', x, permutation: from.shape.map((_, d) => from.shape.length - 1 - d) },
      { op: 'concat', xs: [x, peer], axis: next(0, Math.max(0, from.shape.length - 1)) },
      { op: 'constant', constant: weights(from.shape, draw(count, -9, 9)) },
      { op: 'argmax', x, axis: next(0, Math.max(0, from.shape.length - 1)) },
    ]
    const bare = candidates[next(0, candidates.length - 1)] as BareNode
    try {
      const value = inferNode({ ...bare, shape: [], range: { lo: 0n, hi: 0n } } as never, values)
      if (value.range.hi > 1n << 40n || value.range.lo < -(1n << 40n) || value.shape.reduce((p, q) => p * q, 1) > 60)
        continue
      values.push(value)
      nodes.push(bare)
    } catch {
      // A node that does not fit these operands.
    }
  }
  return program(inputs, nodes, [output('y', values.length - 1), output('z', next(2, values.length - 1))])
}

describe('compile', () => {
  test('the R1CS accepts what the interpreter gives, and no other output', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 30 }), fc.integer({ min: 1, max: 7 }), (seed, size) => {
        const integer = randomProgram(seed, size)
        const id = programId(integer)
        const circuit = compile(integer, id)
        const next = integers(seed ^ 0x5555)
        for (const extreme of ['low', 'high', 'random']) {
          const values = integer.inputs.map(({ shape, range }) =>
            Array.from({ length: shape.reduce((p, q) => p * q, 1) }, () =>
              extreme === 'low'
                ? range.lo
                : extreme === 'high'
                  ? range.hi
                  : BigInt(next(Number(range.lo), Number(range.hi))),
            ),
          )
          const inputs = Object.fromEntries(integer.inputs.map((i, n) => [i.name, values[n] as bigint[]]))
          const witness = circuit.witness(request(inputs))
          const expected = interpret(
            integer,
            integer.inputs.map((i, n) => tensor(i.name, 'int32', i.shape, values[n] as bigint[])),
          )
          for (const t of expected) expect(witness.outputs[t.name]).toEqual(bigints(t))
          // Commitments are the ones that integer-model computes.
          const [inputEntry] = circuit.layout.inputs
          const outputEntry = circuit.layout.outputs.find((e) => e.scheme !== RAW_SCHEME)
          const commit = (entry: typeof outputEntry, all: readonly bigint[], salt: bigint) =>
            entry === undefined
              ? 0n
              : BigInt(
                  poseidonCommitment({
                    programId: id,
                    count: entry.count,
                    width: entry.width,
                    signed: entry.signed,
                    salt: hex(salt),
                    values: all,
                  }),
                )
          const committed = outputEntry?.tensors.flatMap((t) => witness.outputs[t.name] ?? []) ?? []
          expect(witness.publicSignals.slice(0, 4)).toEqual([
            5n,
            6n,
            commit(inputEntry, values.flat(), 77n),
            commit(outputEntry, committed, 99n),
          ])
          // Every public signal is forced by the rest of the witness.
          for (let s = 1; s <= circuit.system.publicCount; s++) {
            for (const change of [1n, R - 1n, 1n << 60n]) {
              const changed = witness.values.map((v, i) => (i === s ? (v + change) % R : v))
              expect(firstViolation(circuit.system.constraints, changed)).toBeDefined()
            }
          }
        }
      }),
      { numRuns: 25 },
    )
  })

  test('is deterministic, and the id depends on program, visibility and circuit', () => {
    const id = programId(smallProgram())
    const [a, b] = [compile(smallProgram(), id), compile(smallProgram(), id)]
    expect(a.id).toBe(b.id)
    expect(Buffer.from(a.r1cs).equals(b.r1cs)).toBe(true)
    const others = [
      compile(smallProgram(), id, { inputs: 'public' }),
      compile(smallProgram(), id, { outputs: { scores: 'committed' } }),
      compile(smallProgram(), `0x${'12'.repeat(32)}` as ProgramId),
    ]
    expect(new Set([a, ...others].map((c) => c.id)).size).toBe(4)
  })

  test('a classifier of 1024 features, 64 hidden units and 77 classes takes at most 14 000 constraints', () => {
    const integer = classifier(1024, 64, 77)
    const report = circuitReport(compile(integer, programId(integer)))
    expect(report.constraints).toBeLessThanOrEqual(14_000)
    expect(report.power).toBe(14)
    expect(report.byNode.reduce((n, e) => n + e.constraints, 0)).toBe(report.constraints)
  })

  test('inputs outside their range, missing or misshapen have no witness', () => {
    const circuit = compile(smallProgram(), programId(smallProgram()))
    for (const x of [[16n, 0n, 0n, 0n], [-1n, 0n, 0n, 0n], [0n, 0n, 0n], [], [0n, 0n, 0n, 0n, 0n]]) {
      expect(() => circuit.witness(request({ x }))).toThrow('not what the circuit takes')
    }
    expect(() => circuit.witness(request({}))).toThrow('not what the circuit takes')
  })

  test('more public outputs than a circuit may have are refused, unknown ones too', () => {
    const integer = program(
      [input('x', [6], 0n, 3n)],
      [{ op: 'add-constant', x: 0, constant: weights([6], [1, 2, 3, 4, 5, 6]) }],
      [output('y', 1)],
    )
    const id = programId(integer)
    expect(compile(integer, id).layout.outputs.map((e) => e.scheme)).toEqual(['poseidon-bn254/v1'])
    expect(() => compile(integer, id, { outputs: { y: 'public' } })).toThrow('VS_ZKML_UNSUPPORTED')
    expect(() => compile(integer, id, { outputs: { z: 'public' } })).toThrow('VS_ZKML_INVALID_OPTION')
  })
})

describe('layout', () => {
  test('one layout has one encoding', () => {
    const layout = {
      inputs: [
        makeEntry('poseidon-bn254/v1', { width: 4, signed: false, salted: true }, [
          { name: 'größe', type: 'int32', shape: [1, 4] },
        ]),
      ],
      outputs: [
        makeEntry(RAW_SCHEME, { width: 33, signed: true, salted: false }, [{ name: 'y', type: 'int64', shape: [] }]),
      ],
    }
    const bytes = encodeLayout(layout)
    expect(decodeLayout(bytes)).toEqual(layout)
    for (let cut = 0; cut < bytes.length; cut++) expect(decodeLayout(bytes.subarray(0, cut))).toBeUndefined()
    expect(decodeLayout(Uint8Array.of(...bytes, 0))).toBeUndefined()
    for (let i = 0; i < bytes.length; i++) {
      const changed = decodeLayout(bytes.map((b, j) => (i === j ? b ^ 0x41 : b)))
      if (changed !== undefined) expect(changed).not.toEqual(layout)
    }
  })
})
