import { type Address, fromHex, type Hex, keccak, toHex } from '@veristack/core/receipt'
import { fail } from '../errors.ts'
import type { Chain } from '../rpc/connect.ts'
import { persistently } from '../rpc/retry.ts'

/** A range of the deployed code, in bytes, and what the constructor puts into it. */
export interface Immutable {
  readonly name: string
  readonly start: number
  readonly length: number
  /** `length` bytes. */
  readonly value: Hex
}

export interface ExpectedCode {
  readonly name: string
  readonly address: Address
  /** As the compiler leaves it, with zeros where immutables go. */
  readonly code: Hex
  readonly immutables?: readonly Immutable[]
}

/** Where code is not the expected one. `field` is `code`, or `immutable NAME`. */
export interface CodeDifference {
  readonly field: string
  readonly expected: string
  readonly got: string
}

/** keccak256 of the code. */
export const codeHash = (code: Hex): Hex => toHex(keccak(fromHex(code)))

/** The code that stands on chain once the constructor has run. */
export const deployedCode = ({ code, immutables = [] }: Pick<ExpectedCode, 'code' | 'immutables'>): Hex =>
  immutables.reduce((text, i) => splice(text, i, i.value.slice(2)), code)

/** Every byte counts, immutables too: their values are part of what is expected. */
export function compareCode(got: Hex, expected: ExpectedCode): CodeDifference | undefined {
  const wanted = deployedCode(expected)
  if (got === wanted) return undefined
  const sameBut = (expected.immutables ?? []).find(
    (i) =>
      valueAt(got, i) !== i.value &&
      // Nothing but immutables differs.
      blank(got, expected.immutables) === blank(wanted, expected.immutables),
  )
  if (sameBut !== undefined)
    return { field: `immutable ${sameBut.name}`, expected: sameBut.value, got: valueAt(got, sameBut) }
  return { field: 'code', expected: describe(wanted), got: describe(got) }
}

/** Throws `VS_EVM_CODE_DIFFERS` unless the code at the address is the expected one. Returns its hash. */
export async function checkCode(chain: Chain, expected: ExpectedCode, signal?: AbortSignal): Promise<Hex> {
  const code = await codeAt(chain, expected.address, signal)
  const difference = compareCode(code, expected)
  if (difference === undefined) return codeHash(code)
  const { name: contract, address } = expected
  throw fail('VS_EVM_CODE_DIFFERS', { details: { contract, address, network: chain.network, ...difference } })
}

/** Asked again while the node does not answer. */
export const codeAt = (chain: Chain, address: Address, signal?: AbortSignal): Promise<Hex> =>
  persistently(() => chain.code(address), signal ?? chain.closed)

const describe = (code: Hex): string =>
  code === '0x' ? 'no code' : `${(code.length - 2) / 2} bytes, code hash ${codeHash(code)}`

const valueAt = (code: Hex, { start, length }: Immutable): Hex =>
  `0x${code.slice(2 + 2 * start, 2 + 2 * (start + length))}`

const blank = (code: Hex, immutables: readonly Immutable[] = []): Hex =>
  immutables.reduce((text, i) => splice(text, i, '00'.repeat(i.length)), code)

const splice = (text: Hex, { start, length }: Immutable, hex: string): Hex =>
  `0x${text.slice(2, 2 + 2 * start)}${hex}${text.slice(2 + 2 * (start + length))}`
