import { privateKeyAccount } from '@veristack/chain-evm'
import type { Hex } from '@veristack/core'
import { type Call, type Fault, seeded } from '../../../chain-evm/src/transactions/faults.fixture.ts'
import { type Disturbance, openStage, rightEnd, STEPS, type Stage, type StepName } from './stage.ts'

/** One thing that goes wrong at one step of a life. */
export interface Combination {
  readonly step: StepName
  readonly kind: 'reorganisation' | 'rpc' | 'transaction'
  readonly what: string
  /** `struck` says that it happened. */
  disturb(stage: Stage, random: () => number, struck: () => void): Disturbance
}

export interface MatrixReport {
  readonly ran: number
  /** Combinations whose step never made the call that was to fail. */
  readonly idle: readonly string[]
  /** Lives that did not end as they should, with what was found. */
  readonly wrong: readonly string[]
}

const PATIENCE_MS = 90_000
const DEPTHS = Array.from({ length: 12 }, (_, i) => i + 1)

// ---- reorganisations ----

const MOMENTS = [
  'before it is sent',
  'in the pool',
  'in the newest block',
  'some blocks deep',
  'into another block',
] as const

const reorganisations = (): readonly Combination[] =>
  STEPS.flatMap((step) =>
    DEPTHS.flatMap((depth) =>
      MOMENTS.map((moment) => ({
        step,
        kind: 'reorganisation' as const,
        what: `reorganisation of depth ${depth}, ${moment}`,
        disturb: (stage: Stage, random: () => number, struck: () => void) => ({
          before: async () => {
            // Nothing but the step's own transaction is thrown out, so that it fits into the new branch.
            if (moment === 'into another block') await stage.hold(() => stage.mine(DEPTHS.length))
          },
          broadcast: (raw: Hex, nth: number) => {
            if (nth > 0) return undefined
            return reorganise(stage, { depth, moment, raw, random }, struck)
          },
        }),
      })),
    ),
  )

function reorganise(
  stage: Stage,
  p: {
    readonly depth: number
    readonly moment: (typeof MOMENTS)[number]
    readonly raw: Hex
    readonly random: () => number
  },
  struck: () => void,
): Fault {
  const { depth, moment, raw, random } = p
  if (moment === 'before it is sent') return { do: 'hold', until: stage.hold(() => stage.reorg(depth)).then(struck) }
  const deep = Math.floor(random() * depth)
  stage
    .hold(async () => {
      await pooled(stage, raw)
      if (moment === 'in the newest block') await stage.mine(1)
      if (moment === 'some blocks deep' || moment === 'into another block') await stage.mine(deep + 1)
      const there = moment === 'into another block' ? [[raw, Math.floor(random() * depth)] as const] : []
      await stage.reorg(depth, there)
    })
    .then(struck, () => undefined)
  return { do: 'pass' }
}

/** Until the node has a transaction. Throws where another one has its nonce, for then it will never have it. */
async function pooled(stage: Stage, raw: Hex): Promise<void> {
  const { hash, from, nonce } = await parse(raw)
  while ((await stage.chain.rpc('eth_getTransactionByHash', [hash])) === null) {
    if (Number(await stage.chain.rpc('eth_getTransactionCount', [from, 'latest'])) > nonce) throw new Error('displaced')
    await tick()
  }
}

const parse = async (raw: Hex) => (await import('ethers')).Transaction.from(raw)
const tick = () => new Promise((resolve) => setTimeout(resolve, 3))

// ---- an RPC that can not be relied on ----

const TIMES = 2
type RpcFault = (call: Call) => Fault
const nothing = `0x${'00'.repeat(32 * 9)}` as const

