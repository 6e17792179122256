import { randomBytes } from 'node:crypto'
import type { Mined } from '@veristack/chain-evm'
import { createStack, type Hex, type Policy, type RequestId, type Stack, toHex } from '@veristack/core'
import {
  commitInputs,
  evm,
  makeOrder,
  type Order,
  policyArguments,
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
  const { lane } = client
  if (lane === undefined) throw new Error('the customer has no account')
  const [allowed] = await allowedVerifiers(desk)
  if (allowed === undefined) throw new Error('the desk allows no verifier')
  const inputs = [model.featurise(o.committedWords ?? o.words)]
  const { id, order, policies, formula } = await makeOrder(client, {
    program: model.program.id,
    inputs: await commitInputs(stack.host, { program: model.program, tier: 'zkml', inputs }),
    policies: [{ tier: 'zkml', ...allowed }],
    priceWei: o.priceWei,
    application: model.application,
    settlement: { callbackTarget: desk.address, callbackGas: CALLBACK_GAS, callbackState: 'delivered' },
    payer: desk.address,
    // The desk takes no nonce of somebody else's.
    nonce: toHex(Buffer.concat([Buffer.from(lane.account.slice(2), 'hex'), randomBytes(12)])),
    ...(o.lifetimeSeconds === undefined ? {} : { lifetimeSeconds: o.lifetimeSeconds }),
  })
  return { id, order, policies, formula, words: o.words }
}

/** Asks for the money of a purchase back, and pays for the question. */
export async function ask({ client }: Customer, desk: Desk, purchase: bigint, q: Question): Promise<Mined> {
  const { lane } = client
  if (lane === undefined) throw new Error('the customer has no account')
  const args = [purchase, q.words, q.order, q.policies.map(policyArguments), q.formula]
  return send(lane, desk, 'askForRefund', args, q.order.request.priceWei)
}
