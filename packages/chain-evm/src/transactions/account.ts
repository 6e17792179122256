import { type Address, type Hex, parseAddress } from '@veristack/core/receipt'
import { fail } from '../errors.ts'

/** An EIP-1559 transaction as it is signed. */
export interface UnsignedTransaction {
  readonly type: 2
  readonly chainId: bigint
  readonly nonce: number
  readonly to: Address
  readonly value: bigint
  readonly data: Hex
  readonly gasLimit: bigint
  readonly maxFeePerGas: bigint
  readonly maxPriorityFeePerGas: bigint
}

/** Signs transactions. Keys never leave it; a hardware or remote signer implements the same two members. */
export interface Account {
  readonly address: Address
  /** The signed transaction, serialised. */
  sign(transaction: UnsignedTransaction): Promise<Hex>
}

/** An account over a private key in memory. Throws `VS_EVM_KEY` for what is none, and does not quote it. */
export async function privateKeyAccount(privateKey: Hex): Promise<Account> {
  const { Wallet } = await import('ethers')
  const wallet = walletOf(privateKey, Wallet)
  return {
    address: parseAddress(wallet.address),
    sign: async (transaction) => (await wallet.signTransaction(transaction)) as Hex,
  }
}

const KEY = /^0x[0-9a-f]{64}$/i

function walletOf(privateKey: unknown, Wallet: typeof import('ethers').Wallet): import('ethers').Wallet {
  const expected = "0x and 64 hexadecimal digits, above zero and below the curve's order"
  if (typeof privateKey === 'string' && KEY.test(privateKey)) {
    try {
      return new Wallet(privateKey)
    } catch {
      // The cause may quote it.
    }
  }
  throw fail('VS_EVM_KEY', { details: { field: 'privateKey', expected, got: 'something else' } })
}
