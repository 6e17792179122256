import { homedir } from 'node:os'
import { join, relative, resolve } from 'node:path'
import {
  type Account,
  type Chain,
  connect,
  type DeploymentPlan,
  evmErrors,
  genesisOf,
  isLocalChain,
  type Lane,
  type LaneOptions,
  laneOf,
  planDeployment,
  privateKeyAccount,
} from '@veristack/chain-evm'
import type { Command, CommandIo } from '@veristack/core'
import { isVeristackError } from '@veristack/core/receipt'
import { deployRelease } from '../deployment.ts'
import { compareDeployment } from '../deployment-check.ts'
import { CONTRACTS } from '../deployment-contracts.ts'
import { type DeploymentFile, readDeployment, serialiseDeployment, writeDeployment } from '../deployment-file.ts'
import { fail } from '../errors.ts'
import { RELEASE } from '../release.ts'
import { type DeployOptions, deployOptions } from './options.ts'
import { ether, gwei, json, thousands } from './print.ts'
import { readSigner } from './signer.ts'

type Check = Extract<DeployOptions['work'], { kind: 'check' }>
type Deploy = Extract<DeployOptions['work'], { kind: 'deploy' }>

export const deployCommand: Command = {
  name: 'deploy',
  summary: "put this release's contracts on a chain, or check that they stand there",
  usage: `veristack deploy --network NETWORK --rpc-url URL (--signer-file FILE | --keystore FILE)
veristack deploy --check FILE --rpc-url URL

Addresses are known beforehand and the same on every chain. Run it again after anything: what was sent is not sent again.
--network NETWORK     local, a name such as sepolia, or eip155:<chain id>; the RPC must confirm it
--rpc-url URL         or VERISTACK_RPC_URL; local: http://127.0.0.1:8545 unless given
--signer-file FILE    a file with a private key that only you may read (chmod 600); or VERISTACK_SIGNER_KEY. Without any key
                      a local chain (id 31337 or 1337, however named) is sent to from its first development account
--keystore FILE       an encrypted keystore, its password from --password-file or VERISTACK_KEYSTORE_PASSWORD
--file FILE           where the deployment is written (default deployments/eip155-<chain id>.json)
--dry-run             say what would be sent and what it would cost; send nothing
--confirmations N     blocks, safe or finalized, until a contract counts (default safe; on a local chain 1)
--max-fee-per-gas-wei N  the most that is offered per gas
--journal FOLDER      where it is written down what is sent (default ~/.local/state/veristack/journal)
--check FILE          compare a deployment file, field by field, with this release and the chain; exit status 0 or 1
--json                print JSON`,
  async run(args, io) {
    const options = deployOptions(args, io.cwd, process.env)
    return options.work.kind === 'check' ? check(options, options.work, io) : deploy(options, options.work, io)
  },
}

async function check({ rpcUrl, json: asJson }: DeployOptions, { file }: Check, io: CommandIo): Promise<number> {
  const stated = await readDeployment(file)
  const chain = await connect({ rpcUrl, signal: io.signal })
  try {
    const differences = await compareDeployment(chain, stated, io.signal)
    if (asJson)
      io.out(json({ network: chain.network, release: RELEASE, matches: differences.length === 0, differences }))
    else if (differences.length === 0)
      io.out(`the deployment stands on ${chain.network} as the file and release ${RELEASE} say\n`)
    else
      for (const d of differences) {
        const [expects, has] = sidesOf(d.field)
        io.out(`differs: ${d.field}; ${expects}: ${d.expected}; ${has}: ${d.got}\n`)
      }
    return differences.length === 0 ? 0 : 1
  } finally {
    chain.close()
  }
}

/** Who says what of a field that differs. */
function sidesOf(field: string): readonly [expects: string, has: string] {
  if (field === 'network' || field.includes('.created.')) return ['the chain has', 'the file says']
  // After a colon stands what was looked at on the chain.
  return field.includes(': ') ? ['this release has', 'the chain has'] : ['this release has', 'the file says']
}

