import { bytesToHex, concatBytes, hexToBytes } from '@noble/hashes/utils.js'
import fc from 'fast-check'
import { bitString, integer, octets, oid, sequence, time, tlv } from './authority.fixture.ts'
import {
  children,
  type Der,
  DerFields,
  derBitString,
  derBoolean,
  derOctets,
  derOid,
  derSignature,
  derSmall,
  derTime,
  derUnsigned,
  parseDer,
  TAG,
} from './der.ts'

const der = (hex: string): Der => parseDer(hexToBytes(hex), 'test')
const refusal = expect.objectContaining({ code: 'VS_TEE_MALFORMED', check: 'form' })
const latin = (text: string) => new TextEncoder().encode(text)

describe('known answers of X.690', () => {
  test.each([
    ['8.2.2, true', '0101ff', true],
    ['8.2.2, false', '010100', false],
  ])('boolean: %s', (_, hex, value) => expect(derBoolean(der(hex), 'test')).toBe(value))

  test('8.6.4.2: a bit string', () => {
    // '0A3B5F291CD'H, 44 bits: not whole bytes, so it can be named bits alone.
    expect(bytesToHex(derBitString(der('0307040a3b5f291cd0'), 'test', 'named'))).toBe('0a3b5f291cd0')
    expect(() => derBitString(der('0307040a3b5f291cd0'), 'test')).toThrow(refusal)
  })

  test.each([
    ['8.19.5, 2.999.3', '0603883703', '2.999.3'],
    ['1.2.840.113549', '06062a864886f70d', '1.2.840.113549'],
    ['joint-iso-itu-t', '060150', '2.0'],
    ['itu-t', '060127', '0.39'],
    ['iso', '060128', '1.0'],
    ['P-384', '06052b81040022', '1.3.132.0.34'],
  ])('object identifier: %s', (_, hex, dotted) => {
    expect(derOid(der(hex), 'test')).toBe(dotted)
    expect(bytesToHex(oid(dotted))).toBe(hex)
  })

  test.each([
    ['020100', '00'],
    ['02017f', '7f'],
    ['02020080', '80'],
    ['02020100', '0100'],
    ['020900ffffffffffffffff', 'ffffffffffffffff'],
  ])('integer %s', (hex, value) => expect(bytesToHex(derUnsigned(der(hex), 'test'))).toBe(value))

  test.each([
    [TAG.utcTime, '700101000000Z', 0n],
    [TAG.utcTime, '491231235959Z', 2_524_607_999n],
    [TAG.utcTime, '500101000000Z', -631_152_000n],
    [TAG.utcTime, '240229120000Z', 1_709_208_000n],
    [TAG.generalizedTime, '20500101000000Z', 2_524_608_000n],
    [TAG.generalizedTime, '99991231235959Z', 253_402_300_799n],
  ])('time %i %s', (tag, text, seconds) => {
    expect(derTime(parseDer(tlv(tag, latin(text)), 'test'), 'test')).toBe(seconds)
  })
})

