import { utf8ToBytes } from '@noble/hashes/utils.js'
import { fail } from '../errors/index.ts'
import { hashStruct, keccak, keccakText } from './eip712.ts'
import { type Digest, fromHex, type Hex, toHex } from './hex.ts'
import { bigints, elementCount, isIntegerType, type Tensor } from './tensor.ts'
import { tensorSpec } from './tensor-spec.ts'

/**
 * What a claim says of one tensor. `raw/v1` is the tensor itself, `keccak/v1` its hash; other schemes are named by the
 * packages that compute them (`poseidon-bn254/v1` in integer-model). A tensor may stand in a list under several schemes.
 */
export interface Commitment {
  /** `tensorSpecs` of what it covers: `int32[1]:label`. */
  readonly tensor: string
  readonly scheme: string
  readonly value: Hex
}

/** What salts are kept by: unique in a commitment list, since a list names a tensor once under each scheme. */
export const commitmentKey = ({ scheme, tensor }: Pick<Commitment, 'scheme' | 'tensor'>): string =>
  `${scheme} ${tensor}`

export const RAW_SCHEME = 'raw/v1'
export const KECCAK_SCHEME = 'keccak/v1'
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

/**
 * `keccak/v1`: keccak256(utf8(tensorSpec) ‖ 0x00 ‖ data), data as {@link Tensor} has it. For every element type and size;
 * a spec holds no zero byte. It hides nothing that can be guessed.
 */
export const keccakCommitment = (t: Tensor): Hex => toHex(keccak(utf8ToBytes(tensorSpec(t)), Uint8Array.of(0), t.data))

/** The scheme for a tensor that nobody needs to hide: raw where a contract could read it, otherwise its hash. */
export const publicScheme = (t: Tensor): typeof RAW_SCHEME | typeof KECCAK_SCHEME =>
  isIntegerType(t.type) && elementCount(t.shape) <= RAW_LIMIT ? RAW_SCHEME : KECCAK_SCHEME

/**
 * Whether these tensors are what a `raw/v1` or `keccak/v1` commitment says; undefined for other schemes. `tensors` are all
 * that could be meant, by {@link tensorSpec}. Lengths are compared before elements are read.
 */
export function opensPublic(c: Commitment, tensors: ReadonlyMap<string, Tensor>): boolean | undefined {
  if (c.scheme === KECCAK_SCHEME) {
    const t = tensors.get(c.tensor)
    return t !== undefined && keccakCommitment(t) === c.value
  }
  if (c.scheme !== RAW_SCHEME) return undefined
  const found: Tensor[] = []
  let elements = 0
  for (const spec of c.tensor.split(',')) {
    const t = tensors.get(spec)
    if (t === undefined || !isIntegerType(t.type)) return false
    elements += elementCount(t.shape)
    if (elements > RAW_LIMIT) return false
    found.push(t)
  }
  return c.value.length === 2 + 64 * elements && c.value === `0x${found.map((t) => rawCommitment(t).slice(2)).join('')}`
}

/** The elements of a `raw/v1` value, or undefined where the bytes are not whole words. */
export function openRaw(value: Hex): readonly bigint[] | undefined {
  const digits = value.slice(2)
  if (digits.length % 64 !== 0) return undefined
  return Array.from({ length: digits.length / 64 }, (_, i) =>
    BigInt.asIntN(256, BigInt(`0x${digits.slice(64 * i, 64 * i + 64)}`)),
  )
}
