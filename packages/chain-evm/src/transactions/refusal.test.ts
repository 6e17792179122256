import type { Hex } from '@veristack/core'
import { type Account, type Chain, connect, privateKeyAccount } from '../index.ts'
import { type Anvil, developmentAccounts, startAnvil } from '../local/index.ts'
import { judgeRefusal } from './refusal.ts'

/** What nodes answer to `eth_sendRawTransaction`, word for word. */
const SAID: readonly (readonly [node: string, code: number, message: string, judgement: string])[] = [
  ['geth', -32000, 'already known', 'has it'],
  ['geth', -32000, 'nonce too low: next nonce 12, tx nonce 11', 'unclear'],
  ['geth', -32000, 'replacement transaction underpriced: new tx gas fee cap 2 <= 1 queued', 'unclear'],
  ['geth', -32000, 'transaction underpriced: gas tip cap 1, minimum needed 1000000', 'unclear'],
  ['geth', -32000, 'max fee per gas less than block base fee: address 0x00, maxFeePerGas: 1, baseFee: 7', 'unclear'],
  ['geth', -32000, 'txpool is full', 'unclear'],
  ['geth', -32000, 'account limit exceeded: pooled 16 txs', 'unclear'],
  ['geth', -32000, 'in-flight transaction limit reached for delegated accounts', 'unclear'],
  ['geth', -32000, 'insufficient funds for gas * price + value: balance 5, tx cost 21000, overshot 20995', 'refused'],
  ['geth', -32000, 'intrinsic gas too low: gas 20000, minimum needed 21000', 'refused'],
  ['geth', -32000, 'insufficient gas for floor data gas cost: gas 21064, minimum needed 22000', 'refused'],
  ['geth', -32000, 'exceeds block gas limit', 'refused'],
  ['geth', -32000, 'transaction gas limit too high (cap: 16777216, tx: 21000000)', 'refused'],
  ['geth', -32000, 'oversized data: transaction size 131200, limit 131072', 'refused'],
  ['geth', -32000, 'max initcode size exceeded: code size 60000, limit 49152', 'refused'],
  ['geth', -32000, 'invalid sender: invalid chain id for signer: have 5 want 1', 'refused'],
  ['geth', -32000, 'tx fee (1.20 ether) exceeds the configured cap (1.00 ether)', 'refused'],
  ['geth', -32000, 'sender not an eoa: address 0x00, codehash: 0x01', 'refused'],
  ['geth', 3, 'execution reverted', 'refused'],
  ['op-geth', -32000, 'insufficient funds for l1 cost + gas * price + value: have 1 want 2', 'refused'],
  ['Erigon', -32000, 'ALREADY_EXISTS: already known', 'has it'],
  ['Erigon', -32000, 'INTERNAL_ERROR: existing tx with same hash', 'has it'],
  ['Erigon', -32000, 'INTERNAL_ERROR: nonce too low', 'unclear'],
  ['Erigon', -32000, 'INTERNAL_ERROR: insufficient funds', 'refused'],
  ['Erigon', -32000, 'pending sub-pool is full', 'unclear'],
  ['Nethermind', -32010, 'AlreadyKnown', 'has it'],
  ['Nethermind', -32010, 'InsufficientFunds, Account balance: 0, cumulative cost: 21000', 'refused'],
  ['Nethermind', -32010, 'GasLimitExceeded, Gas limit: 30000000, gas limit of rejected tx: 40000000', 'refused'],
  ['Nethermind', -32010, 'OwnNonceAlreadyUsed', 'unclear'],
  ['Nethermind', -32010, 'FeeTooLowToCompete', 'unclear'],
  ['Nethermind', -32000, 'node is syncing', 'unclear'],
  ['Besu', -32000, 'Known transaction', 'has it'],
  ['Besu', -32001, 'Nonce too low', 'unclear'],
  ['Besu', -32003, 'Intrinsic gas exceeds gas limit', 'refused'],
  ['Besu', -32004, 'Upfront cost exceeds account balance', 'refused'],
  ['Besu', -32005, 'Transaction gas limit exceeds block gas limit', 'refused'],
  ['Besu', -32005, 'Number of requests exceeds max batch size', 'unclear'],
  ['Besu', -32008, 'Initial sync is still in progress', 'unclear'],
  ['Besu', -32009, 'Gas price below current base fee', 'unclear'],
  ['reth', -32003, 'already known', 'has it'],
  ['reth', -32000, 'exceeds block gas limit', 'refused'],
  ['reth', -32003, 'insufficient funds for gas * price + value: have 0 want 21000', 'refused'],
  ['reth', -32003, 'txpool is full', 'unclear'],
  ['Arbitrum', -32000, 'execution reverted', 'refused'],
  ['Arbitrum', -32000, 'sequencer pending tx pool full, please try again', 'unclear'],
  // What stands in front of the node says nothing of the transaction, whatever the words.
  ['Alchemy', 429, 'Your app has exceeded its compute units per second capacity.', 'unclear'],
  ['Alchemy', -32600, 'Must be authenticated!', 'unclear'],
  ['Infura', -32005, 'daily request count exceeded, request rate limited', 'unclear'],
  ['Infura', -32600, 'rejected due to project ID settings', 'unclear'],
  ['a proxy', 403, 'Forbidden', 'unclear'],
  ['a proxy', -32000, 'forbidden', 'unclear'],
  ['a proxy', -32000, 'request entity too large', 'unclear'],
  ['a proxy', -32000, 'your plan has insufficient funds left', 'unclear'],
  ['a proxy', -32000, 'the account behind this key has insufficient funds', 'unclear'],
  ['a proxy', 402, 'insufficient funds', 'unclear'],
  ['a proxy', -32601, 'the method eth_sendRawTransaction is not supported', 'unclear'],
  ['a proxy', -32000, 'invalid signature of the request', 'unclear'],
  ['a proxy', -32000, 'ip is in blacklist', 'unclear'],
]

