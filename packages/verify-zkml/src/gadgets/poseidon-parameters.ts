import { inverse, mod, R } from '../r1cs/index.ts'

/** Rounds with an S-box on every element, and with one, by state size: the Poseidon paper's tables 2 and 8 as circomlib rounds them. */
export const FULL_ROUNDS = 8
const PARTIAL_ROUNDS = [56, 57, 56, 60, 60, 63, 64, 63, 60, 66, 60, 65, 70, 60, 64, 68]

export interface PoseidonParameters {
  readonly t: number
  readonly partialRounds: number
  /** `t` for each round. */
  readonly constants: readonly bigint[]
  /** t × t. */
  readonly matrix: readonly (readonly bigint[])[]
}

const made = new Map<number, PoseidonParameters>()

/**
 * Poseidon's parameters for the BN254 scalar field, S-box x^5 and a state of `t` elements (2 to 17), from the Grain LFSR
 * of the reference script generate_parameters_grain.sage (https://eprint.iacr.org/2019/458, appendix F).
 */
export function poseidonParameters(t: number): PoseidonParameters {
  const known = made.get(t)
  if (known !== undefined) return known
  const partialRounds = PARTIAL_ROUNDS[t - 2]
  if (partialRounds === undefined) throw new RangeError('a Poseidon state has 2 to 17 elements')
  const bits = grain(t, partialRounds)
  const draw = (): bigint => {
    let value = 0n
    for (let i = 0; i < 254; i++) value = (value << 1n) | BigInt(bits())
    return value
  }
  const constants: bigint[] = []
  while (constants.length < t * (FULL_ROUNDS + partialRounds)) {
    const value = draw()
    if (value < R) constants.push(value)
  }
  // The Cauchy matrix 1 / (x_i + y_j).
  const points = Array.from({ length: 2 * t }, () => mod(draw()))
  const matrix = points.slice(0, t).map((x) => points.slice(t).map((y) => inverse(x + y)))
  const parameters = { t, partialRounds, constants, matrix }
  made.set(t, parameters)
  return parameters
}

/** The self-shrinking Grain LFSR, seeded with field, S-box, field bits, state size and round numbers. */
function grain(t: number, partialRounds: number): () => number {
  const field = (value: number, width: number) => value.toString(2).padStart(width, '0')
  const seed = `${field(1, 2)}${field(0, 4)}${field(254, 12)}${field(t, 12)}${field(FULL_ROUNDS, 10)}${field(partialRounds, 10)}${'1'.repeat(30)}`
  const state = Uint8Array.from(seed, Number)
  let head = 0
  const tap = (i: number) => state[(head + i) % 80] as number
  const step = (): number => {
    const bit = tap(62) ^ tap(51) ^ tap(38) ^ tap(23) ^ tap(13) ^ tap(0)
    state[head] = bit
    head = (head + 1) % 80
    return bit
  }
  for (let i = 0; i < 160; i++) step()
  return () => {
    while (step() === 0) step()
    return step()
  }
}
