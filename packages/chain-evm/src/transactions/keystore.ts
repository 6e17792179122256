import type { Hex } from '@veristack/core/receipt'
import { fail } from '../errors.ts'
import { type Account, privateKeyAccount } from './account.ts'

/**
 * The account of an encrypted keystore, version 3 as geth and ethers write it. Decrypting takes seconds, on purpose. Throws
 * `VS_EVM_KEY` for a wrong password, and for JSON that is no keystore.
 */
export async function keystoreAccount(json: string, password: string): Promise<Account> {
  const { decryptKeystoreJson, isKeystoreJson } = await import('ethers')
  if (!isKeystoreJson(json))
    throw fail('VS_EVM_KEY', { details: { expected: 'a keystore, version 3', got: 'other text' } })
  // The causes may quote what they were given.
  const { privateKey } = await decryptKeystoreJson(json, password).catch(() => {
    throw fail('VS_EVM_KEY', { details: { expected: "the keystore's password", got: 'another one' } })
  })
  return privateKeyAccount(privateKey as Hex)
}
