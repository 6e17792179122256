import {
  type Birth,
  type Chain,
  checkCode,
  codeAt,
  codeHash,
  deploy,
  deployedCode,
  FACTORY,
  findBirth,
  initCode,
  type Lane,
  type LaneOptions,
  type Mined,
  waitForDepth,
} from '@veristack/chain-evm'
import { type Address, fromHex, type Hex, keccak, parseDigest, toHex } from '@veristack/core/receipt'
import { compiler } from './bindings/compiler.ts'
import { refuseDifferences } from './deployment-check.ts'
import { addressOf, CONTRACTS, type ContractName, type ReleaseContract } from './deployment-contracts.ts'
import type { DeployedContract, DeploymentFile } from './deployment-file.ts'
import { fail } from './errors.ts'
import { RELEASE } from './release.ts'

/** Where this release's contracts stand on a chain: the same addresses everywhere, see {@link canonicalDeployment}. */
export interface Deployment {
  readonly settlement: Address
  readonly registry: Address
  readonly bonds?: Address
  /** The block to begin looking for events at; default 0. */
  readonly block?: bigint
}

const FIELDS = { settlement: 'Settlement', registry: 'ProgramRegistry', bonds: 'Bonds' } as const

const named = (name: ContractName): ReleaseContract => {
  const found = CONTRACTS.find((c) => c.name === name)
  if (found === undefined) throw new TypeError(name)
  return found
}

/** Where {@link deployContracts} puts them: the same on every chain, and fixed by their bytecode. */
export const canonicalDeployment = (): Required<Omit<Deployment, 'block'>> => ({
  settlement: addressOf(named('Settlement')),
  registry: addressOf(named('ProgramRegistry')),
  bonds: addressOf(named('Bonds')),
})

/** Deploys what is absent; repeating it changes nothing. */
export async function deployContracts(lane: Lane, signal?: AbortSignal): Promise<Deployment> {
  const deployed = await together(CONTRACTS.map((c) => deploy(lane, c, signal)))
  // Only where it was deployed now: an older contract has older events.
  const block = deployed[0]?.transaction?.block
  return { ...canonicalDeployment(), ...(block === undefined ? {} : { block }) }
}

/**
 * Throws `VS_SETTLE_DEPLOYMENT_DIFFERS` for an address other than the one that the creation code of this release gives, and
 * `VS_EVM_CODE_DIFFERS` unless the code there is that of this release, immutables included. Code alone is not enough: a
 * constructor of somebody's own can leave this very code behind, over storage in which a credit of his is written.
 */
export async function checkDeployment(chain: Chain, d: Deployment): Promise<void> {
  for (const [field, name] of Object.entries(FIELDS)) {
    const got = d[field as keyof typeof FIELDS]
    if (got === undefined) continue
    const expected = addressOf(named(name))
    if (got.toLowerCase() !== expected)
      throw fail('VS_SETTLE_DEPLOYMENT_DIFFERS', { details: { field: `deployment.${field}`, expected, got } })
    await checkCode(chain, named(name).expected(chain.chainId, expected))
  }
}

/** The addresses of a checked file. */
export function deploymentOf({ contracts }: DeploymentFile): Deployment {
  const { Settlement, ProgramRegistry, Bonds } = contracts
  const addresses = { settlement: Settlement.address, registry: ProgramRegistry.address, bonds: Bonds.address }
  return { ...addresses, ...(Settlement.created === null ? {} : { block: BigInt(Settlement.created.block) }) }
}

/** `lane` is absent where nothing is to be sent. */
export interface ChainAndLane {
  readonly chain: Chain
  readonly lane?: Lane
}

export interface DeployReleaseOptions {
  /** When a contract counts as deployed; as the lane's. Default 1. */
  readonly confirmations?: LaneOptions['confirmations']
  /** What is known of an earlier run; used where the node has forgotten it. */
  readonly known?: DeploymentFile
  readonly signal?: AbortSignal
  /** It is with the node, and waited for. */
  onSent?(sent: { readonly name: ContractName; readonly transaction: Hex }): void
  onDeployed?(contract: {
    readonly name: ContractName
    readonly created: Birth | undefined
    readonly isNew: boolean
  }): void
}

