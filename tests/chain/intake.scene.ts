import { type Chain, connect, deploy, type Lane, laneOf, privateKeyAccount } from '@veristack/chain-evm'
import { type Anvil, developmentAccounts, startAnvil } from '@veristack/chain-evm/local'
import {
  type Artefacts,
  commitmentsDigest,
  createStack,
  directoryBlobs,
  directoryRecords,
  type Hex,
  type Json,
  jsonDigest,
  localSigner,
  makeRequest,
  type Plugin,
  type Policy,
  parseDigest,
  policyDigest,
  RAW_SCHEME,
  type Request,
  type RequestId,
  type Requirement,
  rawCommitment,
  requirementDigest,
  type Stack,
  type Tensor,
  tensor,
  tensorSpec,
  termsDigest,
} from '@veristack/core'
import {
  FAKE_KIND,
  FAKE_TIER,
  fakeAnchor,
  fakeCommitter,
  fakeExecutor,
  fakeOnChain,
  fakeProgram,
  fakeProver,
  fakeTier,
  fakeVerifier,
} from '@veristack/core/testing'
import {
  agreeTerms,
  deployContracts,
  evm,
  type IntakeEvent,
  type IntakeOptions,
  intake,
  type Order,
  orderOf,
  placeRequest,
  type SettlementClient,
} from '@veristack/settlement-evm'
import { answering } from '../../packages/settlement-evm/src/toy-tier.fixture.ts'

/** A chain, somebody who places requests, and nodes that answer them with a tier whose contract accepts everything. */

const [first, second, third] = developmentAccounts
if (first === undefined || second === undefined || third === undefined) throw new Error('no accounts')
export const [payer, node, stranger] = [first, second, third]
export const PRICE = 10n ** 16n
export const APPLICATION: Json = { shop: 'mine' }
export const program = fakeProgram()

/** Creation code of the verifier that a scene's nodes answer for; accepts everything unless told otherwise. */
const ACCEPTING = answering(2)
/** Of the same sort, and nobody's who answers. */
export const FOREIGN = { bytecode: answering(2, 77n), constructorArgs: '0x' } as const
const onchainOf = (bytecode: Hex) => ({
  ...fakeOnChain(),
  deployment: async () => ({ bytecode, constructorArgs: '0x' as const }),
})

/** A verifier that leaves everything undecided until `finalAt`, and then answers `status`. */
export function undecidedUntil(finalAt: bigint, status: 0 | 2): Hex {
  const runtime = [
    `67${finalAt.toString(16).padStart(16, '0')}`,
    '804210601957', // timestamp < finalAt: on to the second half
    `600${status}60005260406000f3`,
    '5b602052600160005260406000f3',
  ].join('')
  return `0x60${(runtime.length / 2).toString(16)}600c60003960${(runtime.length / 2).toString(16)}6000f3${runtime}`
}
const artefacts: Artefacts = {
  kind: FAKE_KIND,
  program: program.id,
  anchor: fakeAnchor(program.id),
  origin: 'development',
  blobs: {},
}

export const tierOf = (bytecode = ACCEPTING): Plugin => ({
  ...fakeTier(),
  register: (host) => {
    host.provide('committer', fakeCommitter)
    host.provide('prover', () => fakeProver())
    host.provide('verifier', fakeVerifier)
    host.provide('onchain', () => onchainOf(bytecode))
  },
})

/** Lets executions through, unless it is shut. */
export interface Gate {
  shut(): void
  open(): void
  /** Executions that began, and the most that were under way at once. */
  readonly begun: number
  readonly most: number
}

function makeGate(): Gate & { pass(signal: AbortSignal): Promise<void> } {
  let [isOpen, begun, now, most] = [true, 0, 0, 0]
  const waiting = new Set<() => void>()
  return {
    get begun() {
      return begun
    },
    get most() {
      return most
    },
    shut: () => {
      isOpen = false
    },
    open: () => {
      isOpen = true
      for (const go of waiting) go()
    },
    pass: async (signal) => {
      begun += 1
      now += 1
      most = Math.max(most, now)
      if (!isOpen && !signal.aborted) {
        await new Promise<void>((go) => {
          waiting.add(go)
          signal.addEventListener('abort', () => go(), { once: true })
        })
      }
      // A turn of its own, so that executions could overlap.
      await new Promise((go) => setImmediate(go))
      now -= 1
    },
  }
}

const ENDS: readonly string[] = ['skipped', 'settled', 'failed']

export interface Node {
  readonly stack: Stack
  readonly gate: Gate
  readonly events: readonly IntakeEvent[]
  /** The first such event, past or to come. */
  until<T extends IntakeEvent['type']>(
    type: T,
    request?: RequestId,
  ): Promise<Extract<IntakeEvent, { readonly type: T }>>
  of(request: RequestId): readonly string[]
  close(): Promise<void>
}

export interface NodeOptions extends Partial<Omit<IntakeOptions, 'settlement' | 'serves'>> {
  readonly inputsOf?: IntakeOptions['serves'][number]['inputsOf']
  /** Where jobs are kept too. */
  readonly directory?: string
  /** Begins with its executions held up. */
  readonly shut?: boolean
}

export interface Scene {
  readonly anvil: Anvil
  readonly chain: Chain
  readonly lane: Lane
  readonly client: SettlementClient
  startNode(options?: NodeOptions): Promise<Node>
  place(x: number, change?: Change): Promise<RequestId>
  makeOrder(x: number, change?: Change): Promise<Placing>
  stop(): Promise<void>
}

export interface Placing {
  readonly id: RequestId
  readonly order: Order
  readonly requirement: Requirement
  readonly policies: readonly Policy[]
}

