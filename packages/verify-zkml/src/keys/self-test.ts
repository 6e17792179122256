import type { ProverBackend, VerifyingKey } from '../groth16/backend.ts'
import { refuseProof } from '../groth16/verify.ts'
import { encodeWitness, R } from '../r1cs/index.ts'
import { refused } from './refuse.ts'

/**
 * Proves one witness and verifies it, then changes each public signal in turn and sees every change refused. A key that
 * fails is refused: one of its signals would bind nothing.
 */
export async function selfTest(
  backend: ProverBackend,
  zkey: Uint8Array,
  key: VerifyingKey,
  witness: { readonly values: readonly bigint[]; readonly publicSignals: readonly bigint[] },
): Promise<void> {
  const { proof, publicSignals } = await backend.prove(zkey, encodeWitness(witness.values))
  if (publicSignals.some((s, i) => s !== witness.publicSignals[i]))
    throw refused('self-test', "the witness's public signals", 'others')
  const refusal = refuseProof(key, publicSignals, proof)
  if (refusal !== undefined) throw refused('self-test', 'a proof that verifies', refusal)
  for (const i of publicSignals.keys()) {
    const changed = publicSignals.map((s, j) => (j === i ? (s + 1n) % R : s))
    if (refuseProof(key, changed, proof) !== 'equation')
      throw refused('self-test', `public signal ${i} binds the proof`, 'a changed one was accepted')
  }
}
