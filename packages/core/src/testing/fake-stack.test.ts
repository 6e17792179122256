import { numbers, tensor } from '../claim/index.ts'
import { parseReceipt, serialiseReceipt } from '../receipt/parse.ts'
import { verifyReceipt } from '../receipt/verify-receipt.ts'
import { fakeStack } from './index.ts'

const inputs = [tensor('x', 'int32', [3], [1, 2, 3])]

test('runs a job from inputs to a receipt, without keys or a chain', async () => {
  await using stack = await fakeStack()
  const job = await stack.infer({ program: stack.program, inputs, require: 'fake' })
  expect((await job.wait('executed')).outputs).toEqual({ y: [3, 5, 7] })
  const receipt = parseReceipt(serialiseReceipt(await job.wait('verified')))
  const { verifiers, anchors } = stack
  expect(await verifyReceipt(receipt, { verifiers, anchors })).toMatchObject({ status: 'accepted' })
  expect(await verifyReceipt(receipt, { verifiers })).toMatchObject({ status: 'undetermined', missing: 'anchor' })
})

test('computes what it is told', async () => {
  const compute = () => [tensor('label', 'int64', [1], [42])]
  await using stack = await fakeStack({ inputs: ['text'], compute })
  const text = [tensor('text', 'int32', [1], [7])]
  const job = await stack.infer({ program: stack.program, inputs: text, require: 'fake' })
  expect((await job.wait('executed')).tensors.map(numbers)).toEqual([[42]])
  await job.wait('verified')
})

test('settles in memory', async () => {
  await using stack = await fakeStack({ settle: true })
  const job = await stack.infer({ program: stack.program, inputs, require: 'fake', priceWei: 5n })
  const receipt = await job.wait('settled')
  expect(receipt.settlements.at(-1)?.state).toBe('accepted')
  expect(await stack.credited(stack.claimant)).toBe(5n)
  const confirm = async () => 'confirmed' as const
  const { verifiers, anchors } = stack
  expect(await verifyReceipt(receipt, { verifiers, anchors, confirm })).toMatchObject({ status: 'accepted' })
})
