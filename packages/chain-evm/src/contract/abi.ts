import type { Hex } from '@veristack/core/receipt'
import type { InterfaceAbi } from 'ethers'

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

/** Calldata. Structs are passed as objects with the members' names. */
export async function encodeCall<A extends Abi>(abi: A, name: FunctionName<A>, args: readonly unknown[]): Promise<Hex> {
  return (await interfaceOf(abi)).encodeFunctionData(name, args) as Hex
}

/** What a function returned, by position; structs by member name too. */
export async function decodeResult<A extends Abi>(
  abi: A,
  name: FunctionName<A>,
  data: Hex,
): Promise<readonly unknown[]> {
  return (await interfaceOf(abi)).decodeFunctionResult(name, data)
}

/** ABI-encoded constructor arguments. */
export async function encodeConstructor(abi: Abi, args: readonly unknown[]): Promise<Hex> {
  return (await interfaceOf(abi)).encodeDeploy(args) as Hex
}
