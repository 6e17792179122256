import { fail } from '../errors/index.ts'
import { hashStruct, keccak, keccakText } from './eip712.ts'
import { type Digest, fromHex, type Hex, toHex } from './hex.ts'
import { bigints, isIntegerType, type Tensor } from './tensor.ts'

/**
 * What a claim says of one tensor. `raw/v1` is the tensor itself; other schemes are named by the packages that compute
 * them (`poseidon-bn254/v1` in integer-model).
 */
export interface Commitment {
  /** `tensorSpecs` of what it covers: `int32[1]:label`. */
  readonly tensor: string
  readonly scheme: string
  readonly value: Hex
}

export const RAW_SCHEME = 'raw/v1'
/** Largest raw tensor, in elements: what a contract may be asked to read. */
export const RAW_LIMIT = 1024

/**
 * keccak256 over the ordered list, hashed as EIP-712 hashes `Commitment[]`; this is `inputs` and `outputs` of a claim.
 * Order matters, and so does every byte of the three fields.
 */
export function commitmentsDigest(list: readonly Commitment[]): Digest {
  return toHex(
    keccak(
      ...list.map((c) =>
        hashStruct('commitment', keccakText(c.tensor), keccakText(c.scheme), keccak(fromHex(c.value))),
      ),
    ),
  ) as Digest
}

/** `raw/v1`: each element as a 32-byte big-endian two's-complement word, which is how a contract reads `int256`. */
export function rawCommitment(t: Tensor): Hex {
  if (!isIntegerType(t.type)) {
    throw fail('VS_CORE_INVALID_DATA', {
      details: { field: `tensor ${t.name}.type`, expected: `an integer type for ${RAW_SCHEME}`, got: t.type },
    })
  }
  const values = bigints(t)
  if (values.length > RAW_LIMIT) {
    throw fail('VS_CORE_TOO_LARGE', {
      details: { field: `tensor ${t.name}`, limit: `${RAW_LIMIT} elements in ${RAW_SCHEME}`, got: values.length },
    })
  }
  return `0x${values.map((v) => BigInt.asUintN(256, v).toString(16).padStart(64, '0')).join('')}`
}

/** The elements of a `raw/v1` value, or undefined where the bytes are not whole words. */
export function openRaw(value: Hex): readonly bigint[] | undefined {
  const digits = value.slice(2)
  if (digits.length % 64 !== 0) return undefined
  return Array.from({ length: digits.length / 64 }, (_, i) =>
    BigInt.asIntN(256, BigInt(`0x${digits.slice(64 * i, 64 * i + 64)}`)),
  )
}
