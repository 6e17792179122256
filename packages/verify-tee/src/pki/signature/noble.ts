import { p256, p384 } from '@noble/curves/nist.js'
import { type SignatureBackend, wellFormed } from './backend.ts'
import { verifyPss } from './rsa-pss.ts'

/** Pure JavaScript, anywhere. */
export const nobleBackend: SignatureBackend = {
  name: 'noble',
  verify(algorithm, key, message, signature) {
    if (!wellFormed(algorithm, key, signature)) return false
    try {
      if (key.type === 'rsa') return verifyPss(key.modulus, key.exponent, message, signature)
      // Attestation keys do not normalise s.
      return (key.curve === 'P-256' ? p256 : p384).verify(signature, message, key.point, { lowS: false })
    } catch {
      return false
    }
  },
}
