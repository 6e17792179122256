import { type Address, type Hex, parseAddress } from '@veristack/core/receipt'

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

/** An account over a private key in memory. */
export async function privateKeyAccount(privateKey: Hex): Promise<Account> {
  const { Wallet } = await import('ethers')
  const wallet = new Wallet(privateKey)
  return {
    address: parseAddress(wallet.address),
    sign: async (transaction) => (await wallet.signTransaction(transaction)) as Hex,
  }
}