/**
 * Deploys what is absent of this release and says how all of it came to be. Repeating it sends nothing twice, also after the
 * process was killed, where the lane has a journal on disk. Without a lane nothing may be absent. Throws what `deploy` does,
 * `VS_EVM_CODE_DIFFERS` before anything is sent where something else stands at an address, `VS_SETTLE_NO_SIGNER`, and
 * `VS_SETTLE_DEPLOYMENT_DIFFERS` where the chain has something else in the end.
 */
export async function deployRelease(on: ChainAndLane, options: DeployReleaseOptions = {}): Promise<DeploymentFile> {
  const { chain } = on
  await refuseOtherCode(chain, options.signal)
  const entries = await together(CONTRACTS.map((c) => deployOne(on, c, options)))
  const [Settlement, ProgramRegistry, Bonds] = entries
  if (Settlement === undefined || ProgramRegistry === undefined || Bonds === undefined) throw new TypeError('contracts')
  const file: DeploymentFile = {
    version: 1,
    release: RELEASE,
    network: `eip155:${chain.chainId}`,
    compiler,
    factory: FACTORY,
    contracts: { Settlement, ProgramRegistry, Bonds },
  }
  await refuseDifferences(chain, file, options.signal)
  return file
}

/** Throws `VS_EVM_CODE_DIFFERS` where something else stands at an address of this release. */
async function refuseOtherCode(chain: Chain, signal?: AbortSignal): Promise<void> {
  for (const c of CONTRACTS) {
    const address = addressOf(c)
    if ((await codeAt(chain, address, signal)) !== '0x')
      await checkCode(chain, c.expected(chain.chainId, address), signal)
  }
}

/** The transaction, where one was needed. */
async function put(
  { chain, lane }: ChainAndLane,
  c: ReleaseContract,
  { signal, onSent }: DeployReleaseOptions,
): Promise<Mined | undefined> {
  const tell = (transaction: Hex): void => onSent?.({ name: c.name, transaction })
  if (lane !== undefined) return (await deploy(lane, c, signal, tell)).transaction
  if ((await codeAt(chain, addressOf(c), signal)) !== '0x') return undefined
  throw fail('VS_SETTLE_NO_SIGNER', { details: { network: chain.network, contract: c.name } })
}

async function deployOne(on: ChainAndLane, c: ReleaseContract, o: DeployReleaseOptions): Promise<DeployedContract> {
  const { chain } = on
  for (;;) {
    const transaction = await put(on, c, o)
    const created: Birth | undefined =
      transaction === undefined
        ? ((await findBirth(chain, c, o.signal)) ?? birthOf(o.known?.contracts[c.name]))
        : { block: transaction.block, blockHash: transaction.blockHash, transaction: transaction.hash }
    // What somebody else deployed may yet fall out of the chain.
    const counts = created === undefined || (await waitForDepth(chain, created, o.confirmations ?? 1, o.signal))
    if (!counts) continue
    o.onDeployed?.({ name: c.name, created, isNew: transaction !== undefined })
    return entry(c, chain.chainId, created)
  }
}

const birthOf = (known: DeployedContract | undefined): Birth | undefined => {
  if (known === undefined || known.created === null) return undefined
  const { block, blockHash, transaction } = known.created
  return { block: BigInt(block), blockHash, ...(transaction === null ? {} : { transaction }) }
}

function entry(c: ReleaseContract, chainId: bigint, created: Birth | undefined): DeployedContract {
  const address = addressOf(c)
  return {
    address,
    salt: parseDigest(c.salt),
    initCodeHash: parseDigest(toHex(keccak(fromHex(initCode(c))))),
    codeHash: parseDigest(codeHash(deployedCode(c.expected(chainId, address)))),
    created:
      created === undefined
        ? null
        : {
            block: Number(created.block),
            blockHash: parseDigest(created.blockHash),
            transaction: created.transaction === undefined ? null : parseDigest(created.transaction),
          },
  }
}

/** Side by side; all of them are over when this fails. */
async function together<T>(work: readonly Promise<T>[]): Promise<readonly T[]> {
  const ended = await Promise.allSettled(work)
  return ended.map((e) => {
    if (e.status === 'rejected') throw e.reason
    return e.value
  })
}
