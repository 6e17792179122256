import { interfaceOf } from '@veristack/chain-evm'
import type { FoundInputs, InputSource, PlacedRequest } from '@veristack/settlement-evm'
import { helpDeskAbi } from './bindings/HelpDesk.ts'
import type { Model } from './model.ts'

/** The words of a question, which the desk emits with it. */
export async function wordsOf({ request }: PlacedRequest, source: InputSource): Promise<string> {
  const abi = await interfaceOf(helpDeskAbi)
  for (const log of await source.logs()) {
    if (log.address !== request.payer) continue
    const event = abi.parseLog({ topics: [...log.topics], data: log.data })
    if (event?.name === 'Asked' && event.args.request === request.id) return String(event.args.words)
  }
  throw new Error(`no help desk asked ${request.id}`)
}

/** The inputs of a question: the features of its words. */
export const inputsOf =
  ({ featurise }: Model) =>
  async (placed: PlacedRequest, source: InputSource): Promise<FoundInputs> => ({
    inputs: [featurise(await wordsOf(placed, source))],
  })
