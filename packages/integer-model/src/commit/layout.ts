import { keccak_256 } from '@noble/hashes/sha3.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import { type Hex, parseHex } from '@veristack/core/receipt'
import { fail } from '../errors.ts'
import type { Width } from './width.ts'

/** Poseidon over BN254 with circomlib's parameters. The circuit of the zkml tier computes the same. */
export const POSEIDON_SCHEME = 'poseidon-bn254/v1'

/** Bits of values in one field element: whole limbs, and every element stays below 2^248, far from the modulus. */
export const PACKED_BITS = 248
/** Elements in front of the packed values: tag, program id (two halves), layout, salt. */
export const HEADER_ELEMENTS = 5

/** keccak256("veristack/poseidon-bn254/v1") without its last byte, so that it is below 2^248. */
export const POSEIDON_TAG = BigInt(`0x${bytesToHex(keccak_256(utf8ToBytes(`veristack/${POSEIDON_SCHEME}`)))}`) >> 8n

/** How many values a commitment covers, and how wide each is. */
export interface CommitmentLayout extends Width {
  /** 0 to 2^32 - 1. */
  readonly count: number
}

export interface CommitmentInput extends CommitmentLayout {
  /** 32 bytes. */
  readonly programId: Hex
  /** 32 bytes, below 2^248 as an integer; absent is zero. It hides the values where at least 128 bits of it are secret. */
  readonly salt?: Hex
  /** `count` of them, in order. */
  readonly values: readonly bigint[]
}

/** How many limbs of `width` bits go into one element. */
export const limbsPerElement = (width: number): number => Math.floor(PACKED_BITS / width)

/** How many elements stand for this many values: the header and the packed limbs. */
export const elementCountOf = (layout: CommitmentLayout): number =>
  HEADER_ELEMENTS + Math.ceil(layout.count / limbsPerElement(layout.width))

/** The element that binds how the values are laid out: count + width * 2^64 + signed * 2^96. */
export function layoutElement(layout: CommitmentLayout): bigint {
  const { count, width, signed } = layout
  if (!Number.isSafeInteger(count) || count < 0 || count > 0xffffffff) throw invalid('count', '0 to 2^32 - 1', count)
  if (!Number.isSafeInteger(width) || width < 1 || width > 64) throw invalid('width', '1 to 64 bits', width)
  return BigInt(count) + (BigInt(width) << 64n) + (signed ? 1n << 96n : 0n)
}

/** The two halves of a program id, high first. */
export function programElements(programId: Hex): readonly [bigint, bigint] {
  const id = BigInt(parseHex(programId, 'programId', 32))
  return [id >> 128n, id & ((1n << 128n) - 1n)]
}

/** The limb that stands for a value: the value itself, or the value above the least one where signed. */
export function limbOf(value: bigint, { width, signed }: Width, index: number): bigint {
  const limb = signed ? value + (1n << BigInt(width - 1)) : value
  if (limb < 0n || limb >> BigInt(width) !== 0n) {
    throw invalid(`values[${index}]`, `a ${signed ? 'signed' : 'unsigned'} integer of ${width} bits`, value)
  }
  return limb
}

/** Limbs, little-endian, as many to an element as fit whole. */
export function packLimbs(limbs: readonly bigint[], width: number): bigint[] {
  const size = limbsPerElement(width)
  return Array.from({ length: Math.ceil(limbs.length / size) }, (_, k) =>
    limbs.slice(k * size, (k + 1) * size).reduceRight((sum, limb) => (sum << BigInt(width)) + limb, 0n),
  )
}

/** Everything that is absorbed, in order; each element below 2^248. */
export function commitmentElements(input: CommitmentInput): bigint[] {
  const layout = layoutElement(input)
  if (input.values.length !== input.count) throw invalid('values', `${input.count} values`, input.values.length)
  const limbs = input.values.map((value, i) => limbOf(value, input, i))
  return [
    POSEIDON_TAG,
    ...programElements(input.programId),
    layout,
    saltElement(input.salt),
    ...packLimbs(limbs, input.width),
  ]
}

function saltElement(salt: Hex | undefined): bigint {
  if (salt === undefined) return 0n
  const value = BigInt(parseHex(salt, 'salt', 32))
  // The salt itself is a secret, so the error does not show it.
  if (value >> 248n !== 0n) throw invalid('salt', '32 bytes of which the first is zero', '32 bytes, not below 2^248')
  return value
}

const invalid = (field: string, expected: string, got: string | number | bigint) =>
  fail('VS_MODEL_INVALID_COMMITMENT', { details: { field, expected, got } })
