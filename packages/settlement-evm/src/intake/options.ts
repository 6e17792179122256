import type { EventLog } from '@veristack/chain-evm'
import type { Hex, Json, Publishable, Tensor } from '@veristack/core'
import { type Address, type ProgramId, parseAddress, type RequestId, type Settlement } from '@veristack/core/receipt'
import { fail } from '../errors.ts'
import type { EvmPlugin } from '../evm.ts'
import type { PlacedRequest } from './placed.ts'

/** Where an application may look for a request's inputs. Everything here comes from the chain or from this machine. */
export interface InputSource {
  /** Aborted when the time for finding inputs is over, or the request is gone. */
  readonly signal: AbortSignal
  /** All events of the transaction that placed the request, in order. */
  logs(): Promise<readonly EventLog[]>
  /** That transaction's calldata; of the outermost call, where a contract placed the request. */
  calldata(): Promise<Hex>
}

export interface FoundInputs {
  /** Real or integer tensors, as the executor takes them. */
  readonly inputs: readonly Tensor[]
  /** Of salted input commitments, by `commitmentKey`. */
  readonly salts?: Readonly<Record<string, Hex>>
}

/** A program that requests are answered for. */
export interface Served {
  readonly program: Publishable
  /** The inputs of a request. They need not be right: what does not give the request's commitment is refused. */
  inputsOf(placed: PlacedRequest, source: InputSource): Promise<FoundInputs>
  /** What requests may say of their application; default `[{}]`. */
  readonly applications?: readonly Json[]
  /** What leaves may demand outside the chain; default `[{}]`. */
  readonly policies?: readonly Json[]
}

/** What its operator takes a token for. */
export interface TokenPrice {
  /** How many of the token's smallest unit are worth one ether, 10^18 wei of the chain's coin: 3_000_000_000n where a token of six decimals is worth 1/3000. */
  readonly unitsPerEther: bigint
  /** The least price, in the token's smallest unit; default 0, beside {@link IntakeOptions.atALoss}. */
  readonly minimumPriceUnits?: bigint
}

export interface IntakeOptions {
  /** The chain, and the account that submits. */
  readonly settlement: EvmPlugin
  readonly serves: readonly Served[]
  /**
   * Where it is kept how far the chain was read and what is not finished. Absent: in memory, and a process that starts again
   * begins at `from`. One process has it at a time.
   */
  readonly directory?: string
  /** The first block to look at without a stored state; default: the deployment's. */
  readonly from?: bigint
  /** The least price in the chain's coin; default 0, beside {@link IntakeOptions.atALoss}. */
  readonly minimumPriceWei?: bigint
  /** The tokens that are taken, by address, and what they are worth; requests priced in others are declined. Default none. */
  readonly tokens?: Readonly<Record<Hex, TokenPrice>>
  /** Whose requests are taken; default everybody's. */
  readonly payers?: readonly Hex[]
  /** Take requests whose price does not cover the gas of answering them; default false. */
  readonly atALoss?: boolean
  /**
   * Gas of submitting one leaf, for that comparison; default 400,000. A rollup that charges for data on the chain below beside its
   * gas needs more: the comparison knows the gas price alone.
   */
  readonly gasPerLeaf?: bigint
  /** Whose revocations in the program registry count: a program that he revoked, or of which an anchor, is
   * not answered for. */
  readonly publisher?: Hex
  /** Requests under way at once; default 4. */
  readonly parallel?: number
  /** Requests that wait for their turn, at most: with more, the chain is read later. Default 1000. */
  readonly waiting?: number
  /** Seconds that must be left for submitting when a request is taken; default 60. */
  readonly marginSeconds?: number
  /** Milliseconds in which inputs must be found; default 10,000. */
  readonly inputTimeoutMs?: number
  /** Bytes of all inputs of a request, and of the events and calldata read for them; default 1 MiB. */
  readonly inputBytes?: number
}

/** Why a request is left to others. */
export type SkipReason =
  | 'malformed'
  | 'payer'
  | 'token'
  | 'price'
  | 'loss'
  | 'deadline'
  | 'exclusive'
  | 'application'
  | 'policy'
  | 'requirement'
  | 'revoked'
  | 'inputs'
  | 'decided'
  | 'gone'
  | 'refused'

