import { isVeristackError } from '@veristack/core/receipt'
import fc from 'fast-check'
import {
  chainChunks,
  commitmentElements,
  elementCountOf,
  POSEIDON_TAG,
  poseidon,
  poseidonChain,
  poseidonCommitment,
  widthOf,
} from './index.ts'

const programId = `0x${'00'.repeat(15)}01${'00'.repeat(15)}02` as const
const salt = `0x00${'ab'.repeat(31)}` as const

const refused = (run: () => unknown, field: string) => {
  try {
    run()
  } catch (error) {
    expect(isVeristackError(error, 'VS_MODEL_INVALID_COMMITMENT')).toBe(true)
    expect(isVeristackError(error) && error.details.field).toBe(field)
    return
  }
  throw new Error('not refused')
}

const layouts = fc
  .record({ width: fc.integer({ min: 1, max: 64 }), signed: fc.boolean() })
  .chain(({ width, signed }) => {
    const lo = signed ? -(1n << BigInt(width - 1)) : 0n
    const hi = lo + (1n << BigInt(width)) - 1n
    const values = fc.array(fc.bigInt({ min: lo, max: hi }), { maxLength: 70 })
    return values.map((v) => ({
      width,
      signed,
      values: v,
      count: v.length,
      programId,
    }))
  })

describe('poseidon', () => {
  test('the known answer of circomlib for [1, 2]', () => {
    expect(poseidon([1n, 2n])).toBe(7853200120776062878684798364095072458815029376092732009249414926327459813530n)
  })

  test('agrees with circomlibjs at every arity', async () => {
    const { buildPoseidon } = await import('circomlibjs')
    const reference = await buildPoseidon()
    for (let arity = 1; arity <= 16; arity++) {
      const inputs = Array.from({ length: arity }, (_, i) => (1n << 247n) - BigInt(i * i + arity))
      expect(poseidon(inputs)).toBe(reference.F.toObject(reference(inputs)))
    }
  })

  test('a chain of 40 elements by circomlibjs', async () => {
    const { buildPoseidon } = await import('circomlibjs')
    const reference = await buildPoseidon()
    const all = Array.from({ length: 40 }, (_, i) => BigInt(i) ** 9n)
    const h = (xs: bigint[]): bigint => reference.F.toObject(reference(xs))
    expect(chainChunks(40)).toEqual([16, 15, 9])
    expect(poseidonChain(all)).toBe(h([h([h(all.slice(0, 16)), ...all.slice(16, 31)]), ...all.slice(31)]))
  })

  test('refuses what it does not absorb', () => {
    refused(() => poseidon([]), 'poseidon')
    refused(() => poseidon(Array.from({ length: 17 }, () => 1n)), 'poseidon')
    refused(() => poseidonChain([]), 'poseidon')
  })
})

