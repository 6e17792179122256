import { randomUUID } from 'node:crypto'
import { mkdir, open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type Address, type Digest, isVeristackError, show } from '@veristack/core/receipt'
import * as z from 'zod'
import { fail } from './errors.ts'

const hex = (bytes: number) =>
  z.string().regex(new RegExp(`^0x[0-9a-f]{${2 * bytes}}$`), `0x and ${2 * bytes} lower-case hexadecimal digits`)
const digest = hex(32).transform((s) => s as Digest)
const address = hex(20).transform((s) => s as Address)
const text = (form: RegExp, expected: string) => z.string().max(128, expected).regex(form, expected)

const contract = z.strictObject({
  address,
  salt: digest,
  initCodeHash: digest,
  codeHash: digest,
  created: z.strictObject({ block: z.int().min(0), blockHash: digest, transaction: digest.nullable() }).nullable(),
})

const file = z.strictObject({
  version: z.literal(1),
  release: text(/^\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?$/, 'a version such as 1.2.3'),
  network: text(/^eip155:[1-9]\d{0,18}$/, 'eip155:<chain id>').transform((s) => s as `eip155:${string}`),
  compiler: z.strictObject({
    solc: text(/^[\w.+-]+$/, 'the version of a compiler'),
    evmVersion: text(/^[a-z]+$/, 'the name of an EVM version'),
    optimizerRuns: z.int().min(0),
    viaIR: z.boolean(),
  }),
  factory: address,
  contracts: z.strictObject({ Settlement: contract, ProgramRegistry: contract, Bonds: contract }),
})

/** How one contract came to be on a chain. Hashes are keccak256. */
export interface DeployedContract {
  readonly address: Address
  readonly salt: Digest
  readonly initCodeHash: Digest
  /** Of the code on chain, with the immutables' values in it. */
  readonly codeHash: Digest
  /** Null where the node no longer knew. `transaction` is null where another contract asked the factory. */
  readonly created: {
    readonly block: number
    readonly blockHash: Digest
    readonly transaction: Digest | null
  } | null
}

/** What `veristack deploy` leaves behind: plain data, to be committed with a project. */
export interface DeploymentFile {
  readonly version: 1
  /** Of this package. */
  readonly release: string
  /** CAIP-2. */
  readonly network: `eip155:${string}`
  readonly compiler: {
    readonly solc: string
    readonly evmVersion: string
    readonly optimizerRuns: number
    readonly viaIR: boolean
  }
  readonly factory: Address
  readonly contracts: {
    readonly Settlement: DeployedContract
    readonly ProgramRegistry: DeployedContract
    readonly Bonds: DeployedContract
  }
}

const LIMIT_BYTES = 64 * 1024

/**
 * Parses a deployment file's text, or what a JSON import made of it. A text has one form, the one that `serialiseDeployment`
 * gives; unknown fields are refused. Throws `VS_SETTLE_DEPLOYMENT_INVALID` with field, expected and got.
 */
export function parseDeployment(source: unknown): DeploymentFile {
  if (typeof source !== 'string') return read(source)
  if (source.length > LIMIT_BYTES)
    throw invalid('deployment', `at most ${LIMIT_BYTES} characters`, String(source.length))
  const parsed = read(parseJson(source))
  // Also what a schema can not see, such as a name that is there twice. Git may have changed the ends of lines.
  const lines = source.replaceAll('\r\n', '\n').split('\n')
  const wanted = serialiseDeployment(parsed).split('\n')
  if (lines.join('\n') !== wanted.join('\n')) {
    const line =
      1 +
      Math.max(
        0,
        wanted.findIndex((text, i) => text !== lines[i]),
      )
    throw invalid(
      'deployment',
      'the form in which veristack deploy writes it',
      `another order, spacing or repeated names, from line ${line}`,
    )
  }
  return parsed
}

/** The one text of a deployment: its fields in this order, indented by two spaces. */
export function serialiseDeployment(d: DeploymentFile): string {
  return `${JSON.stringify(read(d), null, 2)}\n`
}

/** Reads and parses. Throws `VS_SETTLE_FILE`, `VS_SETTLE_DEPLOYMENT_INVALID`. */
export async function readDeployment(path: string): Promise<DeploymentFile> {
  const text = await readLimited(path, LIMIT_BYTES)
  try {
    return parseDeployment(text)
  } catch (error) {
    if (!isVeristackError(error, 'VS_SETTLE_DEPLOYMENT_INVALID')) throw error
    throw fail('VS_SETTLE_DEPLOYMENT_INVALID', { details: { path, ...error.details } })
  }
}

/** Whole or not at all, also if the machine stops: written beside its place, then renamed. Throws `VS_SETTLE_FILE`. */
export async function writeDeployment(path: string, d: DeploymentFile): Promise<void> {
  const content = serialiseDeployment(d)
  const part = `${path}.${randomUUID()}.part`
  try {
    await mkdir(dirname(path), { recursive: true })
    const handle = await open(part, 'wx', 0o644)
    try {
      await handle.writeFile(content)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(part, path)
  } catch (cause) {
    await rm(part, { force: true })
    throw unusable(path, cause)
  }
}

/** Text of at most so many bytes. `check` looks at the open file first. */
export async function readLimited(
  path: string,
  limit: number,
  check?: (stat: { readonly mode: number; readonly uid: number }) => void,
): Promise<string> {
  const handle = await open(path, 'r').catch((cause: unknown) => {
    throw unusable(path, cause)
  })
  try {
    const stat = await handle.stat()
    if (!stat.isFile() || stat.size > limit)
      throw fail('VS_SETTLE_FILE', { details: { path, expected: `a file of at most ${limit} bytes` } })
    check?.(stat)
    return await handle.readFile('utf8')
  } finally {
    await handle.close()
  }
}

function unusable(path: string, cause: unknown) {
  const code = typeof cause === 'object' && cause !== null && 'code' in cause ? String(cause.code) : 'unknown'
  return fail('VS_SETTLE_FILE', { details: { path, reason: code === 'ENOENT' ? 'no such file' : code }, cause })
}

function parseJson(source: string): unknown {
  try {
    return JSON.parse(source)
  } catch {
    throw invalid('deployment', 'JSON', 'other text')
  }
}

function read(value: unknown): DeploymentFile {
  const result = file.safeParse(value, { jitless: true, reportInput: true })
  if (result.success) return result.data
  const [issue] = result.error.issues
  if (issue === undefined) throw invalid('deployment', 'a deployment file', 'something else')
  const at = ['deployment', ...issue.path].join('.')
  if (issue.code === 'unrecognized_keys') throw invalid(`${at}.${issue.keys.join(', ')}`, 'no such field', 'a field')
  const expected = issue.message.replace(/^Invalid input: expected /, '').replace(/, received .*$/, '')
  throw invalid(at, expected, issue.input === undefined ? 'nothing' : show(issue.input))
}

const invalid = (field: string, expected: string, got: string) =>
  fail('VS_SETTLE_DEPLOYMENT_INVALID', { details: { field, expected, got } })