test.each(SAID)('%s, %i: %s', (_, code, message, judgement) => {
  expect(judgeRefusal({ code, message })).toBe(judgement)
})

describe('anvil', () => {
  let anvil: Anvil
  let chain: Chain
  let account: Account
  beforeAll(async () => {
    const [first] = developmentAccounts
    if (first === undefined) throw new Error('no accounts')
    anvil = await startAnvil({ args: ['--no-mining', '--gas-limit', '5000000'] })
    chain = await connect({ rpcUrl: anvil.rpcUrl })
    account = await privateKeyAccount(first.privateKey)
  })
  afterAll(async () => {
    chain.close()
    await anvil.stop()
  })

  const send = async (change: object): Promise<string> => {
    const raw: Hex = await account.sign({
      ...{ type: 2, chainId: 31337n, nonce: 0, to: account.address, data: '0x', value: 0n, gasLimit: 21_000n },
      ...{ maxFeePerGas: 10n ** 11n, maxPriorityFeePerGas: 1n, ...change },
    })
    return chain.rpc('eth_sendRawTransaction', [raw]).then(
      () => 'taken',
      ({ details }: { readonly details: { readonly code: number; readonly reason: string } }) =>
        judgeRefusal({ code: details.code, message: details.reason }),
    )
  }

  test('what it says', async () => {
    expect(await send({ value: 10n ** 30n })).toBe('refused')
    expect(await send({ gasLimit: 20_000n })).toBe('refused')
    expect(await send({ gasLimit: 6_000_000n })).toBe('refused')
    expect(await send({ chainId: 5n })).toBe('refused')
    expect(await send({ maxFeePerGas: 1n })).toBe('unclear')
    expect(await send({})).toBe('taken')
    expect(await send({})).toBe('has it')
    await chain.rpc('anvil_mine', ['0x1'])
    expect(await send({ value: 1n })).toBe('unclear')
  })
})
