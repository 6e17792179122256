import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import type { PublicKey, SignatureBackend } from '../pki/index.ts'

const CAPACITY = 512
const remembering = new WeakMap<SignatureBackend, SignatureBackend>()

/**
 * The same arithmetic, which does not redo what it has found right. For signatures on collateral and its certificates, which
 * many verdicts share. What is remembered is keyed by digest over algorithm, key, message and signature, so over all that the answer depends
 * on, per backend; dates, issuers and revocation are looked at every time. Wrong signatures are not remembered.
 */
export function remember(backend: SignatureBackend): SignatureBackend {
  const known = remembering.get(backend)
  if (known !== undefined) return known
  const right = new Set<string>()
  const made: SignatureBackend = {
    name: backend.name,
    async verify(algorithm, key, message, signature) {
      const id = identify(algorithm, key, message, signature)
      if (right.delete(id)) {
        right.add(id)
        return true
      }
      const holds = await backend.verify(algorithm, key, message, signature)
      if (!holds) return false
      right.add(id)
      const [oldest] = right
      if (right.size > CAPACITY && oldest !== undefined) right.delete(oldest)
      return true
    },
  }
  remembering.set(backend, made)
  return made
}

/** Every part with its length before it, so that no two lists of parts read the same. */
function identify(algorithm: string, key: PublicKey, message: Uint8Array, signature: Uint8Array): string {
  const parts =
    key.type === 'ec'
      ? [utf8ToBytes(algorithm), utf8ToBytes(key.curve), key.point, signature, message]
      : [utf8ToBytes(algorithm), key.modulus, utf8ToBytes(`${key.exponent}`), signature, message]
  const hash = sha256.create()
  for (const part of parts) hash.update(utf8ToBytes(`${part.length}:`)).update(part)
  return bytesToHex(hash.digest())
}
