import { execFile } from 'node:child_process'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { bigints, tensor } from '@veristack/core'
import { interpret, programId } from '@veristack/integer-model'
import { compile } from '../src/circuit/compile.ts'
import { snarkjsProver } from '../src/groth16/snarkjs.ts'
import { firstViolation, R } from '../src/r1cs/index.ts'
import { classifier, integers, randomProgram } from '../src/testing/programs.ts'
import { call, contextFor, jobFor, outputSalts, store, temporaryDirectory, wire } from '../src/testing/stand.ts'
import { zkml } from '../src/zkml.ts'

const HOUR = 3_600_000

afterAll(() => snarkjsProver().close())

test(
  'a thousand random programs: every reader agrees and no public signal can be changed',
  () => {
    for (let seed = 1; seed <= 1000; seed++) {
      const integer = randomProgram(seed * 7919, 1 + (seed % 9))
      const circuit = compile(integer, programId(integer))
      const next = integers(seed)
      const values = integer.inputs.map(({ shape, range }) =>
        Array.from({ length: shape.reduce((p, q) => p * q, 1) }, () =>
          BigInt(next(Number(range.lo), Number(range.hi))),
        ),
      )
      const inputs = Object.fromEntries(integer.inputs.map((i, n) => [i.name, values[n] ?? []]))
      const witness = circuit.witness({ claim: [1n, 2n], inputs, inputSalt: 3n, outputSalt: 4n })
      const given = integer.inputs.map((i, n) => tensor(i.name, 'int32', i.shape, values[n] ?? []))
      for (const t of interpret(integer, given)) expect(witness.outputs[t.name]).toEqual(bigints(t))
      for (let s = 1; s <= circuit.system.publicCount; s++) {
        const changed = witness.values.map((v, i) => (i === s ? (v + 1n) % R : v))
        expect(firstViolation(circuit.system.constraints, changed)).toBeDefined()
      }
    }
  },
  HOUR,
)

test(
  'twenty proofs of a large classifier verify, and every changed byte of one is refused',
  async () => {
    const directory = await temporaryDirectory()
    try {
      const wired = wire(zkml({ keys: 'development', cacheDirectory: directory.path }))
      const integer = classifier(1024, 64, 77)
      const artefacts = await wired.prover.setup(await store(wired.blobs, integer), call())
      const next = integers(5)
      for (let row = 0; row < 20; row++) {
        const x = tensor(
          'features',
          'int32',
          [1, 1024],
          Array.from({ length: 1024 }, () => next(0, 15)),
        )
        const job = await jobFor(wired, integer, [x], artefacts)
        const evidence = await wired.prover.prove(job, call())
        const subject = { signed: job.signed, outputs: job.executions[0].outputs, salts: outputSalts(job) }
        expect((await wired.verifier.verify(subject, evidence, contextFor(artefacts))).status).toBe('accepted')
        if (row > 0) continue
        for (let i = 0; i < evidence.payload.length; i++) {
          const payload = evidence.payload.map((b, j) => (i === j ? b ^ (1 << (i % 8)) : b))
          expect((await wired.verifier.verify(subject, { ...evidence, payload }, contextFor(artefacts))).status).toBe(
            'rejected',
          )
        }
      }
    } finally {
      await directory.remove()
    }
  },
  HOUR,
)

test(
  'Node exits by itself after a setup and a proof',
  async () => {
    const home = join(__dirname, '..')
    const directory = join(home, 'node_modules', `.exit-${process.pid}`)
    await mkdir(directory, { recursive: true })
    try {
      const script = `
        import { zkml } from '../../src/zkml.ts'
        import { call, features, jobFor, store, wire } from '../../src/testing/stand.ts'
        import { smallProgram } from '../../src/testing/programs.ts'
        const wired = wire(zkml({ keys: 'development', cacheDirectory: ${JSON.stringify(directory)} }))
        const artefacts = await wired.prover.setup(await store(wired.blobs, smallProgram()), call())
        const job = await jobFor(wired, smallProgram(), [features([1, 2, 3, 4])], artefacts)
        await wired.prover.prove(job, call())
        console.log('proved')
      `
      await writeFile(join(directory, 'exit.mts'), script)
      const tsx = join(home, '..', '..', 'node_modules', 'tsx', 'dist', 'cli.mjs')
      const { stdout } = await promisify(execFile)(
        process.execPath,
        [tsx, '--conditions=@veristack/source', join(directory, 'exit.mts')],
        { timeout: 300_000 },
      )
      expect(stdout).toContain('proved')
    } finally {
      await rm(directory, { recursive: true, force: true })
    }
  },
  HOUR,
)
