import { sha384 } from '@noble/hashes/sha2.js'
import { bytesToHex, concatBytes, hexToBytes } from '@noble/hashes/utils.js'
import { equalBytes, isZero } from '../../bytes.ts'

const HASH_BYTES = 48
const SALT_BYTES = 48

/** RSASSA-PSS-VERIFY of RFC 8017 section 8.1.2 with SHA-384, MGF1-SHA-384 and a salt of 48 bytes. */
export function verifyPss(modulus: Uint8Array, exponent: bigint, message: Uint8Array, signature: Uint8Array): boolean {
  const n = toInteger(modulus)
  const s = toInteger(signature)
  if (s >= n) return false
  const bits = n.toString(2).length - 1
  const encoded = power(s, exponent, n)
  const size = Math.ceil(bits / 8)
  const hex = encoded.toString(16)
  if (hex.length > 2 * size) return false
  return verifyEncoding(sha384(message), hexToBytes(hex.padStart(2 * size, '0')), bits)
}

/** EMSA-PSS-VERIFY of RFC 8017 section 9.1.2. */
function verifyEncoding(digest: Uint8Array, encoded: Uint8Array, bits: number): boolean {
  if (encoded.length < HASH_BYTES + SALT_BYTES + 2 || encoded.at(-1) !== 0xbc) return false
  const split = encoded.length - HASH_BYTES - 1
  const masked = encoded.subarray(0, split)
  const hash = encoded.subarray(split, -1)
  const free = 8 * encoded.length - bits
  if ((masked[0] ?? 0) >> (8 - free) !== 0) return false
  const mask = mgf1(hash, split)
  const block = masked.map((byte, i) => byte ^ (mask[i] ?? 0))
  block[0] = (block[0] ?? 0) & (0xff >> free)
  const padding = split - SALT_BYTES - 1
  if (!isZero(block.subarray(0, padding)) || block[padding] !== 1) return false
  return equalBytes(hash, sha384(concatBytes(new Uint8Array(8), digest, block.subarray(padding + 1))))
}

function mgf1(seed: Uint8Array, length: number): Uint8Array {
  const parts: Uint8Array[] = []
  for (let i = 0; i * HASH_BYTES < length; i++) {
    const counter = new Uint8Array(4)
    new DataView(counter.buffer).setUint32(0, i)
    parts.push(sha384(concatBytes(seed, counter)))
  }
  return concatBytes(...parts).subarray(0, length)
}

const toInteger = (bytes: Uint8Array): bigint => BigInt(`0x${bytesToHex(bytes) || '0'}`)

function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n
  let square = base % modulus
  for (let e = exponent; e > 0n; e >>= 1n) {
    if (e & 1n) result = (result * square) % modulus
    square = (square * square) % modulus
  }
  return result
}
