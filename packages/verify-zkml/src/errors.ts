// Not from the core root entry: the verifier is loaded in browsers.
import { defineErrors } from '@veristack/core/receipt'

/** Every error that this package raises, and every code that its verifier rejects with. */
export const fail = defineErrors({
  VS_ZKML_UNSUPPORTED: {
    title: 'The program can not be turned into a circuit',
    remedy: 'Read the named node and limit; lower the model with fewer bits or another output list.',
  },
  VS_ZKML_BOUND_EXCEEDED: {
    title: 'A value of the program could wrap around the field',
    remedy: 'Lower the model with fewer weight or activation bits.',
  },
  VS_ZKML_INVALID_INPUT: {
    title: 'The tensors are not what the circuit takes',
    remedy: 'Pass every input of the program once, with its shape and inside its range.',
  },
  VS_ZKML_WITNESS_REFUSED: {
    title: 'The witness does not satisfy the circuit',
    remedy: 'Report it with the program: no proof is made of a false statement.',
  },
  VS_ZKML_OUTPUT_DIFFERS: {
    title: 'The execution differs from what the program computes',
    remedy: 'Do not rely on this execution; the executor is faulty or lies.',
  },
  VS_ZKML_JOB_MISMATCH: {
    title: 'The claim, its lists or its salts are not those that the circuit proves',
    remedy: "Make the claim with the lists of the prover's commitments(), and pass the salts it was made with.",
  },
  VS_ZKML_PROVER_MISSING: {
    title: 'The Groth16 prover is not installed',
    remedy: 'Install the optional peer dependency: npm install snarkjs@0.7.',
  },
  VS_ZKML_PROVER_FAILED: {
    title: 'The Groth16 prover failed',
    remedy: 'Read the cause; check free memory and the version of snarkjs.',
  },
  VS_ZKML_PTAU_REFUSED: {
    title: 'The phase-1 file can not be used',
    remedy: 'Download the prepared .ptau again and pass the hash that its ceremony published.',
  },
  VS_ZKML_KEY_REFUSED: {
    title: 'The key can not be relied on',
    remedy: 'Make a new key with at least one contribution of secret entropy over the same circuit.',
  },
  VS_ZKML_KEY_MISMATCH: {
    title: 'The artefacts belong to another program, circuit or key',
    remedy: 'Publish the program again with the same visibility and pass the artefacts that it returned.',
  },
  VS_ZKML_INVALID_OPTION: {
    title: 'An option of zkml() can not be used',
    remedy: 'Compare the named option with its documented values.',
  },
  VS_ZKML_MALFORMED: {
    title: 'The evidence is not well formed',
    remedy: 'Ask for the receipt again; it was cut, changed or made by another version.',
  },
  VS_ZKML_CLAIM_MISMATCH: {
    title: 'The evidence or the commitment lists belong to another claim',
    remedy: 'Do not rely on it; whoever sent it is wrong or lies.',
  },
  VS_ZKML_LISTS_MISMATCH: {
    title: 'The commitment lists are not those that the circuit speaks of',
    remedy: 'Do not rely on it; the claim says something else than what was proved.',
  },
  VS_ZKML_OUTPUT_MISMATCH: {
    title: 'The outputs do not open the commitments of the claim',
    remedy: 'Do not rely on the outputs; they are not the ones that were proved.',
  },
  VS_ZKML_ANCHOR_MISMATCH: {
    title: 'The evidence was made under another circuit or verifying key than the pinned one',
    remedy: 'Do not rely on it; pin the anchor that the publisher of the program announced.',
  },
  VS_ZKML_POLICY: {
    title: 'The evidence does not meet the policy',
    remedy: 'Use keys of the origin that the policy demands, or change the policy.',
  },
  VS_ZKML_PROOF_INVALID: {
    title: 'The proof does not verify',
    remedy: 'Do not rely on it; nothing was proved about this claim.',
  },
})
