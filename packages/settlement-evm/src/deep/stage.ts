import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Chain, connect, deploy, interfaceOf, type Lane, laneOf, privateKeyAccount } from '@veristack/chain-evm'
import { developmentAccounts, startAnvil } from '@veristack/chain-evm/local'
import {
  type Address,
  type Hex,
  isVeristackError,
  parseDigest,
  type RequestId,
  type SettleJob,
  type Settler,
} from '@veristack/core'
import { type Call, type Fault, faultyRpc } from '../../../chain-evm/src/transactions/faults.fixture.ts'
import {
  creditOf,
  deployContracts,
  getResult,
  retryCallback,
  type SettlementClient,
  settlementAbi,
  withdraw,
} from '../index.ts'
import { orderOf } from '../order.ts'
import { makeSettler } from '../settler/settler.ts'
import { callOf, jobOf, PRICE, type World } from './life.fixture.ts'

/** The transactions of a request's life, in their order: its verifier first says "later", and its callback first fails. */
export const STEPS = ['request', 'submit', 'finalize', 'deliver', 'retryCallback', 'withdraw'] as const
export type StepName = (typeof STEPS)[number]

/** Blocks that any disturbance is kept from: what is set up, and the lives before. */
const CALM_BLOCKS = 16
const WORN_BLOCKS = 400n
const WINDOW_SECONDS = 2000n
const MINE_EVERY_MS = 40
const ENOUGH_CALLBACK_GAS = 120_000n
/** Too little for what the callback does. */
const CALLBACK_GAS = 15_000
/** `counts[request] += 1`: calldata's first word after the selector is the request's id. */
const CALLEE_CODE = '0x6004358054600101905500' as Hex
/**
 * A verifier whose evidence is a time: `Pending` until then, `Accepted` from then on. Calldata's eleventh word says where
 * the evidence begins. Behind a constructor that returns it.
 */
const VERIFIER = runtime('610144356024013580421080600203600052026020526040' + '6000f3')

function runtime(code: string): Hex {
  const size = (code.length / 2).toString(16).padStart(2, '0')
  return `0x60${size}600c60003960${size}6000f3${code}`
}

/** Something that is done to a life from outside. */
export interface Disturbance {
  /** Done before the step begins. */
  before?(): Promise<void>
  /** What is done with a call on its way to the node. Undefined: it passes. */
  fault?(call: Call): Fault | undefined
  /** What is done with the step's own transaction, signed. `nth` counts how often one of the step's was handed in before. */
  broadcast?(raw: Hex, nth: number): Fault | undefined
}

/** A chain behind an RPC that can be disturbed, with a payer and a claimant who never give up. */
export interface Stage {
  readonly chain: Chain
  /** No block is mined while it works, but by it. */
  hold<T>(work: () => Promise<T>): Promise<T>
  mine(blocks: number): Promise<void>
  reorg(depth: number, transactions?: readonly (readonly [Hex, number])[]): Promise<void>
  /** Per block from now on, in wei; absent: as the chain sets it. */
  baseFee(wei?: bigint): void
  readonly payer: { readonly address: Address; readonly privateKey: Hex }
  readonly claimant: { readonly address: Address; readonly privateKey: Hex }
  /**
   * Whether another stage is to be opened. After some 900 blocks, anvil 1.7 was seen to lose the code of all contracts in
   * a reorganisation of depth 11 or 12.
   */
  isWorn(): Promise<boolean>
  /** Plays one life from request to withdrawal and says what stands on chain after it. */
  play(step: StepName, disturbance: Disturbance): Promise<Life>
  stop(): Promise<void>
}

export interface Life {
  readonly id: RequestId
  readonly state: string
  readonly callback: string
  /** Events of the request, each with how often it is on chain. */
  readonly events: Readonly<Record<string, number>>
  /** Times that the callback took effect. */
  readonly calledBack: number
  /** Wei: what the claimant was paid out, still has in credit, and what the contract holds. */
  readonly paidWei: bigint
  readonly creditWei: bigint
  readonly heldWei: bigint
  /** Nonces that either account waits for. */
  readonly gaps: number
}

/** How a life ends that nothing disturbed. */
export const rightEnd = (id: RequestId): Life => ({
  id,
  state: 'delivered',
  callback: 'succeeded',
  events: { Requested: 1, Accepted: 1, Delivered: 1 },
  calledBack: 1,
  paidWei: PRICE,
  creditWei: 0n,
  heldWei: 0n,
  gaps: 0,
})

