import { bytesToHex } from '@noble/hashes/utils.js'
import { equalBytes } from '../bytes.ts'
import { equalKeys, type PublicKey, type SignatureAlgorithm, type SignatureBackend } from '../pki/index.ts'
import { Recent } from '../recent.ts'
import type { ReadCollateral } from './collateral.ts'

const SIGNATURES = 128
const MAX_MESSAGE = 65_536
const COLLATERAL = 16

/**
 * What an arithmetic has found right, so that what many verdicts share is not worked out for each: signatures on collateral
 * and on certificates, and the collateral that they are on, as it was read. Dates, issuers and revocation are looked at every
 * time. What is wrong is not remembered.
 */
export interface Memory {
  readonly backend: SignatureBackend
  /** By its id: see `idOf`. */
  readonly collateral: Recent<ReadCollateral>
}

/** What a signature is right for. */
interface Right {
  readonly algorithm: SignatureAlgorithm
  readonly key: PublicKey
  readonly message: Uint8Array
}

const memories = new WeakMap<SignatureBackend, Memory>()

export function memoryOf(backend: SignatureBackend): Memory {
  const known = memories.get(backend)
  if (known !== undefined) return known
  const right = new Recent<Right>(SIGNATURES)
  const memory: Memory = {
    collateral: new Recent(COLLATERAL),
    backend: {
      name: backend.name,
      async verify(algorithm, key, message, signature) {
        const id = bytesToHex(signature)
        const known = right.get(id)
        if (known?.algorithm === algorithm && equalKeys(known.key, key) && equalBytes(known.message, message))
          return true
        const holds = await backend.verify(algorithm, key, message, signature)
        // Messages and keys are views of copies that were made when they were read: nobody changes them.
        if (holds && message.length <= MAX_MESSAGE) right.set(id, { algorithm, key, message })
        return holds
      },
    },
  }
  memories.set(backend, memory)
  return memory
}
