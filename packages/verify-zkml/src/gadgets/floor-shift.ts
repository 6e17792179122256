import { type ConstraintSystem, constantForm, type Form, offset } from '../r1cs/index.ts'
import { positivePart } from './clip.ts'
import { decompose, weighBits } from './range.ts'
import { Wire } from './wire.ts'

/*
 * Soundness. With x = Σ 2^j b_j − o and 2^s dividing o, floor(x / 2^s) = Σ_{j >= s} 2^(j−s) b_j − o / 2^s, because the
 * bits below s add up to 0..2^s − 1. No remainder is left to the prover: it is the lower bits of the only decomposition.
 */

/** y = floor(x / 2^shift). No constraints beyond the decomposition of x. */
export function floorShift(cs: ConstraintSystem, x: Wire, shift: number): Wire {
  if (x.positiveOf !== undefined) return positivePart(cs, floorShift(cs, x.positiveOf, shift))
  const by = BigInt(shift)
  const range = { lo: x.range.lo >> by, hi: x.range.hi >> by }
  if (range.lo === range.hi) return Wire.constant(range.lo)
  const { bits, offset: from } = decompose(cs, x)
  // Past the top bit of a signed value only the sign is left: 0 or −1.
  const at = from === 0n ? shift : Math.min(shift, bits.length - 1)
  const kept: readonly Form[] = bits.slice(at)
  const down = from === 0n ? 0n : 1n << BigInt(bits.length - 1 - at)
  if (kept.length === 0) return Wire.of(constantForm(0n), range)
  return Wire.of(offset(weighBits(kept), -down), range, { bits: kept, offset: down })
}