const EVERY: Readonly<Record<string, RpcFault>> = {
  'lost before it arrives': () => ({ do: 'drop', when: 'before' }),
  'answer lost': () => ({ do: 'drop', when: 'after' }),
  late: () => ({ do: 'delay', ms: 80 }),
  twice: () => ({ do: 'repeat' }),
  'refused: overloaded': () => ({ do: 'refuse', message: 'too many requests' }),
}
const LIES: Readonly<Record<string, Readonly<Record<string, RpcFault>>>> = {
  eth_call: {
    'knows of nothing': () => ({ do: 'answer', result: nothing }),
    'no contract': () => ({ do: 'answer', result: '0x' }),
  },
  eth_estimateGas: {
    'too little': () => ({ do: 'answer', result: '0x5208' }),
    'would be refused': () => ({ do: 'refuse', message: 'execution reverted', data: '0x' }),
  },
  eth_getTransactionCount: {
    none: () => ({ do: 'answer', result: '0x0' }),
    'too many': () => ({ do: 'answer', result: '0xffff' }),
  },
  eth_getTransactionReceipt: { none: () => ({ do: 'answer', result: null }) },
  eth_getBlockReceipts: { none: () => ({ do: 'answer', result: [] }) },
  eth_getBlockByNumber: {
    none: () => ({ do: 'answer', result: null }),
    'an old one': ({ method, params }) => ({ do: 'alter', call: { method, params: ['0x8', params[1]] } }),
  },
  eth_getLogs: { none: () => ({ do: 'answer', result: [] }) },
  eth_feeHistory: {
    none: () => ({ do: 'answer', result: { baseFeePerGas: [] } }),
    free: () => ({ do: 'answer', result: { baseFeePerGas: ['0x0', '0x0'] } }),
  },
  eth_maxPriorityFeePerGas: { enormous: () => ({ do: 'answer', result: '0x174876e800' }) },
  eth_sendRawTransaction: {
    'taken and forgotten': () => ({ do: 'answer', result: `0x${'ab'.repeat(32)}` }),
    'taken, told that the nonce is used': () => ({ do: 'deny', message: 'nonce too low' }),
    'taken, told that there is no money': () => ({ do: 'deny', message: 'insufficient funds for gas * price + value' }),
    'not taken, told that there is no money': () => ({ do: 'refuse', message: 'insufficient funds' }),
    'not taken, told that it is known': () => ({ do: 'refuse', message: 'already known' }),
    'not taken, told that it is too cheap': () => ({ do: 'refuse', message: 'replacement transaction underpriced' }),
  },
}

const rpcFaults = (): readonly Combination[] =>
  STEPS.flatMap((step) =>
    Object.entries(LIES).flatMap(([method, lies]) =>
      Object.entries({ ...EVERY, ...lies }).map(([name, fault]) => ({
        step,
        kind: 'rpc' as const,
        what: `${method}: ${name}`,
        disturb: (_stage: Stage, _random: () => number, struck: () => void) => {
          let times = 0
          return {
            fault: (call: Call) => {
              if (call.method !== method || times++ >= TIMES) return undefined
              struck()
              return fault(call)
            },
          }
        },
      })),
    ),
  )

// ---- transactions that others or fees stand in the way of ----

const HIGH_FEE_WEI = 40n * 10n ** 9n
const LOW_FEE_WEI = 7n

type Stand = (stage: Stage, step: StepName, struck: () => void) => Disturbance
const IN_THE_WAY: Readonly<Record<string, Stand>> = {
  'dropped from the pool': (stage, _step, struck) => ({
    broadcast: (raw, nth) => {
      if (nth > 0) return undefined
      stage
        .hold(async () => {
          await pooled(stage, raw)
          await stage.chain.rpc('anvil_dropTransaction', [(await parse(raw)).hash])
        })
        .then(struck, () => undefined)
      return undefined
    },
  }),
  'stuck below the base fee, replaced by a dearer one': (stage, _step, struck) => ({
    broadcast: (_raw, nth) => {
      if (nth === 0) stage.baseFee(HIGH_FEE_WEI)
      else {
        stage.baseFee(LOW_FEE_WEI)
        struck()
      }
      return undefined
    },
  }),
  'stuck, and the older one goes through when it is replaced': (stage, _step, struck) => ({
    broadcast: (_raw, nth) => {
      if (nth === 0) stage.baseFee(HIGH_FEE_WEI)
      if (nth !== 1) return undefined
      stage.baseFee(LOW_FEE_WEI)
      struck()
      return { do: 'answer', result: `0x${'ab'.repeat(32)}` }
    },
  }),
  'its nonce used by another program before': (stage, step, struck) => ({
    broadcast: (raw, nth) => {
      if (nth > 0) return undefined
      return { do: 'hold', until: stage.hold(() => useNonce(stage, step, raw)).then(struck) }
    },
  }),
  'replaced by another program': (stage, step, struck) => ({
    broadcast: (raw, nth) => {
      if (nth > 0) return undefined
      stage
        .hold(async () => {
          await pooled(stage, raw)
          await useNonce(stage, step, raw)
        })
        .then(struck, () => undefined)
      return undefined
    },
  }),
}

