import { encodeCall, type Mined, read } from '@veristack/chain-evm'
import { type Address, ZERO_ADDRESS } from '@veristack/core/receipt'
import { settlementAbi } from '../bindings/Settlement.ts'
import { type SettlementClient, senderOf } from '../client.ts'

/** Pays out all that the client's account was credited, to itself unless told otherwise. */
export async function withdraw(
  client: SettlementClient,
  p: { readonly to?: Address; readonly signal?: AbortSignal } = {},
): Promise<Mined> {
  const lane = senderOf(client)
  const data = await encodeCall(settlementAbi, 'withdraw', [ZERO_ADDRESS, p.to ?? lane.account])
  return lane.send({ to: client.deployment.settlement, data, name: 'withdraw', abi: settlementAbi }, p.signal)
}

/** What an account may withdraw, in wei. */
export async function creditOf({ chain, deployment }: SettlementClient, account: Address): Promise<bigint> {
  const [amount] = await read(chain, {
    address: deployment.settlement,
    abi: settlementAbi,
    name: 'creditOf',
    args: [ZERO_ADDRESS, account],
  })
  return BigInt(String(amount))
}
