import type { Proof, VerifyingKey } from './backend.ts'

/*
 * Coordinates are 32 bytes big-endian; a point of G2 is x.c1 ‖ x.c0 ‖ y.c1 ‖ y.c0, the order of EIP-197, so that a
 * contract passes them to the precompile as they are.
 */

const WORD = 32
export const PROOF_BYTES = 8 * WORD
const KEY_HEAD = 2 * WORD + 3 * 4 * WORD

export const proofBytes = ({ a, b, c }: Proof): Uint8Array => words([...a, ...g2(b), ...c])

/** alpha ‖ beta ‖ gamma ‖ delta ‖ IC. */
export const verifyingKeyBytes = ({ alpha, beta, gamma, delta, ic }: VerifyingKey): Uint8Array =>
  words([...alpha, ...g2(beta), ...g2(gamma), ...g2(delta), ...ic.flat()])

export const verifyingKeyLength = (publicSignals: number): number => KEY_HEAD + 2 * WORD * (publicSignals + 1)

/** Undefined where the length is not that of a proof. Says nothing about the points. */
export function parseProof(bytes: Uint8Array): Proof | undefined {
  if (bytes.length !== PROOF_BYTES) return undefined
  const at = reader(bytes)
  return { a: [at(0), at(1)], b: readG2(at, 2), c: [at(6), at(7)] }
}

/** Undefined where the length is not that of a key for at least one point of IC. Says nothing about the points. */
export function parseVerifyingKey(bytes: Uint8Array): VerifyingKey | undefined {
  const rest = bytes.length - KEY_HEAD
  if (rest < 2 * WORD || rest % (2 * WORD) !== 0) return undefined
  const at = reader(bytes)
  return {
    alpha: [at(0), at(1)],
    beta: readG2(at, 2),
    gamma: readG2(at, 6),
    delta: readG2(at, 10),
    ic: Array.from({ length: rest / (2 * WORD) }, (_, i) => [at(14 + 2 * i), at(15 + 2 * i)] as const),
  }
}

const g2 = ([x, y]: Proof['b']): readonly bigint[] => [x[1], x[0], y[1], y[0]]
const readG2 = (at: (word: number) => bigint, from: number): Proof['b'] => [
  [at(from + 1), at(from)],
  [at(from + 3), at(from + 2)],
]

function words(values: readonly bigint[]): Uint8Array {
  const out = new Uint8Array(WORD * values.length)
  const view = new DataView(out.buffer)
  values.forEach((value, i) => {
    for (let limb = 0; limb < 4; limb++)
      view.setBigUint64(WORD * i + 8 * limb, (value >> BigInt(192 - 64 * limb)) & 0xffffffffffffffffn)
  })
  return out
}

function reader(bytes: Uint8Array): (word: number) => bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return (word) => {
    let value = 0n
    for (let limb = 0; limb < 4; limb++) value = (value << 64n) | view.getBigUint64(WORD * word + 8 * limb)
    return value
  }
}
