import { isVeristackError, type Tensor, tensor } from '@veristack/core'
import { CanonCheck } from './canon-check.ts'

const outputs = (...values: number[]): Tensor[] => [
  tensor('logits', 'int32', [1, values.length], values),
  tensor('label', 'int32', [1], [0]),
]

const refusal = (work: () => void): unknown => {
  try {
    work()
  } catch (error) {
    return isVeristackError(error, 'VS_ONNX_CANON_MISMATCH') ? error.details : error
  }
  return undefined
}

describe('CanonCheck', () => {
  test.each([
    [1, [1, 2, 3, 4, 5, 6, 7]],
    [3, [1, 4, 7]],
    [100, [1]],
  ])('compares the first run and then one in %i', (every, expected) => {
    const check = new CanonCheck(every)
    const compared: number[] = []
    for (let run = 1; run <= 7; run++) {
      check.verify(outputs(1), () => {
        compared.push(run)
        return outputs(1)
      })
    }
    expect(compared).toEqual(expected)
  })

  test('names the first element that differs', () => {
    const check = new CanonCheck(4)
    const details = refusal(() => check.verify(outputs(1, -7, 3), () => outputs(1, -6, 4)))
    expect(details).toEqual({ field: 'output logits[1]', expected: -6n, got: -7n })
  })

  test('compares every run after one that differed', () => {
    const check = new CanonCheck(1000)
    check.verify(outputs(1), () => outputs(1))
    expect(refusal(() => new CanonCheck(1000).verify(outputs(1), () => outputs(2)))).toBeDefined()
    expect(refusal(() => check.verify(outputs(1), () => outputs(2)))).toBeUndefined()
    const failed = new CanonCheck(1000)
    for (let run = 0; run < 3; run++) expect(refusal(() => failed.verify(outputs(1), () => outputs(2)))).toBeDefined()
    failed.verify(outputs(2), () => outputs(2))
    expect(refusal(() => failed.verify(outputs(1), () => outputs(2)))).toBeDefined()
  })

  test.each<[string, Tensor[]]>([
    ['an output that is missing', outputs(1).slice(0, 1)],
    ['other types', [tensor('logits', 'int64', [1, 1], [1n]), tensor('label', 'int32', [1], [0])]],
    ['other shapes', [tensor('logits', 'int32', [1], [1]), tensor('label', 'int32', [1], [0])]],
    ['another order', outputs(1).reverse()],
  ])('refuses %s', (_, got) => {
    expect(refusal(() => new CanonCheck(1).verify(got, () => outputs(1)))).toBeDefined()
  })
})
