import { keccak_256 } from '@noble/hashes/sha3.js'
import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { fail } from '../errors/index.ts'
import { type Address, type Digest, fromHex, type Hex, show, toHex } from './hex.ts'

/**
 * EIP-712 hashing of exactly the structs that Veristack signs or stores. https://eips.ethereum.org/EIPS/eip-712
 * The type strings are frozen: a change of one is a new version of the type. `Claim.sol` holds the same strings.
 * The member `contract` of the data is `verifyingContract` here, as in the domain: Solidity reserves `contract`.
 */
export const TYPE_STRINGS = {
  domain: 'EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)',
  commitment: 'Commitment(string tensor,string scheme,bytes value)',
  policy: 'Policy(string tier,address verifier,bytes32 codeHash,bytes params,bytes32 offchain)',
  leaf: 'Leaf(string tier,bytes32 policy)',
  requirement: 'Requirement(Leaf[] leaves,bytes formula)Leaf(string tier,bytes32 policy)',
  terms: 'Terms(bytes32 application,bytes32 settlement)',
  request:
    'Request(bytes32 program,bytes32 inputs,bytes32 requirement,bytes32 terms,address payer,uint256 priceWei,bytes32 nonce,uint256 chainId,address verifyingContract,uint64 expiresAt)',
  claim:
    'Claim(bytes32 request,bytes32 program,bytes32 inputs,bytes32 outputs,bytes32 requirement,address claimant,uint256 chainId,address verifyingContract,uint64 expiresAt)',
} as const

const NAME = 'Veristack'
const VERSION = '1'

export const keccak = (...parts: readonly Uint8Array[]): Uint8Array => keccak_256(concatBytes(...parts))

/** Refuses lone surrogates: UTF-8 turns each of them into the same character, so that two texts had one digest. */
export function keccakText(text: string): Uint8Array {
  if (!text.isWellFormed()) throw invalid('text', 'well-formed Unicode', text)
  return keccak_256(utf8ToBytes(text))
}

const WORD = /^0x(?:[0-9a-f]{64}|[0-9a-f]{40})$/i

/** One EIP-712 word: 32 bytes as they are, an address or an unsigned integer left-padded. Nothing else is padded. */
export function word(value: Hex | bigint | Uint8Array): Uint8Array {
  if (value instanceof Uint8Array) return value
  if (typeof value === 'bigint') return fromHex(`0x${uint(value, 256, 'integer').toString(16).padStart(64, '0')}`)
  if (!WORD.test(value)) throw invalid('word', '32 bytes or an address', value)
  return fromHex(`0x${value.slice(2).padStart(64, '0')}`)
}

/** The integer, if a Solidity `uint<bits>` holds it; otherwise `VS_CORE_INVALID_DATA`. */
export function uint(value: bigint, bits: 64 | 256, field: string): bigint {
  if (typeof value !== 'bigint' || value < 0n || value >> BigInt(bits) !== 0n)
    throw invalid(field, `a uint${bits}`, value)
  return value
}

const invalid = (field: string, expected: string, got: unknown) =>
  fail('VS_CORE_INVALID_DATA', { details: { field, expected, got: show(got) } })

/** keccak256(typeHash ‖ words). Dynamic members are passed in already hashed. */
export const hashStruct = (
  type: keyof typeof TYPE_STRINGS,
  ...words: readonly (Hex | bigint | Uint8Array)[]
): Uint8Array => keccak(keccakText(TYPE_STRINGS[type]), ...words.map(word))

export function domainSeparator(chainId: bigint, contract: Address): Uint8Array {
  return hashStruct('domain', keccakText(NAME), keccakText(VERSION), chainId, contract)
}

/** keccak256("\x19\x01" ‖ domainSeparator ‖ hashStruct). */
export function typedDataDigest(chainId: bigint, contract: Address, struct: Uint8Array): Digest {
  return toHex(keccak(Uint8Array.of(0x19, 0x01), domainSeparator(chainId, contract), struct)) as Digest
}
