/** The signatures that vendors use. ECDSA: `r || s`, fixed width, high `s` allowed. RSA-PSS: MGF1 with the same hash, 48 bytes of salt. */
export type SignatureAlgorithm = 'ecdsa-p256-sha256' | 'ecdsa-p384-sha384' | 'ecdsa-p384-sha256' | 'rsa-pss-sha384'

export type PublicKey =
  | {
      readonly type: 'ec'
      readonly curve: 'P-256' | 'P-384'
      /** 0x04 || x || y. */
      readonly point: Uint8Array
    }
  | { readonly type: 'rsa'; readonly modulus: Uint8Array; readonly exponent: bigint }

/** The arithmetic behind a verdict; every one must answer the same. False for anything but a right signature: it never throws. */
export interface SignatureBackend {
  readonly name: 'noble' | 'node' | 'webcrypto' | (string & {})
  verify(
    algorithm: SignatureAlgorithm,
    key: PublicKey,
    message: Uint8Array,
    signature: Uint8Array,
  ): boolean | Promise<boolean>
}

/** The digest that is signed. */
export const hashOf = (algorithm: SignatureAlgorithm): 'sha256' | 'sha384' =>
  algorithm.endsWith('sha256') ? 'sha256' : 'sha384'

/** Bytes of a coordinate and of `r` and `s`. */
export const FIELD_BYTES = { 'P-256': 32, 'P-384': 48 } as const

/** What any of them would refuse, said once: sizes, and keys that are too small to mean anything. */
export function wellFormed(algorithm: SignatureAlgorithm, key: PublicKey, signature: Uint8Array): boolean {
  if (algorithm === 'rsa-pss-sha384') {
    return (
      key.type === 'rsa' &&
      key.modulus.length >= 256 &&
      key.modulus.length <= 512 &&
      (key.modulus[0] ?? 0) >= 0x80 &&
      // Of primes; OpenSSL does not reckon with an even one.
      ((key.modulus.at(-1) ?? 0) & 1) === 1 &&
      key.exponent === 65537n &&
      signature.length === key.modulus.length
    )
  }
  const curve = algorithm === 'ecdsa-p256-sha256' ? 'P-256' : 'P-384'
  const size = FIELD_BYTES[curve]
  return (
    key.type === 'ec' &&
    key.curve === curve &&
    key.point.length === 1 + 2 * size &&
    key.point[0] === 4 &&
    signature.length === 2 * size
  )
}
