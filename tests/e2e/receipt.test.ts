// The whole walk of one claim, with real plugins: text → features → onnxruntime → claim → SNARK → verdict → chain → receipt.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createStack, isVeristackError, type Published, type Receipt, type Stack, tensor } from '@veristack/core'
import {
  type AnchorSet,
  parseReceipt,
  type ReceiptVerdict,
  serialiseReceipt,
  verifyReceipt,
} from '@veristack/core/receipt'
import { receiptMutations } from '@veristack/core/testing'
import { onnx } from '@veristack/executor-onnx'
import { decodeProgram, interpret, programId, quantiseInputs } from '@veristack/integer-model'
import { evm } from '@veristack/settlement-evm'
import { zkml } from '@veristack/verify-zkml'
import { verifiers } from '@veristack/verify-zkml/verify'
import { type Example, loadExample } from '@veristack-examples/customer-service'

const TEXT = 'I still have not received my new card'

describe('from a question to a receipt', () => {
  let example: Example
  let stack: Stack
  let published: Published
  let receipt: Receipt
  let label = -1

  const publishable = () => ({
    id: programId(decodeProgram(example.program)),
    semantics: 'integer/v1',
    bytes: example.program,
  })
  const judge = (r: Receipt, anchors?: AnchorSet): Promise<ReceiptVerdict> =>
    verifyReceipt(r, { verifiers, ...(anchors === undefined ? {} : { anchors }) })

  beforeAll(async () => {
    example = await loadExample()
    stack = await createStack({ plugins: [onnx(), zkml({ keys: 'development' }), evm({ network: 'local' })] })
    published = await stack.publish(publishable())
    const job = await stack.infer({
      program: published.program,
      inputs: [example.featurise(TEXT)],
      require: 'zkml',
      priceWei: 1_000_000n,
      application: example.application,
    })
    label = (await job.wait('executed')).outputs.label?.[0] ?? -1
    receipt = await job.wait('settled')
  }, 240_000)
  afterAll(() => stack.close())

  test('the answer is the interpreter’s, and the intent is the one asked about', () => {
    const program = decodeProgram(example.program)
    const expected = interpret(program, quantiseInputs(program, [example.featurise(TEXT)]))
    expect(receipt.outputs).toEqual(expected)
    expect(example.labels[label]?.intent).toBe('card_arrival')
  })

  test('is accepted under its anchors, after a round trip through text', async () => {
    const read = parseReceipt(serialiseReceipt(receipt))
    expect(read).toEqual(receipt)
    const verdict = await judge(read, published.anchors)
    expect(verdict).toMatchObject({ status: 'accepted' })
    expect(verdict.covers).toEqual(receipt.signed.outputs)
    expect(verdict.settlements.map((s) => s.status)).toContain('undetermined: chain')
  })

  test('without anchors it is undetermined', async () => {
    expect(await judge(receipt)).toMatchObject({ status: 'undetermined', missing: 'anchor' })
  })

  test('a change in every decoded field is refused', async () => {
    const accepted: string[] = []
    let tried = 0
    for (const { path, receipt: changed } of receiptMutations(receipt)) {
      if (path.startsWith('settlements')) continue
      tried += 1
      try {
        const verdict = await judge(parseReceipt(serialiseReceipt(changed)), published.anchors)
        if (verdict.status === 'accepted') accepted.push(path)
      } catch (error) {
        if (!isVeristackError(error)) throw error
      }
    }
    expect(accepted).toEqual([])
    expect(tried).toBeGreaterThan(60)
  }, 120_000)

  test('a self-consistent receipt under somebody else’s key is refused', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'veristack-attacker-'))
    try {
      await using attacker = await createStack({
        plugins: [onnx(), zkml({ keys: 'development', cacheDirectory: directory })],
      })
      const theirs = await attacker.publish(publishable())
      const job = await attacker.infer({ program: theirs.program, inputs: [example.featurise(TEXT)], require: 'zkml' })
      const forged = await job.wait('verified')
      expect(await judge(forged, theirs.anchors)).toMatchObject({ status: 'accepted' })
      expect(await judge(forged, published.anchors)).toMatchObject({ status: 'rejected' })
    } finally {
      await rm(directory, { recursive: true, force: true })
    }
  }, 240_000)

  test('wrong inputs are refused by name before anything runs', async () => {
    const infer = (inputs: Parameters<Stack['infer']>[0]['inputs']) =>
      stack.infer({ program: published.program, inputs, require: 'zkml' })
    await expect(infer([])).rejects.toThrow(/features/)
    await expect(infer([tensor('features', 'float32', [1, 2], [0, 0])])).rejects.toThrow(/features/)
    await expect(infer([tensor('other', 'float32', [1], [0])])).rejects.toThrow(/other|features/)
  })
})
