import {
  type Account,
  type Chain,
  connect,
  isLocalChain,
  type LaneOptions,
  laneOf,
  privateKeyAccount,
} from '@veristack/chain-evm'
import type { Plugin } from '@veristack/core'
import { type Hex, parseAddress, show } from '@veristack/core/receipt'
import type { SettlementClient } from './client.ts'
import { canonicalDeployment, checkDeployment, type Deployment, deployContracts, deploymentOf } from './deployment.ts'
import { refuseDifferences } from './deployment-check.ts'
import { type DeploymentFile, parseDeployment } from './deployment-file.ts'
import { fail } from './errors.ts'
import { chainIdOf, type NetworkName } from './networks.ts'
import { RELEASE } from './release.ts'
import { makeSettler } from './settler/settler.ts'

export interface EvmOptions {
  /** `local` starts a chain of its own (anvil). Any other network needs `rpcUrl`. Default `local`, without `rpcUrl`. */
  readonly network?: 'local' | NetworkName | `eip155:${string}`
  readonly rpcUrl?: string
  /** Who pays and sends: a private key, or an account of your own. `local` has one. */
  readonly signer?: Hex | Account
  /**
   * What `veristack deploy` wrote (`await readDeployment(path)`), or addresses. Default: those that `deployContracts` gives on
   * every chain. Code and immutables that differ from this release are refused, and so is a file of which any field does.
   */
  readonly deployment?: Deployment | DeploymentFile
  /** Deploy a tier's verifier contract where it is absent. Default: on local chains only. */
  readonly deployVerifiers?: boolean
  /** Publish the outputs after the claim is accepted. Default true. */
  readonly deliver?: boolean
  /**
   * Where it is written down what is sent, so that a process that starts again sends nothing twice and finishes what was
   * under way. Absent: in memory, gone with the process.
   */
  readonly journalDirectory?: string
  /**
   * When a transaction counts: `n` blocks deep (default 1, the newest), or `safe` or `finalized` by the node's word. On a rollup a
   * number of blocks is its sequencer's word, however many; `safe` is on the chain below, `finalized` is final there.
   */
  readonly confirmations?: LaneOptions['confirmations']
}

/** The plugin, and the client that the actions of this package take while it runs. */
export interface EvmPlugin extends Plugin {
  client(): SettlementClient
}

const OPTIONS = {
  network: true,
  rpcUrl: true,
  signer: true,
  deployment: true,
  deployVerifiers: true,
  deliver: true,
  journalDirectory: true,
  confirmations: true,
} as const satisfies Record<keyof EvmOptions, true>

const KEY = /^0x[0-9a-f]{64}$/i

/** What needs no chain to be seen. No value of `signer` is repeated: it may be most of a key. */
function checkOptions(options: EvmOptions): void {
  const invalid = (field: string, expected: string, got: string) =>
    fail('VS_SETTLE_INVALID_OPTION', { details: { field, expected, got } })
  const unknown = Object.keys(options).find((name) => !Object.hasOwn(OPTIONS, name))
  if (unknown !== undefined) throw invalid(unknown, `one of ${Object.keys(OPTIONS).join(', ')}`, 'an unknown option')
  const { signer, deployment, journalDirectory } = options
  const signs = typeof signer === 'object' && signer !== null && 'address' in signer && 'sign' in signer
  if (signer !== undefined && !signs && !(typeof signer === 'string' && KEY.test(signer)))
    throw invalid('signer', 'a private key (0x and 64 hexadecimal digits), or an account', 'something else')
  if (journalDirectory !== undefined && (typeof journalDirectory !== 'string' || journalDirectory === ''))
    throw invalid('journalDirectory', 'the path of a folder', show(journalDirectory))
  for (const field of ['deployVerifiers', 'deliver'] as const)
    if (options[field] !== undefined && typeof options[field] !== 'boolean')
      throw invalid(field, 'true or false', show(options[field]))
  if (deployment === undefined) return
  if (typeof deployment !== 'object' || deployment === null)
    throw invalid('deployment', 'what readDeployment(path) gives, or addresses', show(deployment))
  if ('contracts' in deployment) return
  for (const name of ['settlement', 'registry', 'bonds'] as const)
    if (name !== 'bonds' || deployment.bonds !== undefined) parseAddress(deployment[name], `deployment.${name}`)
}

