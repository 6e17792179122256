import type { Address } from '@veristack/core/receipt'
import { ZERO_ADDRESS } from '@veristack/core/receipt'
import { explainRevert } from '../contract/revert.ts'
import { blockByTag } from '../rpc/blocks.ts'
import type { Chain } from '../rpc/connect.ts'
import { persistently } from '../rpc/retry.ts'
import { checkGasCap, withMargin } from '../transactions/gas.ts'
import { capped, feeSource } from '../transactions/replace.ts'
import { codeAt } from './check.ts'
import { type Creation, create2Address, creationData, initCode } from './create2.ts'
import { FACTORY, hasFactory } from './factory.ts'
import { checkInstructions } from './instructions.ts'
import { checkSizes } from './size.ts'

export interface PlannedContract {
  readonly name: string
  readonly address: Address
  /** Code stands at the address: nothing is to be sent for it. */
  readonly isPresent: boolean
  /** Gas of its transaction, as the node estimates it; 0 where it is present. */
  readonly gas: bigint
}

/** What deploying would send and cost now. */
export interface DeploymentPlan {
  readonly hasFactory: boolean
  readonly contracts: readonly PlannedContract[]
  readonly gas: bigint
  /** What the next block asks for. */
  readonly feePerGasWei: bigint
  /** Of the newest block. An offer below it waits until it falls. */
  readonly baseFeePerGasWei: bigint
  /** `gas` at that fee. */
  readonly costWei: bigint
  /** What the account must have: gas limits, at the highest fee that is offered first. */
  readonly maxCostWei: bigint
  /** Of the account; absent where none was named. */
  readonly balanceWei?: bigint
}

export interface PlanOptions {
  readonly from?: Address
  /** The most that is offered, in wei per gas. */
  readonly maxFeePerGasWei?: bigint
  readonly signal?: AbortSignal
}

/**
 * Sends nothing. Throws what would stop the deployment: `VS_EVM_INSTRUCTION`, `VS_EVM_CODE_SIZE`, `VS_EVM_GAS_CAP`, `VS_EVM_REVERTED` from a
 * constructor, `VS_EVM_CODE_DIFFERS` where the factory is not the known one.
 */
export async function planDeployment(
  chain: Chain,
  creations: readonly (Creation & { readonly name: string })[],
  { from, maxFeePerGasWei, signal = chain.closed }: PlanOptions = {},
): Promise<DeploymentPlan> {
  const factory = await hasFactory(chain, signal)
  const estimate = async (c: Creation & { readonly name: string }): Promise<PlannedContract> => {
    const planned = { name: c.name, address: create2Address(c) }
    if ((await codeAt(chain, planned.address, signal)) !== '0x') return { ...planned, isPresent: true, gas: 0n }
    await checkInstructions(chain, c.name, c.bytecode, signal)
    await checkSizes(chain, c.name, initCode(c), signal)
    // Without the factory the plain creation costs about the same.
    const call = factory ? { to: FACTORY, data: creationData(c) } : { data: initCode(c) }
    // Not 'pending': what an earlier run has under way would stand in its own way.
    const params = [{ from: from ?? ZERO_ADDRESS, ...call }, 'latest']
    const answer = await persistently(() => chain.rpc('eth_estimateGas', params, signal), signal).catch(
      async (error: unknown) => {
        throw await explainRevert(error, { name: `deploy ${c.name}` })
      },
    )
    return { ...planned, isPresent: false, gas: checkGasCap(`deploy ${c.name}`, BigInt(String(answer))) }
  }
  const contracts: PlannedContract[] = []
  for (const c of creations) contracts.push(await estimate(c))

  const head = await persistently(() => blockByTag(chain, 'latest', signal), signal)
  const market = await persistently(() => feeSource(chain)(head, signal), signal)
  const offered = maxFeePerGasWei === undefined ? market : capped(market, maxFeePerGasWei)
  const gas = sum(contracts.map((c) => c.gas))
  const feePerGasWei = smaller(head.baseFeeWei + market.tipWei, offered.maxFeeWei)
  return {
    hasFactory: factory,
    contracts,
    gas,
    feePerGasWei,
    baseFeePerGasWei: head.baseFeeWei,
    costWei: gas * feePerGasWei,
    maxCostWei: sum(contracts.map((c) => withMargin(c.gas))) * offered.maxFeeWei,
    ...(from === undefined ? {} : { balanceWei: await persistently(() => chain.balance(from), signal) }),
  }
}

const sum = (list: readonly bigint[]): bigint => list.reduce((a, b) => a + b, 0n)
const smaller = (a: bigint, b: bigint): bigint => (b < a ? b : a)
