// npm run help-desk -- "I want my money back": shop, customer and node on a chain that ends with this process.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, laneOf, privateKeyAccount } from '@veristack/chain-evm'
import { developmentAccounts, startAnvil } from '@veristack/chain-evm/local'
import { isVeristackError, numbers } from '@veristack/core'
import { creditOf, deployContracts, getResult, type IntakeEvent, type ReadyProgram } from '@veristack/settlement-evm'
import { buy, deployDesk, refundableOf, send, stageOf } from '../src/contract.ts'
import { ask, makeQuestion, openCustomer } from '../src/customer.ts'
import { loadModel } from '../src/model.ts'
import { startNode } from '../src/node.ts'

const WORDS = 'I would like a refund for my purchase, please give me my money back'
const ETHER = 10n ** 18n
const PRICE_WEI = ETHER / 100n

const USAGE = `npm run help-desk -- "WORDS"

A shop's contract sells something for 1 ETH on a chain of its own. A customer asks for the money back, in WORDS; the contract
asks the customer-service model, a node answers with a proof, and the contract routes the refund by what was proved.

Default: ${WORDS}
`

const inEther = (wei: bigint): string => {
  const [whole, part] = [wei / ETHER, (wei % ETHER).toString().padStart(18, '0').replace(/0+$/, '')]
  return `${whole}${part === '' ? '' : `.${part}`} ETH`
}
const say = (label: string, value: string): void => void process.stdout.write(`${label.padEnd(10)} ${value}\n`)

/** What a node says of one request, and of itself. */
function hearing() {
  let ready = (_: readonly ReadyProgram[]): void => undefined
  let settled = (): void => undefined
  let failed = (_: unknown): void => undefined
  let unready = (_: unknown): void => undefined
  const programs = new Promise<readonly ReadyProgram[]>((resolve, reject) => {
    ready = resolve
    unready = reject
  })
  const answered = new Promise<void>((resolve, reject) => {
    settled = resolve
    failed = reject
  })
  // Nobody may be waiting yet.
  programs.catch(() => undefined)
  answered.catch(() => undefined)
  const listener = (event: IntakeEvent): void => {
    if (event.type === 'ready') ready(event.programs)
    else if (event.type === 'taken') say('node', 'takes it, and proves')
    else if (event.type === 'settled') settled()
    else if (event.type === 'skipped' || event.type === 'failed' || event.type === 'ended') {
      failed(new Error(event.message))
      unready(new Error(event.message))
    } else if (event.type === 'unfunded') {
      failed(new Error(`${event.account} has ${event.haveWei} wei, and needs ${event.needWei}`))
    }
  }
  return { programs, answered, listener }
}

async function demonstrate(words: string, directory: string): Promise<void> {
  const [shop, answerer, buyer] = developmentAccounts
  if (shop === undefined || answerer === undefined || buyer === undefined) throw new Error('no accounts')
  const model = await loadModel()
  // Words without a letter are refused before anything is deployed.
  model.featurise(words)
  const anvil = await startAnvil()
  const chain = await connect({ rpcUrl: anvil.rpcUrl })
  const lane = laneOf(chain, await privateKeyAccount(shop.privateKey))
  const { programs, answered, listener } = hearing()
  try {
    const deployment = await deployContracts(lane)
    const desk = await deployDesk(lane, {
      settlement: deployment.settlement,
      program: model.program.id,
      labelTensor: model.labelTensor,
      refundLabel: model.refundLabel,
      maximumPriceWei: ETHER / 10n,
      owner: shop.address,
    })
    say('chain', `${chain.network}, settlement ${deployment.settlement}, help desk ${desk.address}`)
    const { rpcUrl } = anvil
    await using node = await startNode({ rpcUrl, privateKey: answerer.privateKey, directory, keys: 'shared', listener })
    const [verifier] = (await programs)[0]?.verifiers ?? []
    if (verifier === undefined) throw new Error('the node has no verifier')
    await send(lane, desk, 'allowVerifier', [verifier.verifier, verifier.codeHash, verifier.params])
    say('node', `${node.claimant} answers; the shop allows its verifier ${verifier.verifier}`)

    await using customer = await openCustomer({ rpcUrl, privateKey: buyer.privateKey })
    const own = customer.client.lane
    if (own === undefined) throw new Error('the customer has no account')
    const purchase = await buy(own, desk, ETHER)
    say('customer', `${buyer.address} pays ${inEther(ETHER)}, and asks:`)
    say('', `"${words}"`)
    const question = await makeQuestion(customer, desk, { words, priceWei: PRICE_WEI })
    await ask(customer, desk, purchase, question)
    say('desk', `asks ${question.id}, and escrows ${inEther(PRICE_WEI)} for the answer`)

    await answered
    const { state, callback } = await getResult(customer.client, { request: question.id })
    const { outputs } = await node.receipt(question.id)
    const label = outputs.find((t) => t.name === 'label')
    const { intent = 'unknown' } = label === undefined ? {} : (model.labels[numbers(label)[0] ?? -1] ?? {})
    say('answer', `${intent}, proved (zkml), checked on chain: ${state}, callback ${callback}`)
    const stage = await stageOf(desk, purchase)
    const refundable = await refundableOf(desk, buyer.address)
    if (stage === 'refunded') await send(own, desk, 'collect', [])
    say('desk', stage === 'refunded' ? `refunded: the customer collects ${inEther(refundable)}` : `passed on: ${stage}`)
    say('node', `has earned ${inEther(await creditOf(customer.client, { account: answerer.address }))}`)
  } finally {
    await lane.close()
    chain.close()
    await anvil.stop()
  }
}

async function main(args: readonly string[]): Promise<number> {
  if (args.includes('--help')) {
    process.stdout.write(USAGE)
    return 0
  }
  const directory = await mkdtemp(join(tmpdir(), 'veristack-help-desk-'))
  try {
    await demonstrate(args.length === 0 ? WORDS : args.join(' '), directory)
    return 0
  } catch (error) {
    const text = isVeristackError(error) ? `${error.shortMessage} (${error.code})` : String(error)
    process.stderr.write(`help-desk: ${text}\n`)
    return 1
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

void main(process.argv.slice(2)).then((status) => {
  process.exitCode = status
})