export type IntakeEvent =
  /** Programs are published and their verifiers in place; from here on the chain is read. */
  | { readonly type: 'ready'; readonly programs: readonly ReadyProgram[] }
  | { readonly type: 'seen'; readonly request: RequestId; readonly block: bigint }
  | {
      readonly type: 'skipped'
      /** Absent for an event that is no request. */
      readonly request?: RequestId
      readonly reason: SkipReason
      readonly message: string
    }
  | { readonly type: 'taken'; readonly request: RequestId }
  /** Submitted; its verifier decides from `finalAt` on (Unix seconds), and then the node finalizes. */
  | { readonly type: 'pending'; readonly request: RequestId; readonly finalAt: bigint }
  /** As many claims of others wait as the contract lets wait; it is submitted again at `retryAt` (Unix seconds on the chain). */
  | { readonly type: 'full'; readonly request: RequestId; readonly retryAt: bigint }
  /**
   * The account that submits has `haveWei`, and the gas of answering may take `needWei`, with what is under way. The request is
   * not taken; it is looked at again at `retryAt` (Unix seconds on the chain), until its deadline.
   */
  | {
      readonly type: 'unfunded'
      readonly request: RequestId
      readonly account: Address
      readonly needWei: bigint
      readonly haveWei: bigint
      readonly retryAt: bigint
    }
  /** The chain does not answer; it is asked again for as long as it takes, and `reachable` says when it does. */
  | { readonly type: 'unreachable'; readonly network: string }
  | { readonly type: 'reachable'; readonly network: string }
  /** The intake has stopped by an error, and answers nothing any more: see `IntakePlugin.ended`. */
  | { readonly type: 'ended'; readonly code?: string; readonly message: string }
  | { readonly type: 'settled'; readonly request: RequestId; readonly settlement: Settlement }
  | { readonly type: 'failed'; readonly request: RequestId; readonly code: string; readonly message: string }
  /** It waited or was under way, and its block is not in the chain any more; it may come back. */
  | { readonly type: 'removed'; readonly request: RequestId }

/** What a requester must pin for this node to answer. */
export interface ReadyProgram {
  readonly program: ProgramId
  readonly verifiers: readonly {
    readonly kind: string
    readonly verifier: Address
    readonly codeHash: Hex
    readonly params: Hex
  }[]
}

export type IntakeListener = (event: IntakeEvent) => void

/** The options with their defaults. */
export type CheckedOptions = ReturnType<typeof checkOptions>

export function checkOptions(o: IntakeOptions) {
  const count = (field: 'parallel' | 'waiting' | 'marginSeconds' | 'inputTimeoutMs' | 'inputBytes', absent: number) => {
    const value = o[field] ?? absent
    const least = field === 'marginSeconds' ? 0 : 1
    if (!Number.isSafeInteger(value) || value < least || value > 2 ** 31 - 1)
      throw invalid(field, `${least} to ${2 ** 31 - 1}`, value)
    return value
  }
  if (o.serves.length === 0) throw invalid('serves', 'at least one program', 'none')
  const ids = o.serves.map((s) => s.program.id)
  const twice = ids.find((id, i) => ids.indexOf(id) !== i)
  if (twice !== undefined) throw invalid('serves', 'each program once', twice)
  return {
    ...o,
    minimumPriceWei: o.minimumPriceWei ?? 0n,
    tokens: new Map(Object.entries(o.tokens ?? {}).map(([token, price]) => checkToken(token, price))),
    payers: o.payers === undefined ? undefined : new Set(o.payers.map((a, i) => addressOf(`payers[${i}]`, a))),
    ...(o.publisher === undefined ? {} : { publisher: addressOf('publisher', o.publisher) }),
    gasPerLeaf: o.gasPerLeaf ?? 400_000n,
    parallel: count('parallel', 4),
    waiting: count('waiting', 1000),
    marginSeconds: BigInt(count('marginSeconds', 60)),
    inputTimeoutMs: count('inputTimeoutMs', 10_000),
    inputBytes: count('inputBytes', 2 ** 20),
  }
}

function addressOf(field: string, value: string): Address {
  if (!/^0x[0-9a-f]{40}$/i.test(value)) throw invalid(field, '0x and 20 bytes', value)
  return parseAddress(value)
}

function checkToken(token: string, price: TokenPrice): readonly [Address, Required<TokenPrice>] {
  const address = addressOf('tokens', token)
  const { unitsPerEther, minimumPriceUnits = 0n }: { unitsPerEther: unknown; minimumPriceUnits?: unknown } = price
  if (typeof unitsPerEther !== 'bigint' || unitsPerEther <= 0n)
    throw invalid(`tokens.${token}.unitsPerEther`, 'a bigint above 0', String(unitsPerEther))
  if (typeof minimumPriceUnits !== 'bigint' || minimumPriceUnits < 0n)
    throw invalid(`tokens.${token}.minimumPriceUnits`, 'a bigint from 0 on', String(minimumPriceUnits))
  return [address, { unitsPerEther, minimumPriceUnits }]
}

const invalid = (field: string, expected: string, got: string | number) =>
  fail('VS_SETTLE_INVALID_OPTION', { details: { field: `intake.${field}`, expected, got } })
