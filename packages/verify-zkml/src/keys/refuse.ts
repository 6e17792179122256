import { fail } from '../errors.ts'
import type { Proof } from '../groth16/backend.ts'
import type { ConstraintSystem } from '../r1cs/index.ts'
import { readZkey, type ZkeyHeader } from './zkey.ts'

/** BN254's generator of G2: what gamma is, and delta before anybody contributed. EIP-197. */
const GENERATOR: Proof['b'] = [
  [
    10857046999023057135944570762232829481370756359578518086990519993285655852781n,
    11559732032986387107991004021392285783925812861821192530917403151452391805634n,
  ],
  [
    8495653923123431417604973247489272438418190587263600148770280649306958101930n,
    4082367875863433681332203403145435568316851327593401208105741076214120093531n,
  ],
]

/**
 * Reads a key and refuses what nobody may rely on, with `VS_ZKML_KEY_REFUSED`:
 * - no contribution of secret entropy, or a beacon before the first one: delta is then computable and anyone forges;
 * - a point at infinity in the verifying key: that public signal could be anything;
 * - another size than the circuit's.
 */
export function checkKey(zkey: Uint8Array, system: Pick<ConstraintSystem, 'signalCount' | 'publicCount'>): ZkeyHeader {
  const header = readZkey(zkey)
  const { verifyingKey: key, contributions } = header
  if (header.signals !== system.signalCount || header.publicSignals !== system.publicCount) {
    throw refused(
      'size',
      `${system.signalCount} signals, ${system.publicCount} of them public`,
      `${header.signals}, ${header.publicSignals} of them public`,
    )
  }
  const [first] = contributions
  if (first === undefined) throw refused('contributions', 'at least one with secret entropy', 'none')
  if (first.type === 'beacon') {
    const others = contributions.some((c) => c.type === 'contribution')
    throw refused(
      'contributions',
      'one with secret entropy before a beacon',
      others ? 'a beacon first' : 'only a beacon',
    )
  }
  if (same(key.delta, GENERATOR)) throw refused('delta', 'a secret multiple of the generator', 'the generator')
  if (!same(key.gamma, GENERATOR)) throw refused('gamma', 'the generator', 'another point')
  const infinite = key.ic.findIndex(([x, y]) => x === 0n && y === 0n)
  if (infinite >= 0) throw refused(`IC[${infinite}]`, 'a finite point', 'infinity')
  for (const [name, point] of [
    ['alpha', key.alpha],
    ['beta', key.beta],
    ['delta', key.delta],
  ] as const) {
    if (point.flat().every((x) => x === 0n)) throw refused(name, 'a finite point', 'infinity')
  }
  return header
}

export const refused = (field: string, expected: string, got: string) =>
  fail('VS_ZKML_KEY_REFUSED', { details: { field, expected, got } })

const same = (a: Proof['b'], b: Proof['b']): boolean => a.flat().every((x, i) => x === b.flat()[i])
