import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'
import { fail } from '../errors/index.ts'

export type Hex = `0x${string}`
declare const brand: unique symbol
type Id<N extends string> = Hex & { readonly [brand]: N }
/** 32 bytes, lower case. */
export type Digest = Id<'digest'>
/** 32 bytes, lower case: the EIP-712 digest of a request. */
export type RequestId = Id<'request'>
/** 32 bytes, lower case. */
export type ProgramId = Id<'program'>
/** 20 bytes, lower case: checksums are for people, not for comparing. */
export type Address = Id<'address'>

const HEX = /^0x(?:[0-9a-fA-F]{2})*$/

/** Any even number of hexadecimal digits, lower-cased. */
export function parseHex(value: unknown, field: string, bytes?: number): Hex {
  if (typeof value !== 'string' || !HEX.test(value) || (bytes !== undefined && value.length !== 2 + 2 * bytes)) {
    throw fail('VS_CORE_INVALID_DATA', {
      details: {
        field,
        expected: bytes === undefined ? '0x and whole bytes' : `0x and ${bytes} bytes`,
        got: show(value),
      },
    })
  }
  return value.toLowerCase() as Hex
}

export const parseDigest = (value: unknown, field = 'digest'): Digest => parseHex(value, field, 32) as Digest
export const parseRequestId = (value: unknown, field = 'request'): RequestId => parseHex(value, field, 32) as RequestId
export const parseProgramId = (value: unknown, field = 'program'): ProgramId => parseHex(value, field, 32) as ProgramId
export const parseAddress = (value: unknown, field = 'address'): Address => parseHex(value, field, 20) as Address

export const toHex = (bytes: Uint8Array): Hex => `0x${bytesToHex(bytes)}`
export const fromHex = (hex: Hex): Uint8Array => hexToBytes(hex.slice(2))

export const ZERO_DIGEST = `0x${'00'.repeat(32)}` as Digest
export const ZERO_ADDRESS = `0x${'00'.repeat(20)}` as Address

/** A value as it may be shown in an error: short, one line. */
export function show(value: unknown): string {
  const text =
    typeof value === 'string' ? JSON.stringify(value) : typeof value === 'bigint' ? `${value}n` : String(value)
  return text.length > 80 ? `${text.slice(0, 77)}...` : text
}