describe('BER that is not DER is refused:', () => {
  test.each([
    ['nothing', ''],
    ['a tag alone', '30'],
    ['an indefinite length', '30800000'],
    ['the reserved length ff', '30ff'],
    ['a long form for 5', '30810502010102010100'.slice(0, 14)],
    ['a padded long form', `30820080${'00'.repeat(128)}`],
    ['a length of four bytes', '308400000001' + '00'],
    ['a tag of two bytes', '1f8100'],
    ['less than it says', '3003020101'.slice(0, 8)],
    ['a length that is cut', '3082'],
    ['one byte more', '02010100'],
    ['an end-of-contents after it', '0201010000'],
  ])('%s', (_, hex) => expect(() => der(hex)).toThrow(refusal))

  test.each<readonly [string, string, (value: Der) => unknown]>([
    ['true as 01', '010101', (v) => derBoolean(v, 't')],
    ['an empty boolean', '0100', (v) => derBoolean(v, 't')],
    ['a boolean of two bytes', '0102ffff', (v) => derBoolean(v, 't')],
    ['an empty integer', '0200', (v) => derUnsigned(v, 't')],
    ['a padded integer', '02020001', (v) => derUnsigned(v, 't')],
    ['a negative integer', '0201ff', (v) => derUnsigned(v, 't')],
    ['a negative integer, padded', '0202ff80', (v) => derUnsigned(v, 't')],
    ['an integer of another tag', '040101', (v) => derUnsigned(v, 't')],
    ['an integer above the limit', '020104', (v) => derSmall(v, 't', 3)],
    ['an integer of nine bytes', '020900ffffffffffffffff', (v) => derSmall(v, 't', 2 ** 40)],
    ['a bit string without a count', '0300', (v) => derBitString(v, 't')],
    ['a bit string with spare bits', '03020780', (v) => derBitString(v, 't')],
    ['named bits whose spare bits are set', '03020781', (v) => derBitString(v, 't', 'named')],
    ['eight spare bits', '030208ff', (v) => derBitString(v, 't', 'named')],
    ['spare bits of nothing', '030107', (v) => derBitString(v, 't', 'named')],
    ['a bit string in pieces', '23040302 0001'.replace(' ', ''), (v) => derBitString(v, 't')],
    ['bytes in pieces', '2403040101', (v) => derOctets(v, 't')],
    ['an empty object identifier', '0600', (v) => derOid(v, 't')],
    ['a padded arc', '06032a8001', (v) => derOid(v, 't')],
    ['more than 64 bytes', `0641${'2a'.repeat(65)}`, (v) => derOid(v, 't')],
    ['a cut arc', '06022a86', (v) => derOid(v, 't')],
    ['an arc beyond what numbers hold', '060c2affffffffffffffffffff7f', (v) => derOid(v, 't')],
    ['a primitive sequence', '1000', (v) => children(v, 't')],
    ['a sequence whose content is cut', '3003020201', (v) => children(v, 't')],
  ])('%s', (_, hex, read) => expect(() => read(der(hex))).toThrow(refusal))

  test.each([
    [TAG.utcTime, '7001010000Z'],
    [TAG.utcTime, '700101000000'],
    [TAG.utcTime, '700101000000+0000'],
    [TAG.utcTime, '19700101000000Z'],
    [TAG.generalizedTime, '700101000000Z'],
    [TAG.generalizedTime, '20500101000000.0Z'],
    [TAG.generalizedTime, '20500101000000'],
    [TAG.utcTime, '230229120000Z'],
    [TAG.utcTime, '231301120000Z'],
    [TAG.utcTime, '230100120000Z'],
    [TAG.utcTime, '230101240000Z'],
    [TAG.utcTime, '230101000060Z'],
    [TAG.utcTime, '23010100000aZ'],
    [TAG.utcTime, '230101000000Z\n'],
    [TAG.printable, '230101000000Z'],
  ])('time %i %j', (tag, text) => {
    expect(() => derTime(parseDer(tlv(tag, latin(text)), 'test'), 'test')).toThrow(refusal)
  })
})

test('fields are taken in order, all of them', () => {
  const fields = () => new DerFields(parseDer(sequence(integer(1), octets(Uint8Array.of(2))), 'test'), 'test')
  const some = fields()
  expect(some.optional(TAG.octetString)).toBeUndefined()
  expect(some.next('one', TAG.integer).content).toEqual(Uint8Array.of(1))
  expect(() => some.end()).toThrow(refusal)
  expect(some.optional(TAG.octetString)?.content).toEqual(Uint8Array.of(2))
  some.end()
  expect(() => some.next('three')).toThrow(refusal)
  expect(() => fields().next('one', TAG.octetString)).toThrow(refusal)
})

