import fc from 'fast-check'
import { canonicalJson, type Json } from './json.ts'

// RFC 8785, appendix B: IEEE 754 bits and the text that they have.
test.each([
  ['0000000000000000', '0'],
  ['8000000000000000', '0'],
  ['0000000000000001', '5e-324'],
  ['8000000000000001', '-5e-324'],
  ['7fefffffffffffff', '1.7976931348623157e+308'],
  ['ffefffffffffffff', '-1.7976931348623157e+308'],
  ['4340000000000000', '9007199254740992'],
  ['c340000000000000', '-9007199254740992'],
  ['4430000000000000', '295147905179352830000'],
  ['44b52d02c7e14af5', '9.999999999999997e+22'],
  ['44b52d02c7e14af6', '1e+23'],
  ['44b52d02c7e14af7', '1.0000000000000001e+23'],
  ['444b1ae4d6e2ef4e', '999999999999999700000'],
  ['444b1ae4d6e2ef4f', '999999999999999900000'],
  ['444b1ae4d6e2ef50', '1e+21'],
  ['3eb0c6f7a0b5ed8c', '9.999999999999997e-7'],
  ['3eb0c6f7a0b5ed8d', '0.000001'],
  ['41b3de4355555553', '333333333.3333332'],
  ['41b3de4355555554', '333333333.33333325'],
  ['41b3de4355555555', '333333333.3333333'],
  ['41b3de4355555556', '333333333.3333334'],
  ['41b3de4355555557', '333333333.33333343'],
  ['becbf647612f3696', '-0.0000033333333333333333'],
  ['43143ff3c1cb0959', '1424953923781206.2'],
])('the number with bits %s is %s', (bits, text) => {
  expect(canonicalJson(Buffer.from(bits, 'hex').readDoubleBE())).toBe(text)
})

test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])('%s has no text', (n) => {
  expect(() => canonicalJson({ a: [n] })).toThrow(expect.objectContaining({ code: 'VS_CORE_INVALID_DATA' }))
})

// RFC 8785, section 3.2.2.
test('the sample of section 3.2.2', () => {
  const text = String.raw`{
    "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
    "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
    "literals": [null, true, false]
  }`
  expect(canonicalJson(JSON.parse(text))).toBe(
    String.raw`{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}`,
  )
})

// RFC 8785, section 3.2.3: by UTF-16 code units, so that the emoji (a surrogate pair) precedes U+FB33.
test('names are sorted as in section 3.2.3', () => {
  const value = {
    '\u20ac': 'Euro Sign',
    '\r': 'Carriage Return',
    '\ufb33': 'Hebrew Letter Dalet With Dagesh',
    '1': 'One',
    '\ud83d\ude00': 'Emoji: Grinning Face',
    '\u0080': 'Control',
    '\u00f6': 'Latin Small Letter O With Diaeresis',
  }
  const names = Object.keys(JSON.parse(canonicalJson(value)))
  expect(names).toEqual(['1', '\r', '\u0080', '\u00f6', '\u20ac', '\ud83d\ude00', '\ufb33'])
})

test.each(['\ud800', '\udc00x', 'a\ud83d'])('a lone surrogate has no text (%#)', (text) => {
  for (const value of [text, { [text]: 1 }, [text]]) {
    expect(() => canonicalJson(value)).toThrow(expect.objectContaining({ code: 'VS_CORE_INVALID_DATA' }))
  }
})

const json = fc
  .jsonValue({ maxDepth: 4 })
  .filter((v) => JSON.stringify(v).isWellFormed() && !/\\ud[89a-f]/.test(JSON.stringify(v)))

test('canonical text is JSON of the same value, and its own canonical text', () => {
  fc.assert(
    fc.property(json, (value) => {
      const text = canonicalJson(value as Json)
      const again: Json = JSON.parse(text)
      expect(again).toEqual(JSON.parse(JSON.stringify(value)))
      expect(canonicalJson(again)).toBe(text)
    }),
  )
})

test('the order of members does not matter', () => {
  const reverse = (v: unknown): unknown =>
    Array.isArray(v)
      ? v.map(reverse)
      : typeof v === 'object' && v !== null
        ? Object.fromEntries(
            Object.entries(v)
              .reverse()
              .map(([k, x]) => [k, reverse(x)]),
          )
        : v
  fc.assert(
    fc.property(json, (value) => {
      expect(canonicalJson(reverse(value) as Json)).toBe(canonicalJson(value as Json))
    }),
  )
})
