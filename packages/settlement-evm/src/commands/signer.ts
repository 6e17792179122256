import { type Account, keystoreAccount, privateKeyAccount } from '@veristack/chain-evm'
import type { Hex } from '@veristack/core/receipt'
import { readLimited } from '../deployment-file.ts'
import { fail } from '../errors.ts'
import type { SignerSource } from './options.ts'

type Environment = Readonly<Record<string, string | undefined>>

const KEY = /^(?:0x)?([0-9a-f]{64})$/i
const KEY_FILE_BYTES = 1024
const KEYSTORE_BYTES = 64 * 1024

/**
 * The account that a file, the environment or a keystore holds; undefined where none is named. What they hold is in no
 * error. Throws `VS_SETTLE_KEY_EXPOSED` for a file that others may read, `VS_SETTLE_KEY_INVALID`, `VS_EVM_KEY`.
 */
export async function readSigner(source: SignerSource | undefined, env: Environment): Promise<Account | undefined> {
  if (source === undefined) {
    const key = env.VERISTACK_SIGNER_KEY
    return key === undefined || key === '' ? undefined : accountOf(key, 'VERISTACK_SIGNER_KEY')
  }
  if (source.from === 'file') return accountOf(await readSecret(source.path, KEY_FILE_BYTES), source.path)
  const password = await passwordOf(source.passwordFile, env)
  return keystoreAccount(await readLimited(source.path, KEYSTORE_BYTES), password)
}

async function accountOf(text: string, from: string): Promise<Account> {
  const digits = KEY.exec(text.trim())?.[1]
  const invalid = () => fail('VS_SETTLE_KEY_INVALID', { details: { from, expected: '64 hexadecimal digits' } })
  if (digits === undefined) throw invalid()
  const key: Hex = `0x${digits.toLowerCase()}`
  // Zero and the curve's order and above are no keys. The cause might quote it.
  return privateKeyAccount(key).catch(() => {
    throw invalid()
  })
}

async function passwordOf(path: string | undefined, env: Environment): Promise<string> {
  if (path !== undefined) return (await readSecret(path, KEY_FILE_BYTES)).replace(/\r?\n$/, '')
  const password = env.VERISTACK_KEYSTORE_PASSWORD
  if (password !== undefined) return password
  throw fail('VS_SETTLE_INVALID_OPTION', {
    details: { field: '--password-file', expected: 'a file, or VERISTACK_KEYSTORE_PASSWORD', got: 'nothing' },
  })
}

/** The file that is open is the one whose rights are looked at. */
const readSecret = (path: string, limit: number): Promise<string> =>
  readLimited(path, limit, ({ mode }) => {
    if (process.platform === 'win32' || (mode & 0o077) === 0) return
    throw fail('VS_SETTLE_KEY_EXPOSED', {
      message: 'Others may read the file of a key',
      details: { path, expected: 'mode 600 or 400', got: (mode & 0o777).toString(8) },
    })
  })
