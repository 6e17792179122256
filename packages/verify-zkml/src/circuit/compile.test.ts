import { bigints, type ProgramId, RAW_SCHEME, tensor } from '@veristack/core/receipt'
import { interpret, programId } from '@veristack/integer-model'
import { poseidonCommitment } from '@veristack/integer-model/commit'
import fc from 'fast-check'
import { firstViolation, R } from '../r1cs/index.ts'
import {
  classifier,
  input,
  integers,
  output,
  program,
  randomProgram,
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
