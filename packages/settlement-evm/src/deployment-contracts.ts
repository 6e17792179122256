import { type Creation, create2Address, type ExpectedCode, type Immutable } from '@veristack/chain-evm'
import { type Address, type Hex, keccak, keccakText, toHex, ZERO_DIGEST } from '@veristack/core/receipt'
import { bondsBytecode, bondsDeployedBytecode, bondsImmutableReferences } from './bindings/Bonds.ts'
import { programRegistryBytecode, programRegistryDeployedBytecode } from './bindings/ProgramRegistry.ts'
import { settlementBytecode, settlementDeployedBytecode } from './bindings/Settlement.ts'
import { fail } from './errors.ts'

export type ContractName = 'Settlement' | 'ProgramRegistry' | 'Bonds'

/** A contract of this release. None takes constructor arguments, and none has an initialiser. */
export interface ReleaseContract extends Creation {
  readonly name: ContractName
  readonly salt: Hex
  /** What stands on chain once it is deployed at an address there. */
  expected(chainId: bigint, address: Address): ExpectedCode
}

const contract = (
  name: ContractName,
  bytecode: Hex,
  code: Hex,
  immutables: (chainId: bigint, address: Address) => readonly Immutable[] = () => [],
): ReleaseContract => ({
  name,
  bytecode,
  salt: ZERO_DIGEST,
  expected: (chainId, address) => ({ name, address, code, immutables: immutables(chainId, address) }),
})

export const CONTRACTS: readonly ReleaseContract[] = [
  contract('Settlement', settlementBytecode, settlementDeployedBytecode),
  contract('ProgramRegistry', programRegistryBytecode, programRegistryDeployedBytecode),
  contract('Bonds', bondsBytecode, bondsDeployedBytecode, (chainId, address) =>
    bondsImmutableReferences.map((reference) => {
      const value = eip712Immutables({ name: 'Veristack Bonds', version: '1' }, chainId, address)[reference.name]
      if (value === undefined) throw fail('VS_SETTLE_INVALID_OPTION', { details: { field: reference.name } })
      return { ...reference, value }
    }),
  ),
]

export const addressOf = (c: ReleaseContract): Address => create2Address(c)

const DOMAIN = 'EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)'

/** What OpenZeppelin's EIP712 computes in its constructor, by the names of its variables. */
function eip712Immutables(
  domain: { readonly name: string; readonly version: string },
  chainId: bigint,
  address: Address,
): Readonly<Record<string, Hex>> {
  const words = [keccakText(DOMAIN), keccakText(domain.name), keccakText(domain.version), word(chainId), word(address)]
  return {
    _cachedDomainSeparator: toHex(keccak(...words)),
    _cachedChainId: toHex(word(chainId)),
    _cachedThis: toHex(word(address)),
    _hashedName: toHex(keccakText(domain.name)),
    _hashedVersion: toHex(keccakText(domain.version)),
    _name: shortString(domain.name),
    _version: shortString(domain.version),
  }
}

const word = (value: bigint | Address): Uint8Array => {
  const digits = BigInt(value).toString(16).padStart(64, '0')
  return Uint8Array.from({ length: 32 }, (_, i) => Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16))
}

/** OpenZeppelin's ShortString: the text from the left, its length in the last byte. */
function shortString(text: string): Hex {
  const bytes = new TextEncoder().encode(text)
  const padded = new Uint8Array(32)
  padded.set(bytes)
  padded[31] = bytes.length
  return toHex(padded)
}
