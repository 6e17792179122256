import type { Proof, ProverBackend, VerifyingKey } from '../groth16/backend.ts'
import { refuseProof } from '../groth16/verify.ts'
import { type ConstraintSystem, encodeWitness, firstViolation, R } from '../r1cs/index.ts'
import { refused } from './refuse.ts'

export interface SelfTestWitness {
  readonly values: readonly bigint[]
  readonly publicSignals: readonly bigint[]
}

/**
 * Proves one witness and verifies it, then for each public signal in turn
 * - states another value of it with the same proof: accepted, the signal would bind nothing in the key;
 * - proves the witness with another value of it, which breaks a constraint: accepted, the constraint would be missing
 *   in the key.
 *
 * A key that fails is refused. That every constraint is in the key follows from how it was made, not from this test.
 */
export async function selfTest(
  backend: ProverBackend,
  zkey: Uint8Array,
  key: VerifyingKey,
  { constraints }: Pick<ConstraintSystem, 'constraints'>,
  witness: SelfTestWitness,
  signal?: AbortSignal,
): Promise<void> {
  const { proof, publicSignals } = await backend.prove(zkey, encodeWitness(witness.values))
  if (publicSignals.some((s, i) => s !== witness.publicSignals[i]))
    throw refused('self-test', "the witness's public signals", 'others')
  const refusal = refuseProof(key, publicSignals, proof)
  if (refusal !== undefined) throw refused('self-test', 'a proof that verifies', refusal)
  for (const i of publicSignals.keys()) {
    signal?.throwIfAborted()
    const changed = publicSignals.map((s, j) => (j === i ? (s + 1n) % R : s))
    if (refuseProof(key, changed, proof) !== 'equation')
      throw refused('self-test', `public signal ${i} binds the proof`, 'a changed one was accepted')
    const values = witness.values.map((v, j) => (j === i + 1 ? (v + 1n) % R : v))
    if (firstViolation(constraints, values) === undefined)
      throw refused('self-test', `public signal ${i} in a constraint`, 'any value satisfies the circuit')
    const lie = await proveLie(backend, zkey, values)
    if (lie !== undefined && refuseProof(key, changed, lie) === undefined)
      throw refused('self-test', `public signal ${i} as the circuit computes it`, 'a wrong one was proved')
  }
}

/** Undefined where the prover itself refuses the witness. */
async function proveLie(
  backend: ProverBackend,
  zkey: Uint8Array,
  values: readonly bigint[],
): Promise<Proof | undefined> {
  try {
    return (await backend.prove(zkey, encodeWitness(values))).proof
  } catch {
    return undefined
  }
}
