import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import type { LaneOptions } from '@veristack/chain-evm'
import { isVeristackError } from '@veristack/core/receipt'
import { fail } from '../errors.ts'
import { chainIdOf } from '../networks.ts'

/** What the command line of `deploy` and the environment say, parsed. */
export interface DeployOptions {
  readonly rpcUrl: string
  readonly json: boolean
  readonly work:
    | { readonly kind: 'check'; readonly file: string }
    | {
        readonly kind: 'deploy'
        /** Absent: `local`, whichever of the local ids the chain has. */
        readonly chainId: bigint | undefined
        readonly dryRun: boolean
        /** Absent: `deployments/eip155-<chain id>.json`. */
        readonly file: string | undefined
        readonly journalDirectory: string | undefined
        readonly confirmations: LaneOptions['confirmations']
        readonly maxFeePerGasWei: bigint | undefined
        readonly signer: SignerSource | undefined
      }
}

export type SignerSource =
  | { readonly from: 'file'; readonly path: string }
  | { readonly from: 'keystore'; readonly path: string; readonly passwordFile: string | undefined }

const HELP = 'veristack deploy --help'
const LOCAL_URL = 'http://127.0.0.1:8545'

const known = {
  network: { type: 'string' },
  'rpc-url': { type: 'string' },
  'signer-file': { type: 'string' },
  keystore: { type: 'string' },
  'password-file': { type: 'string' },
  file: { type: 'string' },
  journal: { type: 'string' },
  confirmations: { type: 'string' },
  'max-fee-per-gas-wei': { type: 'string' },
  'dry-run': { type: 'boolean', default: false },
  check: { type: 'string' },
  json: { type: 'boolean', default: false },
} as const

type Values = ReturnType<typeof parse>

/** Throws `VS_SETTLE_INVALID_OPTION`, and `VS_SETTLE_KEY_EXPOSED` where a key stands among the arguments. */
export function deployOptions(
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string | undefined>>,
): DeployOptions {
  refuseKeys(args)
  const values = parse(args)
  const rpcUrl = values['rpc-url'] ?? env.VERISTACK_RPC_URL ?? (values.network === 'local' ? LOCAL_URL : undefined)
  if (rpcUrl === undefined || rpcUrl === '')
    throw invalid('--rpc-url', 'a URL, here or in VERISTACK_RPC_URL', 'nothing')
  const common = { rpcUrl, json: values.json }
  if (values.check !== undefined) {
    const others = (Object.keys(known) as (keyof Values)[]).filter(
      (k) => !['check', 'rpc-url', 'json'].includes(k) && values[k] !== undefined && values[k] !== false,
    )
    if (others.length > 0) throw invalid(`--${others[0]}`, 'nothing beside --check', 'a value')
    return { ...common, work: { kind: 'check', file: resolve(cwd, values.check) } }
  }
  if (values.network === undefined)
    throw invalid('--network', 'local, a name such as sepolia, or eip155:<id>', 'nothing')
  return {
    ...common,
    work: {
      kind: 'deploy',
      chainId: values.network === 'local' ? undefined : chainOf(values.network),
      dryRun: values['dry-run'],
      file: at(cwd, values.file),
      journalDirectory: at(cwd, values.journal),
      confirmations: confirmationsOf(values.confirmations),
      maxFeePerGasWei: feeOf(values['max-fee-per-gas-wei']),
      signer: signerOf(values, cwd),
    },
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], allowPositionals: false, strict: true, options: known }).values
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause)
    throw fail('VS_SETTLE_INVALID_OPTION', { message: message.split('. ')[0] ?? message, details: { help: HELP } })
  }
}

/** Hexadecimal digits about as many as a key's, or the words of a mnemonic. */
const SECRET = /^(?:-[^=]*=)?(?:(?:0x)?[0-9a-f]{48,}|(?:[a-z]+\s+){11,}[a-z]+)$/i

/** No option takes anything that has the form of a key, and it must not be repeated in a message. */
function refuseKeys(args: readonly string[]): void {
  const place = args.findIndex((a) => SECRET.test(a.trim()))
  if (place === -1) return
  const details = { argument: place + 1, expected: '--signer-file, --keystore or VERISTACK_SIGNER_KEY' }
  throw fail('VS_SETTLE_KEY_EXPOSED', {
    message: 'A key stands on the command line, where others can read it',
    details,
  })
}

function signerOf(values: Values, cwd: string): SignerSource | undefined {
  const { 'signer-file': file, keystore, 'password-file': password } = values
  if (file !== undefined && keystore !== undefined)
    throw invalid('--keystore', 'nothing beside --signer-file', 'a value')
  if (password !== undefined && keystore === undefined)
    throw invalid('--keystore', 'a file, for --password-file', 'nothing')
  if (file !== undefined) return { from: 'file', path: resolve(cwd, file) }
  if (keystore === undefined) return undefined
  return { from: 'keystore', path: resolve(cwd, keystore), passwordFile: at(cwd, password) }
}

function confirmationsOf(text: string | undefined): LaneOptions['confirmations'] {
  if (text === undefined || text === 'safe' || text === 'finalized') return text
  const value = Number(text)
  if (!/^[1-9]\d{0,4}$/.test(text) || value > 10_000)
    throw invalid('--confirmations', '1 to 10000, safe or finalized', text)
  return value
}

function feeOf(text: string | undefined): bigint | undefined {
  if (text === undefined) return undefined
  if (!/^[1-9]\d{0,30}$/.test(text)) throw invalid('--max-fee-per-gas-wei', 'a whole number of wei', text)
  return BigInt(text)
}

const at = (cwd: string, path: string | undefined): string | undefined =>
  path === undefined ? undefined : resolve(cwd, path)

const invalid = (field: string, expected: string, got: string) =>
  fail('VS_SETTLE_INVALID_OPTION', {
    message: got === 'nothing' ? `${field} is missing` : `${field} can not be used`,
    details: { field, expected, got, help: HELP },
  })

function chainOf(network: string): bigint {
  try {
    return chainIdOf(network)
  } catch (error) {
    if (!isVeristackError(error, 'VS_SETTLE_INVALID_OPTION')) throw error
    throw invalid('--network', String(error.details.expected), network)
  }
}
