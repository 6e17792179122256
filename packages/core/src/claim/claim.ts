import { secp256k1 } from '@noble/curves/secp256k1.js'
import { keccak_256 } from '@noble/hashes/sha3.js'
import { fail } from '../errors/index.ts'
import type { Commitment } from './commitment.ts'
import { hashStruct, typedDataDigest, uint } from './eip712.ts'
import { type Address, type Digest, fromHex, type Hex, type ProgramId, type RequestId, toHex } from './hex.ts'

/** "Claimant C says: program P on inputs X gave outputs Y for request R." Every tier's evidence binds its digest. */
export interface Claim {
  readonly request: RequestId
  readonly program: ProgramId
  readonly inputs: Digest
  readonly outputs: Digest
  readonly requirement: Digest
  readonly claimant: Address
  readonly chainId: bigint
  readonly contract: Address
  readonly expiresAt: bigint
}

/** The lists open `claim.inputs` and `claim.outputs`, so that a verifier can see what the digests stand for. */
export interface SignedClaim {
  readonly claim: Claim
  readonly inputs: readonly Commitment[]
  readonly outputs: readonly Commitment[]
  /** 65 bytes, r ‖ s ‖ v, low s, v 27 or 28: what Solidity's ecrecover takes. */
  readonly signature: Hex
}

export function claimDigest(c: Claim): Digest {
  const struct = hashStruct(
    'claim',
    c.request,
    c.program,
    c.inputs,
    c.outputs,
    c.requirement,
    c.claimant,
    c.chainId,
    c.contract,
    uint(c.expiresAt, 64, 'claim.expiresAt'),
  )
  return typedDataDigest(c.chainId, c.contract, struct)
}

/** Signs claim digests. Keys never leave it; a hardware or remote signer implements the same two members. */
export interface Signer {
  readonly address: Address
  /** 65 bytes as {@link SignedClaim.signature} describes. */
  sign(digest: Digest): Promise<Hex>
}

export function addressOf(publicKey: Uint8Array): Address {
  const uncompressed = secp256k1.Point.fromBytes(publicKey).toBytes(false)
  return toHex(keccak_256(uncompressed.subarray(1)).subarray(12)) as Address
}

/** A signer over a private key in memory. RFC 6979: the same digest gives the same signature. */
export function localSigner(privateKey: Uint8Array | Hex): Signer {
  const key = secretKey(privateKey)
  return {
    address: addressOf(secp256k1.getPublicKey(key)),
    async sign(digest) {
      // noble's "recovered" form is v ‖ r ‖ s with v 0 or 1.
      const sig = secp256k1.sign(fromHex(digest), key, { prehash: false, format: 'recovered' })
      return toHex(Uint8Array.of(...sig.subarray(1), 27 + (sig[0] ?? 0)))
    },
  }
}

/** Never says what came instead of a key: it may be one. */
function secretKey(value: Uint8Array | Hex): Uint8Array {
  const bytes =
    typeof value === 'string'
      ? /^0x[0-9a-fA-F]{64}$/.test(value)
        ? fromHex(value)
        : undefined
      : Uint8Array.from(value)
  if (bytes === undefined || !secp256k1.utils.isValidSecretKey(bytes)) {
    throw fail('VS_CORE_INVALID_DATA', {
      details: {
        field: 'privateKey',
        expected: '32 bytes (0x and 64 digits as text), not 0 and below the order of secp256k1',
      },
    })
  }
  return bytes
}

/** A signer with a fresh key that is gone with the process. */
export const ephemeralSigner = (): Signer => localSigner(secp256k1.utils.randomSecretKey())

/** Who signed, or undefined where the signature is malformed, has a high s or recovers to nothing. */
export function recoverSigner(digest: Digest, signature: Hex): Address | undefined {
  try {
    const bytes = fromHex(signature)
    const v = bytes[64]
    if (bytes.length !== 65 || (v !== 27 && v !== 28)) return undefined
    const sig = secp256k1.Signature.fromBytes(bytes.subarray(0, 64), 'compact').addRecoveryBit(v - 27)
    if (sig.hasHighS()) return undefined
    return addressOf(sig.recoverPublicKey(fromHex(digest)).toBytes())
  } catch {
    return undefined
  }
}
