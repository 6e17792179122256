import { parseJsonText } from './json-text.ts'

const LIMITS = { maxBytes: 1000, maxDepth: 3 }
const read = (text: string) => parseJsonText(text, 'text', LIMITS)

test.each<[string, unknown]>([
  ['{"a":{"b":1},"c":{"b":1}}', { a: { b: 1 }, c: { b: 1 } }],
  ['{"a:b,{":[1,"\\"",{}]}', { 'a:b,{': [1, '"', {}] }],
  ['{"":{"":0}}', { '': { '': 0 } }],
  [
    '[0, -1, 1.5, -0.25, 1e+21, 123456789012345, 9007199254740991]',
    [0, -1, 1.5, -0.25, 1e21, 123456789012345, 2 ** 53 - 1],
  ],
])('%s is read', (text, value) => expect(read(text)).toEqual(value))

test.each([
  ['a name twice', '{"a":1,"a":1}'],
  ['a name twice, escaped', '{"a":1,"\\u0061":1}'],
  ['a name twice, deep inside', '[{"a":{"b":1,"b":{"c":2}}}]'],
  ['a name twice in what a repeated name hides', '{"a":{"b":1,"b":2},"a":{}}'],
  ['an empty name twice', '{"":1,"":1}'],
  ['negative zero', '[-0]'],
  ['a fraction of nothing', '[1.0]'],
  ['a small exponent', '[1e3]'],
  ['a small exponent, in capitals', '[1E3]'],
  ['digits that are rounded', '[9007199254740993]'],
  ['many digits for a number that is written shorter', '[1000000000000000000000]'],
  ['nesting of four', '[[[[]]]]'],
])('%s is refused', (_, text) =>
  expect(() => read(text)).toThrow(expect.objectContaining({ code: 'VS_CORE_INVALID_DATA' })),
)

test('more values than anything has are refused', () => {
  const many = `[${'0,'.repeat(100_001)}0]`
  expect(() => parseJsonText(many, 'text', { maxBytes: 1 << 20, maxDepth: 3 })).toThrow(
    expect.objectContaining({ code: 'VS_CORE_TOO_LARGE' }),
  )
})
