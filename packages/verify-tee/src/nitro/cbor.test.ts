import { bytesToHex, concatBytes, hexToBytes } from '@noble/hashes/utils.js'
import fc from 'fast-check'
import { byteStringHead, type Cbor, decodeCbor } from './cbor.ts'
import { cbor, type Value } from './enclave.fixture.ts'

const decode = (hex: string, indefiniteMap = false) => decodeCbor(hexToBytes(hex), 'test', { indefiniteMap })

/** Appendix A of RFC 8949. */
test.each<readonly [string, Cbor]>([
  ['00', 0],
  ['17', 23],
  ['1818', 24],
  ['1864', 100],
  ['1903e8', 1000],
  ['1a000f4240', 1_000_000],
  ['1b000000e8d4a51000', 1_000_000_000_000],
  ['20', -1],
  ['3863', -100],
  ['3903e7', -1000],
  ['f6', null],
  ['40', new Uint8Array(0)],
  ['4401020304', Uint8Array.of(1, 2, 3, 4)],
  ['60', ''],
  ['6449455446', 'IETF'],
  ['62c3bc', 'ü'],
  ['64f0908591', '\u{10151}'],
  ['80', []],
  ['8301820203820405', [1, [2, 3], [4, 5]]],
  ['a0', new Map()],
  [
    'a201020304',
    new Map([
      [1, 2],
      [3, 4],
    ]),
  ],
  [
    'a26161016162820203',
    new Map<string, Cbor>([
      ['a', 1],
      ['b', [2, 3]],
    ]),
  ],
  ['1b001ffffffffffffe', Number.MAX_SAFE_INTEGER - 1],
  ['63efbbbf', '\ufeff'],
])('reads %s', (hex, value) => {
  expect(decode(hex)).toEqual({ value, length: hex.length / 2 })
})

test.each([
  ['nothing', ''],
  ['a padded number, one byte', '1817'],
  ['a padded number, two bytes', '1900ff'],
  ['a padded number, four bytes', '1a0000ffff'],
  ['a padded number, eight bytes', '1b00000000ffffffff'],
  ['a padded negative', '3817'],
  ['a padded byte string', '580101'],
  ['a padded text', '780161'],
  ['a padded array', '980100'],
  ['a padded map', 'b8010000'],
  ['an integer above 2^53 - 2', '1b001fffffffffffff'],
  ['the largest one', '1bffffffffffffffff'],
  ['a bignum', 'c249010000000000000000'],
  ['a reserved head', '1c'],
  ['an indefinite byte string', '5f4101ff'],
  ['an indefinite text', '7f6161ff'],
  ['an indefinite array', '9f01ff'],
  ['an indefinite map', 'bf0101ff'],
  ['a break alone', 'ff'],
  ['a half float', 'f93c00'],
  ['a float', 'fa3f800000'],
  ['a double', 'fb3ff0000000000000'],
  ['not a number', 'f97e00'],
  ['true', 'f5'],
  ['undefined', 'f7'],
  ['a simple value', 'e0'],
  ['null in two bytes', 'f816'],
  ['a tag', 'c100'],
  ['a key twice', 'a201010102'],
  ['a text key twice', 'a2616101616102'],
  ['bytes as a key', 'a1410100'],
  ['an array as a key', 'a18000'],
  ['null as a key', 'a1f600'],
  ['overlong UTF-8', '62c080'],
  ['a surrogate in UTF-8', '63eda080'],
  ['a cut text', '6161c3'.slice(0, 2)],
  ['a cut string', '4401'],
  ['a cut array', '8201'],
  ['a cut map', 'a101'],
  ['an array of 2^32 items', '9b0000000100000000'],
  ['four in each other', '8181818100'],
])('refuses %s', (_, hex) => {
  expect(() => decode(hex)).toThrow(expect.objectContaining({ code: 'VS_TEE_MALFORMED' }))
})

test('an indefinite map may be the outermost, where the caller allows it, and nothing in it', () => {
  expect(decode('bf0102ff', true)).toEqual({ value: new Map([[1, 2]]), length: 4 })
  expect(decode('bfff', true)).toEqual({ value: new Map(), length: 2 })
  for (const hex of ['bf01bfffff', 'a101bfff', 'bf01ff', 'bf0102', 'bf01020102ff', '81bfff'])
    expect(() => decode(hex, true)).toThrow(expect.objectContaining({ code: 'VS_TEE_MALFORMED' }))
})

const leaf = fc.oneof(
  fc.constant(null),
  fc.integer({ min: -(2 ** 33), max: 2 ** 41 }),
  fc.uint8Array({ maxLength: 300 }),
  fc.string({ unit: 'grapheme', maxLength: 40 }),
)
const flat = fc.oneof(
  leaf,
  fc.array(leaf, { maxLength: 30 }),
  fc
    .uniqueArray(fc.tuple(fc.oneof(fc.integer(), fc.string()), leaf), { selector: ([key]) => key })
    .map((rows) => new Map(rows)),
)
const value = fc.oneof(flat, fc.array(flat, { maxLength: 5 }))

test('what is written is read', () => {
  fc.assert(
    fc.property(value, (any) => {
      expect(decodeCbor(cbor(any as Value), 'test').value).toEqual(any)
    }),
  )
})

test('whatever is read, written again, is the bytes that were read', () => {
  let read = 0
  const mutated = fc
    .tuple(value, fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { maxLength: 3 }))
    .map(([any, changes]) => {
      const bytes = cbor(any as Value).slice()
      for (const [at, byte] of changes) if (at < bytes.length) bytes[at] = byte
      return bytes
    })
  fc.assert(
    fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 12 })), (bytes) => {
      let result: ReturnType<typeof decodeCbor>
      try {
        result = decodeCbor(bytes, 'test')
      } catch (error) {
        expect(error).toMatchObject({ code: 'VS_TEE_MALFORMED' })
        return
      }
      read += 1
      expect(bytesToHex(cbor(result.value as Value))).toBe(bytesToHex(bytes.subarray(0, result.length)))
    }),
    { numRuns: 2000 },
  )
  expect(read).toBeGreaterThan(100)
})

test('the head of a byte string', () => {
  for (const length of [0, 23, 24, 255, 256, 16_384, 65_535]) {
    const { value: read } = decodeCbor(concatBytes(byteStringHead(length), new Uint8Array(length)), 'test')
    expect(read).toHaveLength(length)
  }
})