async function deploy(options: DeployOptions, work: Deploy, io: CommandIo): Promise<number> {
  const { rpcUrl, json: asJson } = options
  const { chainId, maxFeePerGasWei } = work
  const { signal } = io
  const chain = await connect({ rpcUrl, signal, ...(chainId === undefined ? {} : { chainId }) })
  try {
    if (chainId === undefined && !isLocalChain(chain.chainId))
      throw fail('VS_SETTLE_INVALID_OPTION', {
        details: { field: '--network', expected: chain.network, got: 'local' },
      })
    const path = work.file ?? resolve(io.cwd, 'deployments', `eip155-${chain.chainId}.json`)
    const known = await earlier(path, chain)
    const account = await signerFor(chain, work)
    const limits = { signal, ...(maxFeePerGasWei === undefined ? {} : { maxFeePerGasWei }) }
    const plan = await planDeployment(chain, CONTRACTS, {
      ...limits,
      ...(account === undefined ? {} : { from: account.address }),
    })
    const shown = { network: chain.network, release: RELEASE, signer: account?.address, plan }
    if (work.dryRun) {
      if (asJson) io.out(json(shown))
      else describe(io, chain, account, plan)
      warn(io, plan)
      return isPossible(chain, plan) ? 0 : 1
    }
    if (!asJson) describe(io, chain, account, plan)
    warnOfFee(io, plan)
    refusePoverty(plan)
    const lane = plan.contracts.every((c) => c.isPresent) ? undefined : await openLane(chain, account, work, plan)
    const deployment = await bring(chain, lane, work, known, io)
    if (known === undefined || serialiseDeployment(known) !== serialiseDeployment(deployment))
      await writeDeployment(path, deployment)
    const place = relative(io.cwd, path)
    if (asJson) io.out(json({ ...shown, file: place, deployment }))
    else io.out(`${'deployment'.padEnd(15)} ${place}\n`)
    return 0
  } finally {
    chain.close()
  }
}

/** Without the factory nothing can be sent; a local chain is given one. */
const isPossible = (chain: Chain, plan: DeploymentPlan): boolean => plan.hasFactory || isLocalChain(chain.chainId)

/** Of what a deployment would be refused for, or wait for. */
function warn(io: CommandIo, plan: DeploymentPlan): void {
  const { balanceWei, maxCostWei } = plan
  if (balanceWei !== undefined && balanceWei < maxCostWei)
    io.err(`warning: the signer has ${ether(balanceWei)}; ${ether(maxCostWei - balanceWei)} more is needed\n`)
  warnOfFee(io, plan)
}

function warnOfFee(io: CommandIo, { gas, feePerGasWei, baseFeePerGasWei }: DeploymentPlan): void {
  if (gas === 0n || feePerGasWei >= baseFeePerGasWei) return
  const [offered, asked] = [gwei(feePerGasWei), gwei(baseFeePerGasWei)]
  io.err(`warning: at most ${offered} is offered, and blocks ask for ${asked} now: nothing is mined until that falls\n`)
}

function refusePoverty({ balanceWei, maxCostWei }: DeploymentPlan): void {
  if (balanceWei === undefined || balanceWei >= maxCostWei) return
  throw fail('VS_SETTLE_INSUFFICIENT_FUNDS', {
    details: { expectedWei: maxCostWei, gotWei: balanceWei, missing: ether(maxCostWei - balanceWei) },
  })
}

const confirmationsOf = (chain: Chain, work: Deploy): NonNullable<LaneOptions['confirmations']> =>
  work.confirmations ?? (isLocalChain(chain.chainId) ? 1 : 'safe')