/** Sends a transaction with the same nonce that does nothing, and offers far more. */
async function useNonce(stage: Stage, step: StepName, raw: Hex): Promise<void> {
  const { nonce } = await parse(raw)
  const { privateKey, address } = step === 'withdraw' ? stage.claimant : stage.payer
  const other = await (await privateKeyAccount(privateKey)).sign({
    type: 2,
    chainId: stage.chain.chainId,
    nonce,
    to: address,
    value: 0n,
    data: '0x',
    gasLimit: 21_000n,
    maxFeePerGas: 10n * HIGH_FEE_WEI,
    maxPriorityFeePerGas: HIGH_FEE_WEI,
  })
  await stage.chain.rpc('eth_sendRawTransaction', [other])
  await stage.mine(1)
}

const inTheWay = (): readonly Combination[] =>
  STEPS.flatMap((step) =>
    Object.entries(IN_THE_WAY).map(([what, stand]) => ({
      step,
      kind: 'transaction' as const,
      what,
      disturb: (stage: Stage, _random: () => number, struck: () => void) => stand(stage, step, struck),
    })),
  )

// ----

export const combinations = (): readonly Combination[] => [...reorganisations(), ...rpcFaults(), ...inTheWay()]

/**
 * Plays a life for each combination: on `stages` chains side by side, and on each one after another with the same two
 * accounts until it is worn.
 */
export async function playAll(
  list: readonly Combination[],
  seed: number,
  { stages = 1, progress = () => {} }: { readonly stages?: number; readonly progress?: (text: string) => void } = {},
): Promise<MatrixReport> {
  const idle: string[] = []
  const wrong: string[] = []
  const left = [...list.entries()]
  let done = 0
  const playSome = async (): Promise<void> => {
    let stage = await openStage()
    try {
      for (let next = left.shift(); next !== undefined; next = left.shift()) {
        const [i, { step, what, disturb }] = next
        const name = `${step}: ${what}`
        let isStruck = false
        const disturbance = disturb(stage, seeded(seed + i), () => {
          isStruck = true
        })
        const life = await inTime(stage.play(step, disturbance))
        if (!isStruck) idle.push(name)
        const [got, expected] = life === undefined ? ['no end', ''] : [life, rightEnd(life.id)].map(text)
        if (got !== expected) wrong.push(`${name}: ${got}`)
        progress(`${++done} of ${list.length}: ${name}${got === expected ? '' : ` WRONG ${got}`}`)
        if (life !== undefined && !(await stage.isWorn())) continue
        await stage.stop()
        stage = await openStage()
      }
    } finally {
      await stage.stop()
    }
  }
  await Promise.all(Array.from({ length: stages }, playSome))
  return { ran: list.length, idle, wrong }
}

const text = (value: object): string => JSON.stringify(value, (_, v) => (typeof v === 'bigint' ? String(v) : v))

/** A life that does not end is one that ends wrong. */
async function inTime<T>(work: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), PATIENCE_MS)
  })
  work.catch(() => undefined)
  return Promise.race([work, late]).finally(() => clearTimeout(timer))
}
