import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import type { PublicKey, SignatureBackend } from '../pki/index.ts'
import { Recent } from '../recent.ts'
import type { DecodedCollateral } from './collateral.ts'

const SIGNATURES = 512
const COLLATERAL = 16

/**
 * What an arithmetic has found right, so that what many verdicts share is not worked out for each: signatures on collateral
 * and on certificates, and the collateral that they are on, as it was read. Dates, issuers and revocation are looked at every
 * time. What is wrong is not remembered.
 */
export interface Memory {
  readonly backend: SignatureBackend
  /** By its whole text. */
  readonly collateral: Recent<DecodedCollateral>
}

const memories = new WeakMap<SignatureBackend, Memory>()

export function memoryOf(backend: SignatureBackend): Memory {
  const known = memories.get(backend)
  if (known !== undefined) return known
  const right = new Recent<true>(SIGNATURES)
  const memory: Memory = {
    collateral: new Recent(COLLATERAL),
    backend: {
      name: backend.name,
      async verify(algorithm, key, message, signature) {
        const id = [algorithm, ...partsOf(key), bytesToHex(signature), digestOf(message)].join()
        if (right.get(id) === true) return true
        const holds = await backend.verify(algorithm, key, message, signature)
        if (holds) right.set(id, true)
        return holds
      },
    },
  }
  memories.set(backend, memory)
  return memory
}

const partsOf = (key: PublicKey): readonly string[] =>
  key.type === 'ec' ? [key.curve, bytesToHex(key.point)] : ['RSA', bytesToHex(key.modulus), key.exponent.toString()]

/** Of bytes that nobody changes: they were copied when they were read. */
const digests = new WeakMap<Uint8Array, string>()

function digestOf(message: Uint8Array): string {
  const digest = digests.get(message) ?? bytesToHex(sha256(message))
  digests.set(message, digest)
  return digest
}
