import { randomBytes } from 'node:crypto'
import type { Mined } from '@veristack/chain-evm'
import {
  commitmentsDigest,
  commitTensors,
  createStack,
  type Hex,
  jsonDigest,
  makeRequest,
  type Policy,
  policyDigest,
  type RequestId,
  requirementDigest,
  type Stack,
  termsDigest,
  toHex,
} from '@veristack/core'
import {
  agreeTerms,
  evm,
  type Order,
  orderOf,
  policyArguments,
  requirementArguments,
  type SettlementClient,
} from '@veristack/settlement-evm'
import { allowedVerifiers, type Desk, send } from './contract.ts'
import { answering, loadModel, type Model } from './model.ts'

export interface CustomerOptions {
  readonly rpcUrl: string
  readonly privateKey: Hex
  /** Never used for keys: a customer proves nothing. */
  readonly cacheDirectory?: string
}

export interface Customer extends AsyncDisposable {
  readonly stack: Stack
  readonly model: Model
  readonly client: SettlementClient
}

/** A customer's side: a stack that computes commitments, and an account. */
export async function openCustomer({ rpcUrl, privateKey, cacheDirectory }: CustomerOptions): Promise<Customer> {
  const settlement = evm({ rpcUrl, signer: privateKey })
  const stack = await createStack({ plugins: [...answering(cacheDirectory), settlement] })
  return {
    stack,
    model: await loadModel(),
    client: settlement.client(),
    [Symbol.asyncDispose]: () => stack.close(),
  }
}

export interface Question {
  readonly id: RequestId
  readonly order: Order
  readonly policies: readonly Policy[]
  readonly formula: Hex
  readonly words: string
}

export interface QuestionOptions {
  readonly words: string
  readonly priceWei: bigint
  /** Words whose features the request commits to; others than `words` only where somebody lies. */
  readonly committedWords?: string
  readonly lifetimeSeconds?: bigint
}

const CALLBACK_GAS = 200_000

/** The request that words make: committed features, the desk as payer and as who is called back. */
export async function makeQuestion(
  { stack, model, client }: Customer,
  desk: Desk,
  o: QuestionOptions,
): Promise<Question> {
  const { host } = stack
  const { lane } = client
  if (lane === undefined) throw new Error('the customer has no account')
  const call = { signal: new AbortController().signal, idempotencyKey: 'question', progress: () => undefined }
  const blob = await host.use('blobs').put(model.program.bytes, 'application/vnd.veristack.program')
  const program = { id: model.program.id, semantics: model.program.semantics, blob }
  const [executor] = host.all('executor')
  const plan = await host.all('prover')[0]?.commitments?.(program)
  const [allowed] = await allowedVerifiers(desk)
  if (executor === undefined || plan === undefined || allowed === undefined)
    throw new Error('the desk allows no verifier, or the stack can not commit')
  const inputs = await executor.prepare(program, [model.featurise(o.committedWords ?? o.words)], call)

  const policy: Policy = { tier: 'zkml', offchain: {}, ...allowed }
  const requirement = { tier: 'zkml', policy: policyDigest(policy) }
  const terms = agreeTerms({ callbackTarget: desk.address, callbackGas: CALLBACK_GAS, callbackState: 'delivered' })
  const request = makeRequest({
    program: program.id,
    inputs: commitmentsDigest(await commitTensors(host, program, plan.inputs, inputs, {})),
    requirement: requirementDigest(requirement),
    terms: termsDigest({ application: model.application, settlement: terms.digest }),
    payer: desk.address,
    priceWei: o.priceWei,
    // The desk takes no nonce of somebody else's.
    nonce: toHex(Buffer.concat([Buffer.from(lane.account.slice(2), 'hex'), randomBytes(12)])),
    chainId: client.chain.chainId,
    contract: client.deployment.settlement,
    expiresAt: (await client.chain.now()).timestamp + (o.lifetimeSeconds ?? 3600n),
  })
  const order = orderOf({ request, terms, application: jsonDigest(model.application) })
  return {
    id: request.id,
    order,
    policies: [policy],
    formula: requirementArguments(requirement).formula,
    words: o.words,
  }
}

/** Asks for the money of a purchase back, and pays for the question. */
export async function ask({ client }: Customer, desk: Desk, purchase: bigint, q: Question): Promise<Mined> {
  const { lane } = client
  if (lane === undefined) throw new Error('the customer has no account')
  const args = [purchase, q.words, q.order, q.policies.map(policyArguments), q.formula]
  return send(lane, desk, 'askForRefund', args, q.order.request.priceWei)
}
