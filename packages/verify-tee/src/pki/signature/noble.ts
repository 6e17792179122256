import { p256, p384 } from '@noble/curves/nist.js'
import { sha256, sha384 } from '@noble/hashes/sha2.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import { hashOf, type PublicKey, type SignatureBackend, wellFormed } from './backend.ts'
import { verifyPss } from './rsa-pss.ts'

const CURVES = { 'P-256': p256, 'P-384': p384 } as const
const HASHES = { sha256, sha384 } as const
type Curve = (typeof CURVES)[keyof typeof CURVES]
type Point = InstanceType<Curve['Point']>

/** From so many right signatures on, a table of a key's multiples (a few of them cost as much as it) pays. */
const WORTH_A_TABLE = 8
const WINDOW = 6

/** By object: the keys of issuers whose certificates stay, not those that come with each piece of evidence. */
const keys = new WeakMap<PublicKey, { uses: number; point?: Point }>()

/** Pure JavaScript, anywhere. */
export const nobleBackend: SignatureBackend = {
  name: 'noble',
  verify(algorithm, key, message, signature) {
    if (!wellFormed(algorithm, key, signature)) return false
    try {
      if (key.type === 'rsa') return verifyPss(key.modulus, key.exponent, message, signature)
      const curve = CURVES[key.curve]
      const digest = HASHES[hashOf(algorithm)](message)
      const known = keys.get(key)
      if (known?.point !== undefined) return verifyByTable(curve, known.point, digest, signature)
      // Attestation keys do not normalise s.
      const right = curve.verify(signature, digest, key.point, { lowS: false, prehash: false })
      if (right) {
        const uses = (known?.uses ?? 0) + 1
        keys.set(key, uses < WORTH_A_TABLE ? { uses } : { uses, point: withTable(curve, key.point) })
      }
      return right
    } catch {
      return false
    }
  },
}

/** The key was found to lie on the curve: it verified signatures. */
const withTable = (curve: Curve, point: Uint8Array): Point => curve.Point.fromBytes(point).precompute(WINDOW, false)

/** FIPS 186-5 section 6.4.2, as the library does it, but for the multiples of the key, which are in its table. */
function verifyByTable(curve: Curve, key: Point, digest: Uint8Array, signature: Uint8Array): boolean {
  const { Fn, BASE } = curve.Point
  // Refuses what is not from 1 to n - 1.
  const { r, s } = curve.Signature.fromBytes(signature, 'compact')
  const e = Fn.create(BigInt(`0x${bytesToHex(digest)}`))
  const inverse = Fn.inv(s)
  const sum = BASE.multiplyUnsafe(Fn.mul(e, inverse)).add(key.multiplyUnsafe(Fn.mul(r, inverse)))
  return !sum.is0() && Fn.create(sum.toAffine().x) === r
}
