import { encodeCall, type Mined, read, revertName } from '@veristack/chain-evm'
import { type Hex, parseAddress } from '@veristack/core/receipt'
import { type SendOptions, type SettlementClient, senderOf, sendTo } from '../client.ts'
import { tokenAbi } from '../token-abi.ts'

/** What the settlement contract may take of the owner's tokens, in the token's smallest unit. */
export async function allowanceOf(
  { chain, deployment }: SettlementClient,
  p: { readonly token: Hex; readonly owner: Hex },
): Promise<bigint> {
  const args = [parseAddress(p.owner, 'owner'), deployment.settlement]
  const address = parseAddress(p.token, 'token')
  const [amount] = await read(chain, { address, abi: tokenAbi, name: 'allowance', args })
  return BigInt(String(amount))
}

/**
 * Lets the settlement contract take this much of the client's account's tokens, and no more: give what a request escrows,
 * price and tip, in the token's smallest unit. For tokens that refuse to change one allowance into another it is made zero first.
 */
export async function approve(
  client: SettlementClient,
  p: { readonly token: Hex; readonly amount: bigint } & SendOptions,
): Promise<Mined> {
  const token = parseAddress(p.token, 'token')
  const send = async (amount: bigint, step: string): Promise<Mined> => {
    const data = await encodeCall(tokenAbi, 'approve', [client.deployment.settlement, amount])
    const { idempotencyKey, ...options } = p
    const key = idempotencyKey === undefined ? {} : { idempotencyKey: `${idempotencyKey}${step}` }
    return sendTo(client, { to: token, data, name: 'approve', abi: tokenAbi }, { ...options, ...key })
  }
  // Also where nothing stands at the address: a call of nothing succeeds.
  const before = await allowanceOf(client, { token, owner: senderOf(client).account })
  try {
    return await send(p.amount, '')
  } catch (error) {
    if (revertName(error) === undefined || p.amount === 0n || before === 0n) throw error
    await send(0n, '/zero')
    return send(p.amount, '')
  }
}