export async function openStage(): Promise<Stage> {
  const [payer, claimant] = developmentAccounts
  if (payer === undefined || claimant === undefined) throw new Error('no accounts')
  const directory = await mkdtemp(join(tmpdir(), 'veristack-stage-'))
  const anvil = await startAnvil({ args: ['--gas-limit', '60000000'] })
  // anvil stops answering for good where another call meets a reorganisation: then nothing else is on its way to it.
  let reorganising: Promise<void> | undefined
  const gate = await faultyRpc(anvil.rpcUrl, () =>
    reorganising === undefined ? { do: 'pass' } : { do: 'hold', until: reorganising },
  )
  // Who looks on waits as long as a busy machine takes.
  const behind = await connect({ rpcUrl: anvil.rpcUrl, timeoutMs: 120_000 })
  const chain = await connect({ rpcUrl: gate.rpcUrl, timeoutMs: 120_000 })
  let onCall: (call: Call) => Fault = () => ({ do: 'pass' })
  const proxy = await faultyRpc(gate.rpcUrl, (call) => onCall(call))
  const faulty = await connect({ rpcUrl: proxy.rpcUrl, timeoutMs: 3000 })

  const setup = laneOf(chain, await privateKeyAccount(payer.privateKey))
  const deployment = await deployContracts(setup)
  const verifier = await deploy(setup, { bytecode: VERIFIER, name: 'verifier' })
  await setup.close()
  const callee = `0x${'ca'.repeat(20)}` as Address
  await chain.rpc('anvil_setCode', [callee, CALLEE_CODE])
  await chain.rpc('anvil_mine', [`0x${CALM_BLOCKS.toString(16)}`])
  await chain.rpc('evm_setAutomine', [false])

  const world: World = {
    chainId: String(chain.chainId),
    settlement: deployment.settlement,
    payer: payer.address,
    claimantKey: claimant.privateKey,
    policy: {
      tier: 'plain',
      verifier: verifier.address,
      codeHash: parseDigest(verifier.codeHash),
      params: '0x01',
      offchain: {},
    },
    expiresAt: String((await chain.now()).timestamp + 180n * 86_400n),
  }
  const laneFor = async (key: Hex, name: string): Promise<Lane> =>
    laneOf(faulty, await privateKeyAccount(key), { journalDirectory: join(directory, name) })
  const own: SettlementClient = { chain: faulty, deployment, lane: await laneFor(payer.privateKey, 'payer') }
  const their: SettlementClient = { chain: faulty, deployment, lane: await laneFor(claimant.privateKey, 'claimant') }
  const settlers: Readonly<Record<'submits' | 'delivers', Settler>> = {
    submits: makeSettler({ client: () => own, deployVerifiers: () => false, deliver: false }),
    delivers: makeSettler({ client: () => own, deployVerifiers: () => false, deliver: true }),
  }
  const parser = await interfaceOf(settlementAbi)
  const selectors = Object.fromEntries(
    STEPS.map((s) => [s, parser.getFunction(s)?.selector.slice(2) ?? '']),
  ) as unknown as Record<StepName, string>

  // ---- blocks ----
  let held = 0
  let baseFeeWei: bigint | undefined
  let mining: Promise<unknown> = Promise.resolve()
  const mineOne = async (): Promise<void> => {
    if (baseFeeWei !== undefined) {
      await chain.rpc('anvil_setNextBlockBaseFeePerGas', [`0x${baseFeeWei.toString(16)}`])
    }
    await chain.rpc('evm_mine', [])
  }
  const timer = setInterval(() => {
    if (held > 0) return
    mining = mining.then(() => (held > 0 ? undefined : mineOne())).catch(() => undefined)
  }, MINE_EVERY_MS)
  const hold = async <T>(work: () => Promise<T>): Promise<T> => {
    held += 1
    try {
      await mining
      return await work()
    } finally {
      held -= 1
    }
  }
  const nextBlocks = () => new Promise((resolve) => setTimeout(resolve, 2 * MINE_EVERY_MS))

  // ---- one life ----
  const observe = async (job: SettleJob, paidBefore: bigint): Promise<Life> => {
    const direct = { chain, deployment }
    const { id } = job.request
    const { state, callback } = await getResult(direct, { request: id })
    const filter = { address: deployment.settlement, topics: [null, id], fromBlock: '0x0', toBlock: 'latest' }
    const logs = (await chain.rpc('eth_getLogs', [filter])) as readonly { topics: string[]; data: string }[]
    const names = logs.map((l) => parser.parseLog(l)?.name ?? 'unknown')
    const count = (name: string) => names.filter((n) => n === name).length
    const gaps = await Promise.all([payer, claimant].map(({ address }) => gapOf(chain, address)))
    return {
      id,
      state,
      callback,
      events: { Requested: count('Requested'), Accepted: count('Accepted'), Delivered: count('Delivered') },
      calledBack: Number(await chain.rpc('eth_getStorageAt', [callee, id, 'latest'])),
      paidWei: (await chain.balance(payout)) - paidBefore,
      creditWei: await creditOf(direct, { account: claimant.address }),
      heldWei: await chain.balance(deployment.settlement),
      gaps: gaps.reduce((a, b) => a + b, 0),
    }
  }
  const payout = `0x${'9a'.repeat(20)}` as Address
  let lives = 0
  let stopped = false

  const play = async (step: StepName, disturbance: Disturbance): Promise<Life> => {
    const n = ++lives
    const finalAt = (await chain.now()).timestamp + WINDOW_SECONDS
    const terms = { callbackTarget: callee, callbackGas: CALLBACK_GAS, callbackState: 4 }
    const job = await jobOf(world, n, { terms, evidence: `0x${finalAt.toString(16).padStart(64, '0')}` })
    const { id } = job.request
    const paidBefore = await chain.balance(payout)
    const call = callOf(n)
    const state = async () => (await getResult({ chain, deployment }, { request: id })).state
    /** The step as its actor does it, as often as it takes. */
    const steps: Readonly<Record<StepName, { attempt(): Promise<unknown>; isDone(): Promise<boolean> }>> = {
      request: {
        attempt: () => settlers.submits.prepare(job, call),
        isDone: async () => (await state()) !== 'none',
      },
      submit: {
        attempt: () => settlers.submits.settle(job, call),
        isDone: async () => !['none', 'open'].includes(await state()),
      },
      finalize: {
        attempt: async () => {
          const { timestamp } = await chain.now()
          if (timestamp <= finalAt) await chain.rpc('evm_setNextBlockTimestamp', [Number(finalAt) + 1])
          await nextBlocks()
          await settlers.submits.settle(job, call)
        },
        isDone: async () => ['accepted', 'delivered'].includes(await state()),
      },
      deliver: {
        attempt: () => settlers.delivers.settle(job, call),
        isDone: async () => (await state()) === 'delivered',
      },
      retryCallback: {
        attempt: () =>
          retryCallback(own, {
            order: orderOf(job),
            outputs: job.receipt.signed.outputs,
            callbackGas: ENOUGH_CALLBACK_GAS,
          }),
        isDone: async () => (await getResult({ chain, deployment }, { request: id })).callback === 'succeeded',
      },
      withdraw: {
        attempt: () => withdraw(their, { to: payout }),
        isDone: async () => (await chain.balance(payout)) > paidBefore,
      },
    }
    // A node in the middle of a reorganisation may know of nothing.
    const isDone = (name: StepName): Promise<boolean> => steps[name].isDone().catch(unlessTyped(false))
    /** A reorganisation may also undo what came before, and set the clock back: that is done again first. */
    const carryOn = async (name: StepName): Promise<void> => {
      const upTo = STEPS.slice(0, STEPS.indexOf(name) + 1)
      while (!stopped) {
        for (const each of upTo) if (!(await isDone(each))) await steps[each].attempt().catch(unlessTyped(undefined))
        if (await isDone(name)) return
        await nextBlocks()
      }
    }
    try {
      for (const name of STEPS) {
        if (name !== step) {
          await carryOn(name)
          continue
        }
        await disturbance.before?.()
        let nth = 0
        onCall = (c) => {
          const raw = c.method === 'eth_sendRawTransaction' ? (c.params[0] as Hex) : undefined
          const isOwn = raw?.includes(selectors[name]) === true
          return (isOwn && disturbance.broadcast?.(raw, nth++)) || disturbance.fault?.(c) || { do: 'pass' }
        }
        await carryOn(name)
      }
      // Whatever came loose is put back by those whose it is: the lanes by themselves, and the actors by looking again.
      while (!stopped) {
        await carryOn('withdraw')
        await Promise.all([own.lane?.idle(), their.lane?.idle()])
        await hold(() => chain.rpc('anvil_mine', [`0x${CALM_BLOCKS.toString(16)}`]))
        const open = await Promise.all(STEPS.map((name) => steps[name].isDone()))
        if (open.every(Boolean)) return await observe(job, paidBefore)
      }
      throw new Error('the stage was closed')
    } finally {
      onCall = () => ({ do: 'pass' })
      baseFeeWei = undefined
    }
  }

  return {
    chain,
    hold,
    mine: async (blocks) => void (await chain.rpc('anvil_mine', [`0x${blocks.toString(16)}`])),
    reorg: async (depth, transactions = []) => {
      let goOn = (): void => {}
      reorganising = new Promise((resolve) => {
        goOn = resolve
      })
      try {
        while (gate.underWay > 0) await new Promise((resolve) => setTimeout(resolve, 1))
        await behind.rpc('anvil_reorg', [depth, transactions])
      } finally {
        reorganising = undefined
        goOn()
      }
    },
    baseFee: (wei) => {
      baseFeeWei = wei
    },
    payer,
    claimant,
    isWorn: async () => (await chain.now()).block > WORN_BLOCKS,
    play,
    stop: async () => {
      stopped = true
      clearInterval(timer)
      await own.lane?.close()
      await their.lane?.close()
      faulty.close()
      chain.close()
      behind.close()
      await proxy.stop()
      await gate.stop()
      await anvil.stop()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

/** Nonces below one that waits in the pool and that nothing was sent with. */
async function gapOf(chain: Chain, address: Address): Promise<number> {
  const content = (await chain.rpc('txpool_content', [])) as { readonly queued: Readonly<Record<string, object>> }
  const own = Object.entries(content.queued).filter(([from]) => from.toLowerCase() === address)
  return own.reduce((sum, [, waiting]) => sum + Object.keys(waiting).length, 0)
}

const unlessTyped =
  <T>(instead: T) =>
  (error: unknown): T => {
    if (!isVeristackError(error)) throw error
    return instead
  }
