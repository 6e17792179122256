import fc from 'fast-check'
import { commitmentsDigest, openRaw, RAW_LIMIT, rawCommitment } from './commitment.ts'
import {
  bigints,
  checkTensor,
  checkTensorName,
  ELEMENT_BYTES,
  type ElementType,
  integerRange,
  isIntegerType,
  isTensorName,
  numbers,
  type Tensor,
  tensor,
} from './tensor.ts'
import { parseTensorSpec, parseTensorSpecs, tensorSpec, tensorSpecs } from './tensor-spec.ts'

const TYPES = Object.keys(ELEMENT_BYTES) as ElementType[]
const INTEGERS = TYPES.filter(isIntegerType)

const integers = fc.constantFrom(...INTEGERS).chain((type) => {
  const [min, max] = integerRange(type)
  return fc.record({
    type: fc.constant(type),
    values: fc.array(fc.oneof(fc.constantFrom(min, max), fc.bigInt({ min, max })), { maxLength: 40 }),
  })
})

const refused = (act: () => unknown, code = 'VS_CORE_INVALID_DATA') => {
  let caught: unknown
  try {
    act()
  } catch (error) {
    caught = error
  }
  expect(caught).toMatchObject({ code })
}

test('integers come back as they went in, also through raw/v1', () => {
  fc.assert(
    fc.property(integers, ({ type, values }) => {
      const t = tensor('x', type, [values.length], values)
      expect(bigints(t)).toEqual(values)
      expect(openRaw(rawCommitment(t))).toEqual(values)
    }),
  )
})

test('raw/v1 does not depend on the element type, so a contract reads one form', () => {
  expect(rawCommitment(tensor('x', 'int8', [1], [-1]))).toBe(`0x${'ff'.repeat(32)}`)
  expect(rawCommitment(tensor('x', 'int64', [1], [-1n]))).toBe(`0x${'ff'.repeat(32)}`)
  expect(rawCommitment(tensor('x', 'uint64', [1], [2n ** 64n - 1n]))).toBe(`0x${'00'.repeat(24)}${'ff'.repeat(8)}`)
})

test('a value one outside the range of its type is refused', () => {
  for (const type of INTEGERS) {
    const [min, max] = integerRange(type)
    refused(() => tensor('x', type, [1], [min - 1n]))
    refused(() => tensor('x', type, [1], [max + 1n]))
    refused(() => tensor('x', type, [1], [0.5]))
    refused(() => tensor('x', type, [1], [Number.NaN]))
    refused(() => tensor('x', type, [1], [Number.POSITIVE_INFINITY]))
  }
})

test('floats come back bit for bit', () => {
  fc.assert(
    fc.property(fc.array(fc.double()), (values) => {
      expect(numbers(tensor('x', 'float64', [values.length], values))).toEqual(values)
    }),
  )
  fc.assert(
    fc.property(fc.array(fc.float()), (values) => {
      expect(numbers(tensor('x', 'float32', [values.length], values))).toEqual(values)
    }),
  )
})

test('elements are little-endian and row-major', () => {
  expect([...tensor('x', 'int16', [2, 1], [1, -2]).data]).toEqual([1, 0, 0xfe, 0xff])
})

test('reads data that lies inside a larger buffer', () => {
  const large = new Uint8Array(12)
  large.set([7, 0, 0, 0], 5)
  expect(bigints({ name: 'x', type: 'int32', shape: [1], data: large.subarray(5, 9) })).toEqual([7n])
})

test.each<[string, Partial<Record<keyof Tensor, unknown>>]>([
  ['too few bytes', { data: new Uint8Array(3) }],
  ['too many bytes', { data: new Uint8Array(5) }],
  ['an unknown type', { type: 'int4' }],
  ['a type from the prototype', { type: 'toString' }],
  ['a negative dimension', { shape: [-1] }],
  ['a fractional dimension', { shape: [0.5, 2] }],
  ['a dimension of 2^31', { shape: [2 ** 31] }],
  ['nine dimensions', { shape: Array(9).fill(1) }],
  ['another shape', { shape: [2] }],
])('%s is refused', (_, change) => {
  const t = { name: 'x', type: 'int32', shape: [1], data: new Uint8Array(4), ...change } as Tensor
  refused(() => checkTensor(t))
})

