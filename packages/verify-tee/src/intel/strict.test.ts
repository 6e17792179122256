import { count, hex, listOf, listOrNone, literal, type Read, record, textLike } from './strict.ts'

const refusal = (detail: string) => expect.objectContaining({ code: 'VS_TEE_MALFORMED', detail })
const shape = record({
  id: literal('A', 'B'),
  size: count(9),
  bytes: hex(2),
  words: listOrNone(listOf(textLike(/^[a-z]+$/, 'a word'), 1, 2)),
})
const good = { id: 'A', size: 9, bytes: 'AB01', words: ['x', 'y'] }

test('what has the form is read, and a list that may be left away is empty without it', () => {
  expect(shape(good, 'it')).toEqual({ ...good, bytes: 'ab01' })
  const { words, ...less } = good
  expect(shape(less, 'it')).toEqual({ ...less, bytes: 'ab01', words: [] })
})

test.each<[string, unknown, string]>([
  ['a list', [good], 'it: expected an object, got a list of 1'],
  ['nothing', undefined, 'it: expected an object, got nothing'],
  ['null', null, 'it: expected an object, got null'],
  ['another key', { ...good, more: 1 }, 'it: expected no keys but id, size, bytes, words, got the key "more"'],
  [
    'a key of every object',
    { ...good, constructor: 1 },
    'it: expected no keys but id, size, bytes, words, got the key "constructor"',
  ],
  ['a missing key', { ...good, size: undefined }, 'it.size: expected a whole number from 0 to 9, got nothing'],
  ['another literal', { ...good, id: 'C' }, 'it.id: expected "A" or "B", got "C"'],
  ['a number above the limit', { ...good, size: 10 }, 'it.size: expected a whole number from 0 to 9, got 10'],
  ['a negative number', { ...good, size: -1 }, 'it.size: expected a whole number from 0 to 9, got -1'],
  ['a fraction', { ...good, size: 0.5 }, 'it.size: expected a whole number from 0 to 9, got 0.5'],
  ['a number as text', { ...good, size: '1' }, 'it.size: expected a whole number from 0 to 9, got "1"'],
  ['too few bytes', { ...good, bytes: 'ab' }, 'it.bytes: expected 2 bytes in hexadecimal, got "ab"'],
  ['no hexadecimal', { ...good, bytes: 'abcg' }, 'it.bytes: expected 2 bytes in hexadecimal, got "abcg"'],
  ['an empty list', { ...good, words: [] }, 'it.words: expected a list of 1 to 2, got a list of 0'],
  ['a long list', { ...good, words: ['a', 'b', 'c'] }, 'it.words: expected a list of 1 to 2, got a list of 3'],
  ['null for a list', { ...good, words: null }, 'it.words: expected a list of 1 to 2, got null'],
  ['another item', { ...good, words: ['a', 'B'] }, 'it.words.1: expected a word, got "B"'],
])('%s is refused', (_, value, detail) => {
  const read: Read<unknown> = shape
  expect(() => read(value, 'it')).toThrow(refusal(detail))
})