/** Takes up what an earlier run had under way. */
async function openLane(chain: Chain, account: Account | undefined, work: Deploy, plan: DeploymentPlan): Promise<Lane> {
  if (account === undefined) throw fail('VS_SETTLE_NO_SIGNER', { details: { network: chain.network } })
  if (!isPossible(chain, plan)) throw evmErrors('VS_EVM_NO_FACTORY', { details: { network: chain.network } })
  const { maxFeePerGasWei } = work
  const lane = laneOf(chain, account, {
    journalDirectory: work.journalDirectory ?? (await journalOf(chain)),
    confirmations: confirmationsOf(chain, work),
    ...(maxFeePerGasWei === undefined ? {} : { maxFeePerGasWei }),
  })
  await lane.open()
  return lane
}

async function bring(
  chain: Chain,
  lane: Lane | undefined,
  work: Deploy,
  known: DeploymentFile | undefined,
  io: CommandIo,
): Promise<DeploymentFile> {
  try {
    return await deployRelease(lane === undefined ? { chain } : { chain, lane }, {
      confirmations: confirmationsOf(chain, work),
      signal: io.signal,
      ...(known === undefined ? {} : { known }),
      onSent: ({ name, transaction }) =>
        io.err(`  ${name} sent: ${transaction}, ${waiting(confirmationsOf(chain, work))}\n`),
      onDeployed: ({ name, created, isNew }) => {
        const { block, transaction } = created ?? {}
        io.err(
          `  ${name} ${isNew ? 'deployed' : 'was there'}: block ${block ?? 'unknown'}, transaction ${transaction ?? 'unknown'}\n`,
        )
      },
    })
  } finally {
    await lane?.close()
  }
}

const waiting = (depth: NonNullable<LaneOptions['confirmations']>): string => {
  if (typeof depth === 'string') return `waiting until its block is ${depth}`
  return depth === 1 ? 'waiting for its block' : `waiting until it is ${depth} blocks deep`
}

/** What an earlier run left, where it is of this chain. Throws before anything is sent where the file is none. */
async function earlier(path: string, chain: Chain): Promise<DeploymentFile | undefined> {
  const known = await readDeployment(path).catch((error: unknown) => {
    if (isVeristackError(error, 'VS_SETTLE_FILE') && error.details.reason === 'no such file') return undefined
    throw error
  })
  if (known !== undefined && known.network !== chain.network)
    throw fail('VS_SETTLE_DEPLOYMENT_DIFFERS', {
      details: { field: 'network', expected: chain.network, got: known.network, path },
    })
  return known
}

async function signerFor(chain: Chain, work: Deploy): Promise<Account | undefined> {
  const account = await readSigner(work.signer, process.env)
  if (account !== undefined || !isLocalChain(chain.chainId)) return account
  const { developmentAccounts } = await import('@veristack/chain-evm/local')
  const [first] = developmentAccounts
  return first === undefined ? undefined : privateKeyAccount(first.privateKey)
}

/** A folder for each chain: a local chain that starts anew is another one with the same id. */
async function journalOf(chain: Chain): Promise<string> {
  const genesis = await genesisOf(chain)
  const state = process.env.XDG_STATE_HOME || join(homedir(), '.local', 'state')
  return join(state, 'veristack', 'journal', genesis.slice(2, 18))
}

function describe(io: CommandIo, chain: Chain, account: Account | undefined, plan: DeploymentPlan): void {
  const line = (name: string, value: string) => io.out(`${name.padEnd(15)} ${value}\n`)
  line('network', chain.network)
  line('release', RELEASE)
  line('signer', account?.address ?? 'none')
  line('factory', plan.hasFactory ? 'present' : isLocalChain(chain.chainId) ? 'absent; will be put in place' : 'absent')
  for (const c of plan.contracts)
    line(c.name, `${c.address}  ${c.isPresent ? 'stands there' : `to deploy, ${thousands(c.gas)} gas`}`)
  if (plan.gas === 0n) return
  line('gas', `${thousands(plan.gas)} at ${gwei(plan.feePerGasWei)}`)
  line('cost', `${ether(plan.costWei)} (${plan.costWei} wei); at most ${ether(plan.maxCostWei)} is needed`)
  if (plan.balanceWei !== undefined) line('balance', `${ether(plan.balanceWei)} (${plan.balanceWei} wei)`)
}
