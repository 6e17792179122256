import {
  type Chain,
  deploy,
  encodeCall,
  encodeConstructor,
  interfaceOf,
  type Lane,
  type Mined,
  read,
  readEvents,
} from '@veristack/chain-evm'
import {
  type Address,
  type Digest,
  type Hex,
  type ProgramId,
  parseAddress,
  parseDigest,
  parseHex,
} from '@veristack/core'
import { helpDeskAbi, helpDeskBytecode } from './bindings/HelpDesk.ts'

/** The help desk's contract as its owner, its customers and whoever answers see it. */
export interface Desk {
  readonly chain: Chain
  readonly address: Address
  /** The block to begin looking for its events at; default 0. */
  readonly block?: bigint
}

export interface DeskOptions {
  readonly settlement: Address
  readonly program: ProgramId
  /** What the label is called in the program's output list: `int32[1]:label`. */
  readonly labelTensor: string
  readonly refundLabel: number
  readonly maximumPriceWei: bigint
  readonly owner: Address
}

const STAGES = ['none', 'paid', 'asked', 'with a person', 'refunded', 'closed'] as const
export type Stage = (typeof STAGES)[number]

export async function deployDesk(lane: Lane, o: DeskOptions): Promise<Desk> {
  const args = [o.settlement, o.program, o.labelTensor, o.refundLabel, o.maximumPriceWei, o.owner]
  const constructorArgs = await encodeConstructor(helpDeskAbi, args)
  const { address, transaction } = await deploy(lane, { bytecode: helpDeskBytecode, constructorArgs, name: 'HelpDesk' })
  return { chain: lane.chain, address, ...(transaction === undefined ? {} : { block: transaction.block }) }
}

type Name = Parameters<typeof encodeCall<typeof helpDeskAbi>>[1]

/** Sends a transaction to the desk. */
export async function send(
  lane: Lane,
  { address }: Desk,
  name: Name,
  args: readonly unknown[],
  valueWei = 0n,
): Promise<Mined> {
  const data = await encodeCall(helpDeskAbi, name, args)
  return lane.send({ to: address, data, valueWei, name, abi: helpDeskAbi })
}

/** Pays for something; the purchase's number. */
export async function buy(lane: Lane, desk: Desk, amountWei: bigint): Promise<bigint> {
  const { logs } = await send(lane, desk, 'pay', [], amountWei)
  const abi = await interfaceOf(helpDeskAbi)
  for (const log of logs) {
    const event = abi.parseLog({ topics: [...log.topics], data: log.data })
    if (event?.name === 'Paid') return BigInt(event.args.purchase)
  }
  throw new Error('the desk did not say what was bought')
}

export async function stageOf({ chain, address }: Desk, purchase: bigint): Promise<Stage> {
  const [, , stage] = await read(chain, { address, abi: helpDeskAbi, name: 'purchases', args: [purchase] })
  return STAGES[Number(stage)] ?? 'none'
}

export async function refundableOf({ chain, address }: Desk, buyer: Address): Promise<bigint> {
  const [amountWei] = await read(chain, { address, abi: helpDeskAbi, name: 'refundable', args: [buyer] })
  return BigInt(String(amountWei))
}

/** A verifier as a request pins it. */
export interface AllowedVerifier {
  readonly verifier: Address
  readonly codeHash: Digest
  readonly params: Hex
}

/** The verifiers that the owner allows and never stopped: what he said last of each. */
export async function allowedVerifiers({ chain, address, block }: Desk): Promise<readonly AllowedVerifier[]> {
  const abi = await interfaceOf(helpDeskAbi)
  const topics = [
    ['VerifierAllowed', 'VerifierStopped'].map((name) => parseHex(abi.getEvent(name)?.topicHash, name, 32)),
  ]
  const found = await readEvents(chain, { address, topics, from: block ?? 0n })
  const allowed = new Map<Address, AllowedVerifier>()
  const stopped = new Set<Address>()
  for (const log of found) {
    const event = abi.parseLog({ topics: [...log.topics], data: log.data })
    const verifier = parseAddress(event?.args.verifier)
    if (event?.name === 'VerifierStopped') stopped.add(verifier)
    else if (event?.name === 'VerifierAllowed') {
      const { codeHash, params } = event.args
      allowed.set(verifier, { verifier, codeHash: parseDigest(codeHash), params: parseHex(params, 'params') })
    }
  }
  return [...allowed.values()].filter((v) => !stopped.has(v.verifier))
}
