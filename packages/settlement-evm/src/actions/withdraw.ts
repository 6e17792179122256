import { encodeCall, type Mined, read } from '@veristack/chain-evm'
import { type Hex, parseAddress, ZERO_ADDRESS } from '@veristack/core/receipt'
import { settlementAbi } from '../bindings/Settlement.ts'
import { type SendOptions, type SettlementClient, senderOf, sendTo } from '../client.ts'

/** Pays out all that the client's account was credited in a token, to itself unless told otherwise. */
export async function withdraw(
  client: SettlementClient,
  p: { readonly to?: Hex; readonly token?: Hex } & SendOptions = {},
): Promise<Mined> {
  const { token = ZERO_ADDRESS, to = senderOf(client).account } = p
  const args = [parseAddress(token, 'token'), parseAddress(to, 'to')]
  const data = await encodeCall(settlementAbi, 'withdraw', args)
  return sendTo(client, { to: client.deployment.settlement, data, name: 'withdraw', abi: settlementAbi }, p)
}

/** What an account may withdraw, in the smallest unit of the token; default the chain's coin. */
export async function creditOf(
  { chain, deployment }: SettlementClient,
  { account, token = ZERO_ADDRESS }: { readonly account: Hex; readonly token?: Hex },
): Promise<bigint> {
  const [amount] = await read(chain, {
    address: deployment.settlement,
    abi: settlementAbi,
    name: 'creditOf',
    args: [parseAddress(token, 'token'), parseAddress(account, 'account')],
  })
  return BigInt(String(amount))
}
