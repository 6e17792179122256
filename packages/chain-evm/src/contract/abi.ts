import { type Hex, show } from '@veristack/core/receipt'
import type { InterfaceAbi } from 'ethers'
import { fail } from '../errors.ts'

/** An ABI as the generated bindings state it: `as const`. */
export type Abi = readonly { readonly type: string; readonly name?: string }[]
type Named<A extends Abi, T extends string> = Extract<A[number], { readonly type: T; readonly name: string }>['name']
export type FunctionName<A extends Abi> = Named<A, 'function'>
export type EventName<A extends Abi> = Named<A, 'event'>
export type ErrorName<A extends Abi> = Named<A, 'error'>

const parsed = new WeakMap<Abi, Promise<import('ethers').Interface>>()

/** The parsed ABI. ethers is loaded when this is first called. */
export function interfaceOf(abi: Abi): Promise<import('ethers').Interface> {
  const known = parsed.get(abi)
  if (known !== undefined) return known
  const made = import('ethers').then(({ Interface }) => new Interface(abi as unknown as InterfaceAbi))
  parsed.set(abi, made)
  return made
}

/**
 * Calldata. Structs are passed as objects with the members' names. Throws `VS_EVM_INVALID_OPTION` with the name of an argument
 * that is not of its type.
 */
export async function encodeCall<A extends Abi>(abi: A, name: FunctionName<A>, args: readonly unknown[]): Promise<Hex> {
  const known = await interfaceOf(abi)
  return encoded(name, () => known.encodeFunctionData(name, args))
}

function encoded(call: string, encode: () => string): Hex {
  try {
    return encode() as Hex
  } catch (cause) {
    if (
      !(
        typeof cause === 'object' &&
        cause !== null &&
        'argument' in cause &&
        'value' in cause &&
        'shortMessage' in cause
      )
    )
      throw cause
    const details = {
      call,
      field: String(cause.argument),
      expected: String(cause.shortMessage),
      got: show(cause.value),
    }
    throw fail('VS_EVM_INVALID_OPTION', { details, cause })
  }
}

/** What a function returned, by position; structs by member name too. */
export async function decodeResult<A extends Abi>(
  abi: A,
  name: FunctionName<A>,
  data: Hex,
): Promise<readonly unknown[]> {
  return (await interfaceOf(abi)).decodeFunctionResult(name, data)
}

/** ABI-encoded constructor arguments. Throws as {@link encodeCall} does. */
export async function encodeConstructor(abi: Abi, args: readonly unknown[]): Promise<Hex> {
  const known = await interfaceOf(abi)
  return encoded('constructor', () => known.encodeDeploy(args))
}
