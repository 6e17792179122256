import type { SettlementTerms } from '@veristack/core'
import {
  type Address,
  type Digest,
  fromHex,
  type Json,
  keccak,
  keccakText,
  parseAddress,
  toHex,
  ZERO_ADDRESS,
} from '@veristack/core/receipt'
import { fail } from './errors.ts'

/** The type string that Settlement.sol hashes. */
export const SETTLEMENT_TERMS_TYPE =
  'SettlementTerms(address token,address exclusiveClaimant,uint64 exclusiveUntil,uint64 validUntil,uint32 graceSeconds,address callbackTarget,uint32 callbackGas,uint8 callbackState,uint96 tipWei)'

/** What payer and claimant agree with the contract. Times are Unix seconds. `ISettlement.sol` tells each member. */
export interface Terms {
  /** In which price and tip are; zero: the chain's coin. */
  readonly token: Address
  readonly exclusiveClaimant: Address
  readonly exclusiveUntil: bigint
  readonly validUntil: bigint
  readonly graceSeconds: bigint
  readonly callbackTarget: Address
  readonly callbackGas: bigint
  /** The contract's number of the state at which the callback is made: 3n (Accepted), 4n (Delivered), 0n without one. */
  readonly callbackState: bigint
  /** In the smallest unit of `token`: wei where that is the chain's coin. */
  readonly tipWei: bigint
}

const DEFAULT_GRACE_SECONDS = 600n

const BITS = {
  exclusiveUntil: 64,
  validUntil: 64,
  graceSeconds: 32,
  callbackGas: 32,
  callbackState: 8,
  tipWei: 96,
} as const
/** In the order of the type string. */
const MEMBERS = [
  'token',
  'exclusiveClaimant',
  'exclusiveUntil',
  'validUntil',
  'graceSeconds',
  'callbackTarget',
  'callbackGas',
  'callbackState',
  'tipWei',
] as const satisfies readonly (keyof Terms)[]
/** The contract's numbers for the states at which it makes a callback. */
const CALLBACK_STATES: ReadonlyMap<string, bigint> = new Map([
  ['accepted', 3n],
  ['delivered', 4n],
])
const MAX_CALLBACK_GAS = 2_000_000n
const MAX_GRACE_SECONDS = 90n * 86_400n

/**
 * Terms from a caller's options: members by name, integers as numbers or decimal strings, `callbackState` as `accepted` or
 * `delivered` too; absent ones are zero, `graceSeconds` 600. `tipWei`, as the request's `priceWei`, is in the smallest unit of
 * `token`: wei where that is the chain's coin. Throws `VS_SETTLE_INVALID_OPTION`, also for what the contract would refuse.
 */
export function parseTerms(options: Json): Terms {
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw invalid('settlement', 'an object', options)
  const given = options as { readonly [k: string]: Json }
  const unknown = Object.keys(given).find((k) => !MEMBERS.some((m) => m === k))
  if (unknown !== undefined) throw invalid(unknown, `one of ${MEMBERS.join(', ')}`, unknown)
  const address = (name: keyof Terms): Address => {
    const value = given[name]
    if (value === undefined) return ZERO_ADDRESS
    if (typeof value !== 'string' || !/^0x[0-9a-fA-F]{40}$/.test(value)) throw invalid(name, '0x and 20 bytes', value)
    return parseAddress(value)
  }
  const integer = (name: keyof typeof BITS, absent = 0n): bigint => {
    const value = given[name]
    const named = name === 'callbackState' && typeof value === 'string' ? CALLBACK_STATES.get(value) : undefined
    if (named !== undefined) return named
    if (value === undefined) return absent
    const text = typeof value === 'number' ? String(value) : value
    if (typeof text !== 'string' || !/^\d{1,30}$/.test(text) || BigInt(text) >> BigInt(BITS[name]) !== 0n) {
      throw invalid(name, `an unsigned integer of ${BITS[name]} bits`, value)
    }
    return BigInt(text)
  }
  const terms: Terms = {
    token: address('token'),
    exclusiveClaimant: address('exclusiveClaimant'),
    exclusiveUntil: integer('exclusiveUntil'),
    validUntil: integer('validUntil'),
    graceSeconds: integer('graceSeconds', DEFAULT_GRACE_SECONDS),
    callbackTarget: address('callbackTarget'),
    callbackGas: integer('callbackGas'),
    callbackState: integer('callbackState'),
    tipWei: integer('tipWei'),
  }
  if ((terms.exclusiveClaimant === ZERO_ADDRESS) !== (terms.exclusiveUntil === 0n)) {
    throw invalid('exclusiveUntil', 'set together with exclusiveClaimant', String(terms.exclusiveUntil))
  }
  if (terms.graceSeconds > MAX_GRACE_SECONDS)
    throw invalid('graceSeconds', `at most ${MAX_GRACE_SECONDS}`, String(terms.graceSeconds))
  if (terms.validUntil >> 32n !== 0n) throw invalid('validUntil', 'a time before 2106', String(terms.validUntil))
  checkCallback(terms)
  return terms
}

function checkCallback({ callbackTarget, callbackGas, callbackState }: Terms): void {
  if (callbackTarget === ZERO_ADDRESS) {
    if (callbackGas !== 0n) throw invalid('callbackGas', 'set together with callbackTarget', String(callbackGas))
    if (callbackState !== 0n) throw invalid('callbackState', 'set together with callbackTarget', String(callbackState))
    return
  }
  if (callbackGas === 0n || callbackGas > MAX_CALLBACK_GAS)
    throw invalid('callbackGas', `1 to ${MAX_CALLBACK_GAS}`, String(callbackGas))
  if (![...CALLBACK_STATES.values()].includes(callbackState))
    throw invalid('callbackState', 'accepted (3) or delivered (4)', String(callbackState))
}

const invalid = (field: string, expected: string, got: Json) =>
  fail('VS_SETTLE_INVALID_OPTION', { details: { field, expected, got: JSON.stringify(got).slice(0, 80) } })

/** EIP-712 struct hash of the terms. */
export const settlementTermsDigest = (terms: Terms): Digest =>
  toHex(
    keccak(
      keccakText(SETTLEMENT_TERMS_TYPE),
      ...MEMBERS.map((m) => fromHex(`0x${BigInt(terms[m]).toString(16).padStart(64, '0')}`)),
    ),
  ) as Digest

/** What core stores and hashes into the request. */
export function agreeTerms(options: Json): SettlementTerms {
  const terms = parseTerms(options)
  const preimage = Object.fromEntries(
    MEMBERS.map((m) => [m, typeof terms[m] === 'bigint' ? String(terms[m]) : terms[m]]),
  )
  return { digest: settlementTermsDigest(terms), preimage }
}