/** Settles on an EVM chain. Provides the roles `settler` and `chain`. Throws `VS_SETTLE_INVALID_OPTION`. */
export function evm(options: EvmOptions = {}): EvmPlugin {
  checkOptions(options)
  const network = options.network ?? (options.rpcUrl === undefined ? 'local' : undefined)
  const chainId = network === undefined || network === 'local' ? undefined : chainIdOf(network)
  if (network !== 'local' && options.rpcUrl === undefined) {
    throw fail('VS_SETTLE_INVALID_OPTION', {
      details: { field: 'rpcUrl', expected: `a URL for ${network}`, got: 'nothing' },
    })
  }
  let running: SettlementClient | undefined
  let stopChain: (() => Promise<void>) | undefined

  const client = (): SettlementClient => {
    if (running === undefined) throw fail('VS_SETTLE_NOT_STARTED')
    return running
  }
  const settler = makeSettler({
    client,
    deployVerifiers: () => options.deployVerifiers ?? isLocalChain(client().chain.chainId),
    deliver: options.deliver ?? true,
  })

  const open = async (signal: AbortSignal): Promise<SettlementClient> => {
    const rpcUrl = options.rpcUrl ?? (await startLocal(signal))
    const chain = await connect({ rpcUrl, signal, ...(chainId === undefined ? {} : { chainId }) })
    try {
      const account = await accountOf(options.signer, chain)
      const { journalDirectory, confirmations } = options
      const lane =
        account === undefined
          ? undefined
          : laneOf(chain, account, {
              ...(journalDirectory === undefined ? {} : { journalDirectory }),
              ...(confirmations === undefined ? {} : { confirmations }),
            })
      // Takes up what was not finished, and tells at once where another process has the journal.
      if (journalDirectory !== undefined) await lane?.open()
      const deploys = options.deployment === undefined && isLocalChain(chain.chainId) && lane !== undefined
      const deployment = deploys ? await deployContracts(lane, signal) : await statedDeployment(chain, signal)
      await checkDeployment(chain, deployment)
      return { chain, deployment, ...(lane === undefined ? {} : { lane }) }
    } catch (error) {
      chain.close()
      throw error
    }
  }
  const statedDeployment = async (chain: Chain, signal: AbortSignal): Promise<Deployment> => {
    const stated = options.deployment
    if (stated === undefined) return canonicalDeployment()
    if (!('contracts' in stated)) return stated
    const file = parseDeployment(stated)
    await refuseDifferences(chain, file, signal)
    return deploymentOf(file)
  }
  const startLocal = async (signal: AbortSignal): Promise<string> => {
    const { startAnvil } = await import('@veristack/chain-evm/local')
    const anvil = await startAnvil({ signal })
    stopChain = anvil.stop
    return anvil.rpcUrl
  }

  return {
    specificationVersion: 'v1',
    name: '@veristack/settlement-evm',
    version: RELEASE,
    provides: ['settler', 'chain'],
    client,
    register: (host) => {
      host.provide('settler', () => settler)
      host.provide('chain', () => ({
        get chainId() {
          return client().chain.chainId
        },
        call: (to, data, block) => client().chain.call(to, data, block),
        now: () => client().chain.now(),
      }))
    },
    start: async (signal) => {
      running = await open(signal)
    },
    stop: async () => {
      await running?.lane?.close()
      running?.chain.close()
      running = undefined
      await stopChain?.()
      stopChain = undefined
    },
  }
}

async function accountOf(signer: EvmOptions['signer'], chain: Chain): Promise<Account | undefined> {
  if (typeof signer === 'string') return privateKeyAccount(signer)
  if (signer !== undefined) return signer
  if (!isLocalChain(chain.chainId)) return undefined
  const { developmentAccounts } = await import('@veristack/chain-evm/local')
  const [first] = developmentAccounts
  return first === undefined ? undefined : privateKeyAccount(first.privateKey)
}
