import { isVeristackError, type Settler } from '@veristack/core'
import { evm, orderOf, placeRequest, refund } from './index.ts'
import { answering, call, scene, started } from './toy-tier.fixture.ts'

const plugin = evm({ network: 'local' })
let settler: Settler
beforeAll(async () => {
  settler = await started(plugin)
})
afterAll(() => plugin.stop?.())

const refused = async (work: Promise<unknown>): Promise<string> => {
  const error = await work.catch((e: unknown) => e)
  if (!isVeristackError(error, 'VS_EVM_REVERTED')) throw error
  return error.message
}

test('a refusal names its arguments, and states in words', async () => {
  const { escrow, job } = await scene(settler, plugin.client().chain, answering(2), 1)
  const order = orderOf(escrow)
  const { id } = escrow.request
  expect(await refused(refund(plugin.client(), { order }))).toContain(`arguments: id: ${id}, actual: None\n`)
  await settler.prepare(escrow, call())
  await settler.settle(await job(7), call())
  expect(await refused(refund(plugin.client(), { order }))).toContain(`arguments: id: ${id}, actual: Delivered\n`)
})

test('a refused time comes with the time of the chain', async () => {
  const { chain } = plugin.client()
  const { escrow } = await scene(settler, chain, answering(2), 2)
  const { requirement, policies } = escrow
  const { request, ...order } = orderOf(escrow)
  const late = { ...order, request: { ...request, expiresAt: 7n } }
  const message = await refused(placeRequest(plugin.client(), { order: late, requirement, policies }))
  expect(message).toContain('arguments: expiresAt: 7\n')
  expect(message).toContain(`chainTime: ${(await chain.now()).timestamp}\n`)
})
