import { utf8ToBytes } from '@noble/hashes/utils.js'
import { keccak } from './eip712.ts'
import { fromHex, type Hex, toHex } from './hex.ts'

/**
 * A 248-bit salt in 32 bytes, so that it is an element of every field in use: keccak256(secret ‖ scope ‖ name) without
 * its last byte. The same secret, scope and name give the same salt, so that a retry makes the same claim.
 */
export function keccakSalt(secret: Uint8Array, scope: Hex, name: string): Hex {
  const hash = keccak(secret, fromHex(scope), utf8ToBytes(name))
  return toHex(Uint8Array.of(0, ...hash.subarray(0, 31)))
}
