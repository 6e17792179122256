// npm run shop -w examples/help-desk: deploys the shop's contract, lets it rely on a node's verifier, and prints the address.
import { connect, laneOf, privateKeyAccount } from '@veristack/chain-evm'
import { canonicalDeployment } from '@veristack/settlement-evm'
import { deployDesk, send } from '../src/contract.ts'
import { loadModel } from '../src/model.ts'

const { RPC_URL = '', PRIVATE_KEY = '', VERIFIER = '', CODE_HASH = '', PARAMS = '' } = process.env
const HIGHEST_PRICE_WEI = 10n ** 17n

async function main(): Promise<void> {
  const chain = await connect({ rpcUrl: RPC_URL })
  const account = await privateKeyAccount(PRIVATE_KEY as `0x${string}`)
  const lane = laneOf(chain, account)
  try {
    const model = await loadModel()
    const desk = await deployDesk(lane, {
      settlement: canonicalDeployment().settlement,
      program: model.program.id,
      labelTensor: model.labelTensor,
      refundLabel: model.refundLabel,
      maximumPriceWei: HIGHEST_PRICE_WEI,
      owner: account.address,
    })
    await send(lane, desk, 'allowVerifier', [VERIFIER, CODE_HASH, PARAMS])
    process.stdout.write(`${JSON.stringify({ desk: desk.address })}\n`)
  } finally {
    await lane.close()
    chain.close()
  }
}

main().catch((error: unknown) => {
  console.error(error)
  process.exitCode = 1
})
