import { type Chain, checkCode, create2Address, deploy, type Lane } from '@veristack/chain-evm'
import type { Address } from '@veristack/core/receipt'
import { programRegistryBytecode, programRegistryDeployedBytecode } from './bindings/ProgramRegistry.ts'
import { settlementBytecode, settlementDeployedBytecode } from './bindings/Settlement.ts'

/** Where this release's contracts stand on a chain. */
export interface Deployment {
  readonly settlement: Address
  readonly registry: Address
  /** The block to begin looking for events at; default 0. */
  readonly block?: bigint
}

const SETTLEMENT = { name: 'Settlement', bytecode: settlementBytecode } as const
const REGISTRY = { name: 'ProgramRegistry', bytecode: programRegistryBytecode } as const

/** Where {@link deployContracts} puts them: the same on every chain, and fixed by their bytecode. */
export const canonicalDeployment = (): Deployment => ({
  settlement: create2Address(SETTLEMENT),
  registry: create2Address(REGISTRY),
})

/** Deploys what is absent; repeating it changes nothing. */
export async function deployContracts(lane: Lane, signal?: AbortSignal): Promise<Deployment> {
  const settlement = await deploy(lane, SETTLEMENT, signal)
  const registry = await deploy(lane, REGISTRY, signal)
  // Only where it was deployed now: an older contract has older events.
  const block = settlement.transaction?.block
  return {
    settlement: settlement.address,
    registry: registry.address,
    ...(block === undefined ? {} : { block }),
  }
}

/** Throws `VS_EVM_CODE_DIFFERS` unless the code on chain is that of this release. */
export async function checkDeployment(chain: Chain, d: Deployment): Promise<void> {
  await checkCode(chain, { name: 'Settlement', address: d.settlement, code: settlementDeployedBytecode })
  await checkCode(chain, { name: 'ProgramRegistry', address: d.registry, code: programRegistryDeployedBytecode })
}
