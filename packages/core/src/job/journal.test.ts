import fc from 'fast-check'
import { decode, encode } from './journal.ts'

describe('records', () => {
  test('give back what was written, whatever the data looks like', () => {
    const value = fc.letrec((tie) => ({
      any: fc.oneof(
        { maxDepth: 4 },
        fc.string(),
        fc.boolean(),
        fc.constant(null),
        fc.integer(),
        fc.bigInt(),
        fc.uint8Array({ maxLength: 8 }),
        fc.array(tie('any'), { maxLength: 4 }),
        fc.dictionary(fc.oneof(fc.string(), fc.constantFrom('$n', '$b', '$$n', '$', '$$$b', 'toJSON')), tie('any'), {
          maxKeys: 4,
          noNullPrototype: true,
        }),
      ),
    })).any
    fc.assert(fc.property(value, (v) => expect(decode(encode(v))).toEqual(v)))
  })

  test.each([{ $n: '12' }, { $n: 'abc' }, { $b: '0x00ff' }, { $b: 7 }, { $$n: '1', $n: '2' }])(
    '%j is data, not a number or bytes',
    (value) => {
      expect(decode(encode({ value }))).toEqual({ value })
    },
  )

  test('a Buffer is bytes', () => {
    expect(decode(encode({ bytes: Buffer.from([1, 2]) }))).toEqual({ bytes: Uint8Array.of(1, 2) })
  })
})