export interface Change {
  readonly request?: Partial<Request>
  readonly terms?: Json
  readonly application?: Json
  readonly policies?: readonly Policy[]
  readonly requirement?: Requirement
}

const WORD = 64

/** A request says its input in its nonce: a one-element tensor `x`. */
export const inputOf = (x: number): Tensor => tensor('x', 'int32', [1], [x])
export const inputsOfNonce: IntakeOptions['serves'][number]['inputsOf'] = async ({ request }) => ({
  inputs: [inputOf(Number(BigInt(request.nonce) & 0xffffn))],
})

/** `bytecode`: creation code of the verifier. */
export async function openScene(bytecode = ACCEPTING): Promise<Scene> {
  const anvil = await startAnvil()
  const chain = await connect({ rpcUrl: anvil.rpcUrl })
  const lane = laneOf(chain, await privateKeyAccount(payer.privateKey))
  const client = { chain, lane, deployment: await deployContracts(lane) }
  const deployed = await deploy(lane, { bytecode, constructorArgs: '0x', name: 'verifier' })
  const policy: Policy = {
    tier: FAKE_TIER,
    offchain: {},
    verifier: deployed.address,
    codeHash: parseDigest(deployed.codeHash),
    params: onchainOf(bytecode).params(artefacts),
  }
  let nonce = 0
  const makeOrder = async (x: number, change: Change = {}): Promise<Placing> => {
    const policies = change.policies ?? [policy]
    const [only = policy] = policies
    const requirement = change.requirement ?? { tier: only.tier, policy: policyDigest(only) }
    const terms = agreeTerms(change.terms ?? {})
    const application = change.application ?? APPLICATION
    const input = inputOf(x)
    const request = makeRequest({
      program: program.id,
      inputs: commitmentsDigest([{ tensor: tensorSpec(input), scheme: RAW_SCHEME, value: rawCommitment(input) }]),
      requirement: requirementDigest(requirement),
      terms: termsDigest({ application, settlement: terms.digest }),
      payer: payer.address,
      priceWei: PRICE,
      nonce: `0x${((BigInt(++nonce) << 16n) | BigInt(x)).toString(16).padStart(WORD, '0')}`,
      chainId: chain.chainId,
      contract: client.deployment.settlement,
      expiresAt: (await chain.now()).timestamp + 3600n,
      ...change.request,
    })
    const order = orderOf({ request, terms, application: jsonDigest(application) })
    return { id: request.id, order, requirement, policies }
  }
  const nodes: Node[] = []
  return {
    anvil,
    chain,
    lane,
    client,
    makeOrder,
    place: async (x, change) => {
      const placing = await makeOrder(x, change)
      await placeRequest(client, { ...placing, commitments: placing.policies.map(() => 'any' as const) })
      return placing.id
    },
    startNode: async (options = {}) => {
      const started = await startNode(anvil.rpcUrl, bytecode, options)
      nodes.push(started)
      return started
    },
    stop: async () => {
      for (const started of nodes) await started.close()
      await lane.close()
      chain.close()
      await anvil.stop()
    },
  }
}

async function startNode(rpcUrl: string, bytecode: Hex, { inputsOf, shut, ...options }: NodeOptions): Promise<Node> {
  const gate = makeGate()
  if (shut === true) gate.shut()
  const { directory } = options
  const settlement = evm({
    rpcUrl,
    signer: node.privateKey,
    ...(directory === undefined ? {} : { journalDirectory: `${directory}/journal` }),
  })
  const answers = intake({
    ...options,
    ...(directory === undefined ? {} : { directory: `${directory}/intake` }),
    settlement,
    serves: [{ program, applications: [APPLICATION], inputsOf: inputsOf ?? inputsOfNonce }],
  })
  const events: IntakeEvent[] = []
  const looking = new Set<() => void>()
  answers.subscribe((event) => {
    events.push(event)
    for (const look of looking) look()
  })
  const executing = fakeExecutor()
  const stack = await createStack({
    plugins: [
      {
        specificationVersion: 'v1',
        name: 'gated',
        version: '0.0.0',
        provides: ['executor', 'signer', ...(directory === undefined ? [] : (['records', 'blobs'] as const))],
        register: (host) => {
          host.provide('signer', () => localSigner(node.privateKey))
          host.provide('executor', () => ({
            ...executing,
            execute: async (job, call) => {
              await gate.pass(call.signal)
              return executing.execute(job, call)
            },
          }))
          if (directory === undefined) return
          host.provide('records', () => directoryRecords(`${directory}/records`))
          host.provide('blobs', () => directoryBlobs(`${directory}/blobs`))
        },
      },
      tierOf(bytecode),
      settlement,
      answers,
    ],
  })
  const started: Node = {
    stack,
    gate,
    events,
    of: (request) => events.flatMap((e) => ('request' in e && e.request === request ? [e.type] : [])),
    until: (type, request) =>
      new Promise((found, refuse) => {
        const look = (): void => {
          const own = events.filter((e) => request === undefined || ('request' in e && e.request === request))
          const event = own.find((e) => e.type === type)
          const end = own.find((e) => request !== undefined && ENDS.includes(e.type))
          if (event === undefined && end === undefined) return
          looking.delete(look)
          if (event !== undefined) found(event as Extract<IntakeEvent, { readonly type: typeof type }>)
          else
            refuse(
              new Error(
                `${type} was expected, it ended as ${JSON.stringify(end, (_, v) => (typeof v === 'bigint' ? String(v) : v))}`,
              ),
            )
        }
        looking.add(look)
        look()
      }),
    close: () => stack.close(),
  }
  await started.until('ready')
  return started
}
