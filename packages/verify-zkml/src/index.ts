export { type Circuit, compile, type Witness, type WitnessRequest } from './circuit/compile.ts'
export {
  anchorDigest,
  type CircuitLayout,
  circuitId,
  decodeLayout,
  encodeLayout,
  type LayoutEntry,
  type LayoutTensor,
} from './circuit/layout.ts'
export { type CircuitReport, circuitReport } from './circuit/report.ts'
export { layoutOf, type Visibility } from './circuit/visibility.ts'
export { fail as zkmlErrors } from './errors.ts'
export { EVIDENCE_KIND, EVIDENCE_VERSION } from './evidence.ts'
export type { Beacon, Proof, ProverBackend, VerifyingKey } from './groth16/backend.ts'
export { snarkjsProver } from './groth16/snarkjs.ts'
export { PUBLISHED_PTAU } from './keys/published.ts'
export type { CeremonyKeys, KeySource } from './keys/setup.ts'
export { type VerifierParameters, verifierCode, verifierCodeHash } from './onchain.ts'
export { zkmlVerifier } from './verify.ts'
export { type ZkmlOptions, zkml } from './zkml.ts'
