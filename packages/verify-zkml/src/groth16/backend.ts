/** A Groth16 proof over BN254 as field elements, affine. G2 coordinates are [c0, c1] with x = c0 + c1 · u. */
export interface Proof {
  readonly a: readonly [bigint, bigint]
  readonly b: readonly [readonly [bigint, bigint], readonly [bigint, bigint]]
  readonly c: readonly [bigint, bigint]
}

/** The verifying key that belongs to a zkey. */
export interface VerifyingKey {
  readonly alpha: Proof['a']
  readonly beta: Proof['b']
  readonly gamma: Proof['b']
  readonly delta: Proof['b']
  /** One more than there are public signals. */
  readonly ic: readonly Proof['a'][]
}

export interface Beacon {
  /** Hexadecimal bytes that nobody knew when the last contribution was made. */
  readonly value: string
  /** 2^iterations hashes; 10 to 63. */
  readonly iterations: number
}

/**
 * The seam for a Groth16 prover: everything that touches a proving key. Keys travel in iden3's zkey format, circuits as
 * `.r1cs`, witnesses as `.wtns`, phase 1 as a prepared `.ptau`.
 *
 * `prove` may trust its witness: it was checked against the circuit before. Implementations throw whatever they like;
 * it is wrapped in `VS_ZKML_PROVER_FAILED`.
 */
export interface ProverBackend {
  readonly name: string
  /** A key without any contribution: never to be used as it is. */
  initialKey(r1cs: Uint8Array, ptau: Uint8Array | string): Promise<Uint8Array>
  contribute(zkey: Uint8Array, name: string, entropy: Uint8Array): Promise<Uint8Array>
  beacon(zkey: Uint8Array, name: string, beacon: Beacon): Promise<Uint8Array>
  /** Whether the key's transcript leads from the circuit and phase 1 to the key. */
  verifyTranscript(r1cs: Uint8Array, ptau: Uint8Array | string, zkey: Uint8Array): Promise<boolean>
  prove(
    zkey: Uint8Array,
    witness: Uint8Array,
  ): Promise<{ readonly proof: Proof; readonly publicSignals: readonly bigint[] }>
  /** Ends everything that would keep the process alive. */
  close(): Promise<void>
}
