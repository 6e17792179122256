import type { Address, Hex } from '@veristack/core/receipt'
import { fail } from '../errors.ts'
import type { Chain } from '../rpc/connect.ts'
import { codeHash } from './create2.ts'

/** A range of the deployed code, in bytes, and what must stand in it; absent: any value may. */
export interface Immutable {
  readonly start: number
  readonly length: number
  readonly value?: Hex
}

export interface ExpectedCode {
  readonly name: string
  readonly address: Address
  readonly code: Hex
  readonly immutables?: readonly Immutable[]
}

/** Throws `VS_EVM_CODE_DIFFERS` unless the code at the address is the expected one. Returns its hash. */
export async function checkCode(chain: Chain, expected: ExpectedCode): Promise<Hex> {
  const code = await chain.code(expected.address)
  if (mask(code, expected.immutables) !== withValues(expected.code, expected.immutables)) {
    throw fail('VS_EVM_CODE_DIFFERS', {
      details: {
        contract: expected.name,
        address: expected.address,
        network: chain.network,
        expected: `${(expected.code.length - 2) / 2} bytes`,
        got: code === '0x' ? 'no code' : `${(code.length - 2) / 2} bytes, code hash ${codeHash(code)}`,
      },
    })
  }
  return codeHash(code)
}

/** Ranges whose value is free are zeroed, as the compiler leaves them. */
function mask(code: Hex, immutables: readonly Immutable[] = []): string {
  return immutables
    .filter((i) => i.value === undefined)
    .reduce((text, i) => splice(text, i, '00'.repeat(i.length)), code as string)
}

const withValues = (code: Hex, immutables: readonly Immutable[] = []): string =>
  immutables.reduce((text, i) => (i.value === undefined ? text : splice(text, i, i.value.slice(2))), code as string)

const splice = (text: string, { start, length }: Immutable, hex: string): string =>
  text.slice(0, 2 + 2 * start) + hex + text.slice(2 + 2 * (start + length))
