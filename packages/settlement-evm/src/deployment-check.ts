import {
  type Chain,
  codeAt,
  codeHash,
  compareBirth,
  compareCode,
  deployedCode,
  FACTORY,
  initCode,
} from '@veristack/chain-evm'
import { fromHex, keccak, toHex } from '@veristack/core/receipt'
import { compiler } from './bindings/compiler.ts'
import { addressOf, CONTRACTS, type ReleaseContract } from './deployment-contracts.ts'
import type { DeployedContract, DeploymentFile } from './deployment-file.ts'
import { fail } from './errors.ts'
import { RELEASE } from './release.ts'

/** A field of a deployment file that is not what this release and the chain say. */
export interface DeploymentDifference {
  readonly field: string
  readonly expected: string
  readonly got: string
}

/** Compares a file with this release and with the chain: every field, code and immutables. Empty where all is as stated. */
export async function compareDeployment(
  chain: Chain,
  file: DeploymentFile,
  signal?: AbortSignal,
): Promise<readonly DeploymentDifference[]> {
  const found: DeploymentDifference[] = []
  const same = (field: string, expected: unknown, got: unknown): void => {
    if (expected !== got) found.push({ field, expected: String(expected), got: String(got) })
  }
  same('network', chain.network, file.network)
  // On another chain nothing else says anything.
  if (found.length > 0) return found
  same('release', RELEASE, file.release)
  for (const [key, value] of Object.entries(compiler))
    same(`compiler.${key}`, value, file.compiler[key as keyof typeof compiler])
  same('factory', FACTORY, file.factory)
  for (const c of CONTRACTS) {
    found.push(...(await compareContract(chain, c, file.contracts[c.name], signal)))
  }
  return found
}

async function compareContract(
  chain: Chain,
  c: ReleaseContract,
  stated: DeployedContract,
  signal?: AbortSignal,
): Promise<readonly DeploymentDifference[]> {
  const at = `contracts.${c.name}`
  const expected = c.expected(chain.chainId, addressOf(c))
  const fields = {
    address: expected.address,
    salt: c.salt,
    initCodeHash: toHex(keccak(fromHex(initCode(c)))),
    codeHash: codeHash(deployedCode(expected)),
  }
  const found: DeploymentDifference[] = Object.entries(fields).flatMap(([field, value]) => {
    const got = stated[field as keyof typeof fields]
    return got === value ? [] : [{ field: `${at}.${field}`, expected: value, got }]
  })
  const code = compareCode(await codeAt(chain, expected.address, signal), expected)
  if (code !== undefined) found.push({ ...code, field: `${at}: ${code.field}` })
  if (stated.created !== null) {
    const { block, blockHash, transaction } = stated.created
    const birth = { block: BigInt(block), blockHash, ...(transaction === null ? {} : { transaction }) }
    const difference = await compareBirth(chain, c, birth, signal)
    if (difference !== undefined) found.push({ ...difference, field: `${at}.created.${difference.field}` })
  }
  return found
}

/** Throws `VS_SETTLE_DEPLOYMENT_DIFFERS` with the first field that differs. */
export async function refuseDifferences(chain: Chain, file: DeploymentFile, signal?: AbortSignal): Promise<void> {
  const [first, ...more] = await compareDeployment(chain, file, signal)
  if (first === undefined) return
  const details = { ...first, network: chain.network, others: more.length === 0 ? undefined : more.length }
  throw fail('VS_SETTLE_DEPLOYMENT_DIFFERS', { details })
}
