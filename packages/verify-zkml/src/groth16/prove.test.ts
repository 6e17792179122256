import { bigints, tensor } from '@veristack/core/receipt'
import { interpret, programId } from '@veristack/integer-model'
import { poseidonCommitment, widthOf } from '@veristack/integer-model/commit'
import { compile } from '../circuit/compile.ts'
import { smallProgram } from '../testing/programs.ts'
import { developmentPtau } from '../keys/development.ts'
import { readZkey } from '../keys/zkey.ts'
import { encodeWitness } from '../r1cs/index.ts'
import { curveModule, snarkjsProver } from './snarkjs.ts'
import { refuseProof } from './verify.ts'

test('a small program is proved and verified', async () => {
  const program = smallProgram()
  const id = programId(program)
  const circuit = compile(program, id, { outputs: { scores: 'committed' } })
  console.log(circuit.system.constraints.length, [...circuit.system.constraintsByScope], circuit.layout.outputs)
  const x = [3n, 15n, 0n, 7n]
  const witness = circuit.witness({ claim: [5n, 6n], inputs: { x }, inputSalt: 77n, outputSalt: 99n })
  const expected = interpret(program, [tensor('x', 'int32', [1, 4], x)])
  for (const t of expected) expect(witness.outputs[t.name]).toEqual(bigints(t))
  const hex = (n: bigint) => `0x${n.toString(16).padStart(64, '0')}` as const
  expect(witness.publicSignals.slice(0, 4)).toEqual([
    5n,
    6n,
    BigInt(poseidonCommitment({ programId: id, count: 4, width: 4, signed: false, salt: hex(77n), values: x })),
    BigInt(poseidonCommitment({ programId: id, count: 3, ...widthOf({ lo: program.nodes[4]?.range.lo ?? 0n, hi: program.nodes[4]?.range.hi ?? 0n }), salt: hex(99n), values: witness.outputs.scores ?? [] })),
  ])
  const backend = snarkjsProver()
  const ptau = await developmentPtau(12, await curveModule())
  let zkey = await backend.initialKey(circuit.r1cs, ptau)
  zkey = await backend.contribute(zkey, 'test', new Uint8Array(32))
  expect(await backend.verifyTranscript(circuit.r1cs, ptau, zkey)).toBe(true)
  const head = readZkey(zkey)
  const t0 = Date.now()
  const { proof, publicSignals } = await backend.prove(zkey, encodeWitness(witness.values))
  const t1 = Date.now()
  expect(publicSignals).toEqual(witness.publicSignals)
  expect(refuseProof(head.verifyingKey, publicSignals, proof)).toBeUndefined()
  console.log('prove', t1 - t0, 'verify', Date.now() - t1)
  expect(refuseProof(head.verifyingKey, publicSignals.map((s, i) => (i === 2 ? s + 1n : s)), proof)).toBe('equation')
  await backend.close()
})