test('a bool is 0 or 1', () => {
  expect(bigints(tensor('x', 'bool', [2], [true, false]))).toEqual([1n, 0n])
  refused(() => checkTensor({ name: 'x', type: 'bool', shape: [1], data: Uint8Array.of(2) }))
})

test('64-bit integers that a number can not hold are refused as numbers', () => {
  refused(() => numbers(tensor('x', 'int64', [1], [2n ** 53n])))
  expect(numbers(tensor('x', 'int64', [1], [2n ** 53n - 1n]))).toEqual([2 ** 53 - 1])
})

test('raw/v1 takes no floats and no more than its limit', () => {
  refused(() => rawCommitment(tensor('x', 'float32', [1], [1])))
  const many = (n: number) => tensor('x', 'uint8', [n], new Uint8Array(n))
  expect(openRaw(rawCommitment(many(RAW_LIMIT)))).toHaveLength(RAW_LIMIT)
  refused(() => rawCommitment(many(RAW_LIMIT + 1)), 'VS_CORE_TOO_LARGE')
})

test('raw bytes that are not whole words open to nothing', () => {
  expect(openRaw('0x00')).toBeUndefined()
  expect(openRaw(`0x${'00'.repeat(33)}`)).toBeUndefined()
  expect(openRaw('0x')).toEqual([])
})

test('every field of every commitment, and their order, is in the digest', () => {
  const entry = fc.record({
    tensor: fc.string({ unit: 'grapheme' }),
    scheme: fc.string({ unit: 'grapheme' }),
    value: fc.uint8Array({ maxLength: 40 }).map((b) => `0x${Buffer.from(b).toString('hex')}` as const),
  })
  const list = fc.array(entry, { maxLength: 4 })
  fc.assert(
    fc.property(list, list, (a, b) => {
      expect(commitmentsDigest(a) === commitmentsDigest(b)).toBe(JSON.stringify(a) === JSON.stringify(b))
    }),
  )
})

test('names with a lone surrogate have no digest', () => {
  refused(() => commitmentsDigest([{ tensor: '\ud800', scheme: 'raw/v1', value: '0x' }]))
  refused(() => commitmentsDigest([{ tensor: 'x', scheme: '\udfff', value: '0x' }]))
})

describe('names and specs', () => {
  const good = [
    'x',
    'input_1:0',
    'a/b.c[0]',
    'int32[1]:x',
    'serving default:0',
    ':',
    '[',
    '尺寸',
    'é'.repeat(128),
    'a'.repeat(256),
  ]
  const bad = [
    '',
    ' ',
    ' x',
    'x ',
    '\u00a0x',
    'x\u2028',
    'a,b',
    'a\nb',
    'a\u0000',
    'a\u0085',
    'a\ud800',
    'é'.repeat(129),
    'a'.repeat(257),
  ]

  test.each(good)('takes %j', (name) => {
    expect(checkTensorName(name)).toBe(name)
    const t = tensor(name, 'int8', [], [1])
    expect(parseTensorSpec(tensorSpec(t))).toEqual({ name, type: 'int8', shape: [] })
  })

  test.each(bad)('refuses %j', (name) => {
    refused(() => checkTensorName(name))
    refused(() => tensor(name, 'int8', [], [1]))
    refused(() => parseTensorSpec(`int8[]:${name}`))
  })

  test('a list of specs is read back as it was', () => {
    const specs = fc.record({
      name: fc.oneof(fc.constantFrom(...good), fc.string({ minLength: 1, maxLength: 20 }).filter(isTensorName)),
      type: fc.constantFrom(...TYPES),
      shape: fc.array(fc.nat({ max: 0x7fffffff }), { maxLength: 8 }),
    })
    fc.assert(
      fc.property(fc.array(specs, { minLength: 1, maxLength: 4 }), (list) => {
        expect(parseTensorSpecs(tensorSpecs(list))).toEqual(list)
      }),
    )
  })

  test.each([
    '',
    'x',
    'x:int32[1]',
    'int32:x',
    'int32[1]x',
    'int32[01]:x',
    'int32[1x]:x',
    'int32[x1]:x',
    'int32[-1]:x',
    'int32[1, 2]:x',
    'int32[2147483648]:x',
    'int32[1x1x1x1x1x1x1x1x1]:x',
    'int33[1]:x',
    'toString[1]:x',
    'INT32[1]:x',
    ' int32[1]:x',
    'int32[1]:x,int32[1]:y',
  ])('%j is no spec', (text) => {
    refused(() => parseTensorSpec(text))
  })
})
