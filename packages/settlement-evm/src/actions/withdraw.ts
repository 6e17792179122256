import { encodeCall, type Mined, read } from '@veristack/chain-evm'
import { type Address, ZERO_ADDRESS } from '@veristack/core/receipt'
import { settlementAbi } from '../bindings/Settlement.ts'
import { type SettlementClient, senderOf } from '../client.ts'

/** Pays out all that the client's account was credited in a token, to itself unless told otherwise. */
export async function withdraw(
  client: SettlementClient,
  p: { readonly to?: Address; readonly token?: Address; readonly signal?: AbortSignal } = {},
): Promise<Mined> {
  const lane = senderOf(client)
  const data = await encodeCall(settlementAbi, 'withdraw', [p.token ?? ZERO_ADDRESS, p.to ?? lane.account])
  return lane.send({ to: client.deployment.settlement, data, name: 'withdraw', abi: settlementAbi }, p.signal)
}

/** What an account may withdraw, in the smallest unit of the token; default the chain's coin. */
export async function creditOf(
  { chain, deployment }: SettlementClient,
  account: Address,
  token: Address = ZERO_ADDRESS,
): Promise<bigint> {
  const [amount] = await read(chain, {
    address: deployment.settlement,
    abi: settlementAbi,
    name: 'creditOf',
    args: [token, account],
  })
  return BigInt(String(amount))
}