describe('one value, one spelling', () => {
  const again = (value: Der): Uint8Array => tlv(value.tag, value.content)

  /** Every accepted value, with everything in it where it is constructed, gives its bytes again. */
  const rewritten = (value: Der): Uint8Array => {
    if ((value.tag & 0x20) === 0) return again(value)
    return tlv(value.tag, ...children(value, 'test', value.tag).map(rewritten))
  }

  const primitive = fc.oneof(
    fc.bigInt({ min: 0n, max: 2n ** 200n }).map((n) => integer(n)),
    fc.uint8Array({ maxLength: 300 }).map((bytes) => octets(bytes)),
    fc.uint8Array({ maxLength: 20 }).map((bytes) => bitString(bytes)),
    fc.bigInt({ min: 0n, max: 4_000_000_000n }).map((seconds) => time(seconds)),
    fc.array(fc.nat(2 ** 31), { minLength: 1, maxLength: 8 }).map((arcs) => oid(['1', '3', ...arcs].join('.'))),
  )
  const tree = fc.letrec<{ readonly node: Uint8Array }>((tie) => ({
    node: fc.oneof(
      { depthSize: 'small' },
      primitive,
      fc.array(tie('node'), { maxLength: 4 }).map((parts) => sequence(...parts)),
    ),
  })).node

  const accepted = (bytes: Uint8Array): boolean => {
    let value: Der
    try {
      value = parseDer(bytes, 'test')
      expect(bytesToHex(rewritten(value))).toBe(bytesToHex(bytes))
    } catch (error) {
      expect(error).toMatchObject({ code: 'VS_TEE_MALFORMED' })
      return false
    }
    return true
  }

  test('what is written is read', () => {
    fc.assert(fc.property(tree, (bytes) => accepted(bytes)))
  })

  test('what is read, written again, is what was read', () => {
    let read = 0
    const mutated = fc
      .tuple(tree, fc.array(fc.tuple(fc.nat(60), fc.nat(255)), { maxLength: 2 }), fc.uint8Array({ maxLength: 1 }))
      .map(([bytes, changes, more]) => {
        const copy = concatBytes(bytes, more)
        for (const [at, byte] of changes) if (at < copy.length) copy[at] = byte
        return copy
      })
    fc.assert(
      fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 10 })), (bytes) => {
        if (accepted(bytes)) read += 1
      }),
      { numRuns: 2000 },
    )
    expect(read).toBeGreaterThan(100)
  })

  test('of integers', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 12 }), (content) => {
        const value = parseDer(tlv(TAG.integer, content), 'test')
        try {
          const number = BigInt(`0x${bytesToHex(derUnsigned(value, 'test'))}`)
          expect(integer(number)).toEqual(value.raw)
        } catch (error) {
          expect(error).toMatchObject({ code: 'VS_TEE_MALFORMED' })
        }
      }),
    )
  })

  test('of object identifiers', () => {
    const arc = fc.oneof(fc.nat(300), fc.nat(2 ** 31))
    fc.assert(
      fc.property(fc.nat(2), fc.nat(39), fc.array(arc, { maxLength: 10 }), (root, second, rest) => {
        const dotted = [root, second, ...rest].join('.')
        expect(derOid(parseDer(oid(dotted), 'test'), 'test')).toBe(dotted)
      }),
    )
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 10 }), (content) => {
        const value = parseDer(tlv(TAG.oid, content), 'test')
        let dotted: string
        try {
          dotted = derOid(value, 'test')
        } catch (error) {
          expect(error).toMatchObject({ code: 'VS_TEE_MALFORMED' })
          return
        }
        expect(oid(dotted)).toEqual(value.raw)
      }),
    )
  })

  test('of times', () => {
    const seconds = fc.bigInt({ min: 0n, max: 253_402_300_799n })
    fc.assert(fc.property(seconds, (at) => expect(derTime(parseDer(time(at), 'test'), 'test')).toBe(at)))
  })
})

describe('ECDSA signatures', () => {
  const size = 32
  const wide = (n: bigint) => hexToBytes(n.toString(16).padStart(2 * size, '0'))

  test('r and s get their width', () => {
    const number = fc.bigInt({ min: 1n, max: 2n ** 256n - 1n })
    fc.assert(
      fc.property(number, number, (r, s) => {
        expect(derSignature(sequence(integer(r), integer(s)), size, 'test')).toEqual(concatBytes(wide(r), wide(s)))
      }),
    )
  })

  test.each([
    ['r = 0', sequence(integer(0), integer(1))],
    ['s = 0', sequence(integer(1), integer(0))],
    ['r too wide', sequence(integer(2n ** 256n), integer(1))],
    ['r negative', sequence(hexToBytes('0201ff'), integer(1))],
    ['r padded', sequence(hexToBytes('02020001'), integer(1))],
    ['s missing', sequence(integer(1))],
    ['a third number', sequence(integer(1), integer(1), integer(1))],
    ['bytes after it', concatBytes(sequence(integer(1), integer(1)), Uint8Array.of(0))],
    ['a padded length', hexToBytes('308106020101020101')],
    ['not a sequence', integer(1)],
  ])('%s is refused', (_, bytes) => expect(() => derSignature(bytes, size, 'test')).toThrow(refusal))
})
