import type { Hex } from '@veristack/core/receipt'
import * as library from 'poseidon-lite'
import { fail } from '../errors.ts'
import { type CommitmentInput, commitmentElements } from './layout.ts'

/** Most elements that one call of Poseidon absorbs. */
export const POSEIDON_ARITY = 16

type Poseidon = (inputs: bigint[]) => bigint

const BY_ARITY: readonly Poseidon[] = [
  library.poseidon1,
  library.poseidon2,
  library.poseidon3,
  library.poseidon4,
  library.poseidon5,
  library.poseidon6,
  library.poseidon7,
  library.poseidon8,
  library.poseidon9,
  library.poseidon10,
  library.poseidon11,
  library.poseidon12,
  library.poseidon13,
  library.poseidon14,
  library.poseidon15,
  library.poseidon16,
]

/** circomlib's Poseidon of 1 to 16 field elements. */
export function poseidon(inputs: readonly bigint[]): bigint {
  const hash = BY_ARITY[inputs.length - 1]
  if (hash === undefined) {
    throw fail('VS_MODEL_INVALID_COMMITMENT', {
      details: { field: 'poseidon', expected: `1 to ${POSEIDON_ARITY} elements`, got: inputs.length },
    })
  }
  return hash([...inputs])
}

/**
 * How many of the elements each call of the chain absorbs: the first up to 16, every later one the hash so far and up
 * to 15 more.
 */
export function chainChunks(elements: number): number[] {
  const chunks: number[] = []
  for (let rest = elements; rest > 0; ) {
    const take = Math.min(rest, chunks.length === 0 ? POSEIDON_ARITY : POSEIDON_ARITY - 1)
    chunks.push(take)
    rest -= take
  }
  return chunks
}

/** The hash chain over one or more elements. */
export function poseidonChain(elements: readonly bigint[]): bigint {
  let at = 0
  let hash: bigint | undefined
  for (const take of chainChunks(elements.length)) {
    const next = elements.slice(at, at + take)
    hash = poseidon(hash === undefined ? next : [hash, ...next])
    at += take
  }
  return hash ?? poseidon([])
}

/** `poseidon-bn254/v1` of the values: 32 bytes, big-endian. Throws `VS_MODEL_INVALID_COMMITMENT`. */
export function poseidonCommitment(input: CommitmentInput): Hex {
  return `0x${poseidonChain(commitmentElements(input)).toString(16).padStart(64, '0')}`
}
