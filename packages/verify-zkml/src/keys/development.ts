import { randomBytes } from 'node:crypto'
import { inverse, mod, R } from '../r1cs/index.ts'
import { type CurveModule, fixedBase, type Group } from './fixed-base.ts'
import { encodePtau } from './ptau-format.ts'

/** Largest power of two that divides r − 1; 5 is not a square in the field. */
const TWO_ADICITY = 28
const NON_RESIDUE = 5n

function power(base: bigint, exponent: bigint): bigint {
  let [result, square] = [1n, mod(base)]
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % R
    square = (square * square) % R
  }
  return result
}

/** A generator of the subgroup of order 2^k, the same that snarkjs uses. */
const rootOfUnity = (k: number): bigint =>
  power(power(NON_RESIDUE, (R - 1n) >> BigInt(TWO_ADICITY)), 1n << BigInt(TWO_ADICITY - k))

/** L_i(tau) for the domain of order 2^k: ω^i (tau^n − 1) / (n (tau − ω^i)). */
function lagrange(tau: bigint, k: number): bigint[] {
  const n = 2 ** k
  const omega = rootOfUnity(k)
  const roots: bigint[] = [1n]
  for (let i = 1; i < n; i++) roots.push(((roots[i - 1] as bigint) * omega) % R)
  const numerator = (mod(power(tau, BigInt(n)) - 1n) * inverse(BigInt(n))) % R
  const inverses = invertAll(roots.map((root) => mod(tau - root)))
  return roots.map((root, i) => (((root * numerator) % R) * (inverses[i] as bigint)) % R)
}

/** Montgomery's trick: one inversion for all. */
function invertAll(values: readonly bigint[]): bigint[] {
  const prefix: bigint[] = [1n]
  for (const value of values) prefix.push(((prefix[prefix.length - 1] as bigint) * value) % R)
  let rest = inverse(prefix[values.length] as bigint)
  const out: bigint[] = new Array(values.length)
  for (let i = values.length - 1; i >= 0; i--) {
    out[i] = (rest * (prefix[i] as bigint)) % R
    rest = (rest * (values[i] as bigint)) % R
  }
  return out
}

const secret = (): bigint => mod(BigInt(`0x${randomBytes(48).toString('hex')}`))

export interface DevelopmentOptions {
  readonly progress?: (done: number, total: number) => void
  readonly signal?: AbortSignal
}

/**
 * Phase 1 in seconds, by one party that knew the secrets for a moment: whoever runs this can forge. Powers and Lagrange
 * points of every power up to `k` are filled, as a ceremony's file has them.
 */
export async function developmentPtau(
  k: number,
  curve: CurveModule,
  options: DevelopmentOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const multiply = await fixedBase(curve)
  const [tau, alpha, beta] = [secret(), secret(), secret()]
  const n = 2 ** k
  const powers: bigint[] = [1n]
  while (powers.length < 2 * n - 1) powers.push(((powers[powers.length - 1] as bigint) * tau) % R)
  const first = powers.slice(0, n)
  const bases = Array.from({ length: k + 1 }, (_, i) => lagrange(tau, i))
  const flat = bases.flat()
  // One power above the file's own, without the highest power of tau, which phase 1 does not have.
  const missing = (power(tau, BigInt(2 * n - 1)) * inverse(BigInt(2 * n))) % R
  const omega = rootOfUnity(k + 1)
  let root = 1n
  const above = lagrange(tau, k + 1).map((l) => {
    const value = mod(l - missing * root)
    root = (root * omega) % R
    return value
  })
  const times = (factor: bigint, values: readonly bigint[]) => values.map((v) => (v * factor) % R)
  const wanted: readonly (readonly [number, Group, readonly bigint[]])[] = [
    [2, 'g1m', powers],
    [3, 'g2m', first],
    [4, 'g1m', times(alpha, first)],
    [5, 'g1m', times(beta, first)],
    [6, 'g2m', [beta]],
    [12, 'g1m', [...flat, ...above]],
    [13, 'g2m', flat],
    [14, 'g1m', times(alpha, flat)],
    [15, 'g1m', times(beta, flat)],
  ]
  const total = wanted.reduce((sum, [, , scalars]) => sum + scalars.length, 0)
  let before = 0
  const sections = new Map<number, Uint8Array>()
  for (const [group, parts] of groups(wanted)) {
    const made = await multiply(
      group,
      parts.flatMap(([, , scalars]) => scalars),
      (done) => {
        options.signal?.throwIfAborted()
        options.progress?.(before + done, total)
      },
    )
    let at = 0
    for (const [id, , scalars] of parts) {
      const bytes = scalars.length * (group === 'g1m' ? 64 : 128)
      sections.set(id, made.subarray(at, at + bytes))
      at += bytes
      before += scalars.length
    }
  }
  return encodePtau(k, sections)
}

/** One table for all that a group has to do. */
function groups<T extends readonly [number, Group, readonly bigint[]]>(
  wanted: readonly T[],
): readonly (readonly [Group, readonly T[]])[] {
  const of = (group: Group) => [group, wanted.filter((w) => w[1] === group)] as const
  return [of('g1m'), of('g2m')]
}