describe('commitment', () => {
  test('the elements are tag, program, layout, salt and limbs, little-endian', () => {
    const elements = commitmentElements({
      programId,
      count: 3,
      width: 100 - 36,
      signed: true,
      salt,
      values: [-1n, 0n, 5n],
    })
    const half = 1n << 63n
    expect(elements).toEqual([
      POSEIDON_TAG,
      1n,
      2n,
      3n + (64n << 64n) + (1n << 96n),
      BigInt(salt),
      half - 1n + (half << 64n) + ((half + 5n) << 128n),
    ])
    expect(POSEIDON_TAG < 1n << 248n).toBe(true)
  })

  test('is frozen', () => {
    const values = Array.from({ length: 100 }, (_, i) => BigInt(i % 16))
    expect(
      poseidonCommitment({
        programId,
        count: 100,
        width: 4,
        signed: false,
        salt,
        values,
      }),
    ).toMatchInlineSnapshot(`"0x2f29d19d6884475275129e090a919811af43f0af3f528749a9b8497329da2a9e"`)
    expect(
      poseidonCommitment({
        programId,
        count: 0,
        width: 1,
        signed: false,
        values: [],
      }),
    ).toMatchInlineSnapshot(`"0x24f9a4839be933d248a8daa94321054a85d86f49d3ea1f0d3aa917b6fd324c9e"`)
  })

  test('an absent salt is a zero salt', () => {
    const input = {
      programId,
      count: 1,
      width: 8,
      signed: false,
      values: [7n],
    } as const
    expect(poseidonCommitment(input)).toBe(poseidonCommitment({ ...input, salt: `0x${'00'.repeat(32)}` }))
  })

  test('every element is below 2^248 and their number is known beforehand', () => {
    fc.assert(
      fc.property(layouts, (input) => {
        const elements = commitmentElements(input)
        expect(elements.length).toBe(elementCountOf(input))
        expect(elements.every((e) => e >= 0n && e < 1n << 248n)).toBe(true)
      }),
    )
  })

  test('another value, count, width, sign, program or salt is another commitment', () => {
    fc.assert(
      fc.property(layouts, fc.nat(), (input, pick) => {
        const seen = [poseidonCommitment(input)]
        const index = pick % Math.max(1, input.count)
        const changed = input.values.map((v, i) => (i === index ? (v === 0n ? -1n : 0n) : v))
        if (input.count > 0 && (input.signed || input.values[index] !== 0n))
          seen.push(poseidonCommitment({ ...input, values: changed }))
        seen.push(
          poseidonCommitment({
            ...input,
            values: [...input.values, 0n],
            count: input.count + 1,
          }),
        )
        if (input.width < 64) seen.push(poseidonCommitment({ ...input, width: input.width + 1 }))
        if (input.values.every((v) => v >= 0n && v >> BigInt(input.width - 1) === 0n)) {
          seen.push(poseidonCommitment({ ...input, signed: !input.signed }))
        }
        seen.push(
          poseidonCommitment({ ...input, programId: `0x${'11'.repeat(32)}` }),
          poseidonCommitment({ ...input, salt }),
        )
        expect(new Set(seen).size).toBe(seen.length)
      }),
      { numRuns: 40 },
    )
  })

  test('refuses values, widths, counts and salts outside the definition', () => {
    const input = {
      programId,
      count: 1,
      width: 8,
      signed: false,
      values: [0n],
    } as const
    refused(() => poseidonCommitment({ ...input, values: [256n] }), 'values[0]')
    refused(() => poseidonCommitment({ ...input, values: [-1n] }), 'values[0]')
    refused(() => poseidonCommitment({ ...input, signed: true, values: [128n] }), 'values[0]')
    refused(() => poseidonCommitment({ ...input, signed: true, values: [-129n] }), 'values[0]')
    refused(() => poseidonCommitment({ ...input, count: 2 }), 'values')
    refused(() => poseidonCommitment({ ...input, count: 0.5 }), 'count')
    refused(() => poseidonCommitment({ ...input, width: 0 }), 'width')
    refused(() => poseidonCommitment({ ...input, width: 65 }), 'width')
    refused(() => poseidonCommitment({ ...input, salt: `0x01${'00'.repeat(31)}` }), 'salt')
    expect(() => poseidonCommitment({ ...input, salt: '0x01' })).toThrow('salt')
    expect(() => poseidonCommitment({ ...input, programId: '0x01' })).toThrow('programId')
  })

  test('the error about a salt does not show it', () => {
    const secret = `0x77${'5a'.repeat(31)}` as const
    expect(() =>
      poseidonCommitment({
        programId,
        count: 0,
        width: 1,
        signed: false,
        values: [],
        salt: secret,
      }),
    ).toThrow(expect.objectContaining({ message: expect.not.stringContaining('5a5a') }))
  })
})

describe('widthOf', () => {
  test.each([
    [0n, 0n, 1, false],
    [0n, 1n, 1, false],
    [0n, 2n, 2, false],
    [3n, 255n, 8, false],
    [0n, 256n, 9, false],
    [-1n, 0n, 1, true],
    [-1n, -1n, 1, true],
    [-1n, 1n, 2, true],
    [-128n, 127n, 8, true],
    [-129n, 0n, 9, true],
    [-1n, 128n, 9, true],
  ])('%s..%s takes %s bits, signed: %s', (lo, hi, width, signed) => {
    expect(widthOf({ lo, hi })).toEqual({ width, signed })
  })

  test('is the least that holds the range', () => {
    const bound = fc.bigInt({ min: -(1n << 60n), max: 1n << 60n })
    fc.assert(
      fc.property(bound, bound, (a, b) => {
        const range = a < b ? { lo: a, hi: b } : { lo: b, hi: a }
        const { width, signed } = widthOf(range)
        const holds = (w: number) => {
          const lo = signed ? -(1n << BigInt(w - 1)) : 0n
          return w > 0 && range.lo >= lo && range.hi < lo + (1n << BigInt(w))
        }
        expect(signed).toBe(range.lo < 0n)
        expect(holds(width)).toBe(true)
        if (width > 1) expect(holds(width - 1)).toBe(false)
      }),
    )
  })

  test('refuses empty ranges and more than 64 bits', () => {
    refused(() => widthOf({ lo: 1n, hi: 0n }), 'range')
    refused(() => widthOf({ lo: 0n, hi: 1n << 64n }), 'range')
  })
})
