import { hashStruct, typedDataDigest, uint } from './eip712.ts'
import { type Address, type Digest, type Hex, type ProgramId, parseHex, type RequestId, toHex } from './hex.ts'
import { type Json, jsonDigest } from './json.ts'

/** What is asked, for how much, until when, and where it is settled. `id` is the EIP-712 digest of the other fields. */
export interface Request {
  readonly id: RequestId
  readonly program: ProgramId
  /** Digest of the input commitment list. */
  readonly inputs: Digest
  /** Digest of the requirement. */
  readonly requirement: Digest
  /** Digest of {@link Terms}. */
  readonly terms: Digest
  readonly payer: Address
  /** Wei, or the smallest unit of the token that the settlement terms name. */
  readonly priceWei: bigint
  /** 32 bytes; makes equal requests distinct. */
  readonly nonce: Hex
  readonly chainId: bigint
  /** The settlement contract; zero where the request is not settled. */
  readonly contract: Address
  /** Unix seconds: the last moment at which a claim may be submitted. */
  readonly expiresAt: bigint
}

/** What else was agreed: the application's own facts (a featuriser, labels) and the digest of the settler's terms. */
export interface Terms {
  readonly application: Json
  readonly settlement: Digest
}

export const termsDigest = (t: Terms): Digest =>
  toHex(hashStruct('terms', jsonDigest(t.application), t.settlement)) as Digest

/** Throws `VS_CORE_INVALID_DATA` with the name of a field that is not what it has to be. */
export function requestId(r: Omit<Request, 'id'>): RequestId {
  const hex = (
    field: 'program' | 'inputs' | 'requirement' | 'terms' | 'payer' | 'nonce' | 'contract',
    bytes = 32,
  ): Hex => parseHex(r[field], `request.${field}`, bytes)
  const struct = hashStruct(
    'request',
    hex('program'),
    hex('inputs'),
    hex('requirement'),
    hex('terms'),
    hex('payer', 20),
    uint(r.priceWei, 256, 'request.priceWei'),
    hex('nonce'),
    uint(r.chainId, 256, 'request.chainId'),
    hex('contract', 20),
    uint(r.expiresAt, 64, 'request.expiresAt'),
  )
  return typedDataDigest(r.chainId, r.contract, struct) as Hex as RequestId
}

export const makeRequest = (fields: Omit<Request, 'id'>): Request => ({ id: requestId(fields), ...fields })
