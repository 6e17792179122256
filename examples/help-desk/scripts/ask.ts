// npm run ask -w examples/help-desk: a customer as a process of its own. Buys something from DESK and asks for the money back.
import { parseAddress } from '@veristack/core'
import { buy } from '../src/contract.ts'
import { ask, makeQuestion, openCustomer } from '../src/customer.ts'

const {
  RPC_URL = '',
  PRIVATE_KEY = '',
  DIRECTORY = '',
  DESK = '',
  WORDS = '',
  PRICE_WEI = '0',
  COMMITTED_WORDS = WORDS,
} = process.env

async function main(): Promise<void> {
  await using customer = await openCustomer({
    rpcUrl: RPC_URL,
    privateKey: PRIVATE_KEY as `0x${string}`,
    cacheDirectory: DIRECTORY,
  })
  const { client } = customer
  if (client.lane === undefined) throw new Error('no account')
  const desk = { chain: client.chain, address: parseAddress(DESK) }
  const purchase = await buy(client.lane, desk, 10n ** 18n)
  const question = await makeQuestion(customer, desk, {
    words: WORDS,
    // Others only to see what becomes of who lies.
    committedWords: COMMITTED_WORDS,
    priceWei: BigInt(PRICE_WEI),
  })
  await ask(customer, desk, purchase, question)
  process.stdout.write(`${JSON.stringify({ purchase: String(purchase), request: question.id })}\n`)
}

main().catch((error: unknown) => {
  console.error(error)
  process.exitCode = 1
})
