import { isVeristackError, numbers } from '@veristack/core'
import fc from 'fast-check'
import { activeFeatures, FEATURISER, featurise, featuriserDigest, GOLDEN_TEXTS, TEXT_LIMIT } from './features.ts'
import { TRAINED_WITH } from './index.ts'
import { murmur3 } from './murmur3.ts'

const codeOf = (work: () => unknown): string => {
  try {
    work()
  } catch (error) {
    return isVeristackError(error) ? error.code : String(error)
  }
  return 'nothing was thrown'
}

describe('murmur3', () => {
  // Published results of MurmurHash3_x86_32.
  test.each([
    ['', 0, 0],
    ['', 1, 0x514e28b7],
    ['', 0xffffffff, 0x81f16f39],
    ['hello', 0, 0x248bfa47],
    ['hello, world', 0, 0x149bbb7f],
    ['The quick brown fox jumps over the lazy dog', 0, 0x2e4ff723],
  ])('%j with seed %i', (text, seed, expected) => {
    expect(murmur3(new TextEncoder().encode(text), seed)).toBe(expected)
  })
})

describe('the featuriser', () => {
  test('is the one that the model was trained with', () => {
    expect(featuriserDigest()).toBe(TRAINED_WITH)
  })

  test('finds what its description says, key by key', () => {
    const feature = (key: string) => murmur3(new TextEncoder().encode(key)) % 1024
    const keys = [
      'w my',
      'w my pin',
      'w pin',
      'c  my',
      'c my ',
      'c  my ',
      'c  pi',
      'c pin',
      'c in ',
      'c  pin',
      'c pin ',
    ]
    expect(activeFeatures('My PIN?')).toEqual([...new Set(keys.map(feature))].sort((a, b) => a - b))
  })

  test('reads compatibility forms and cases as one', () => {
    expect(activeFeatures('ＣＡＲＤ ﬁne')).toEqual(activeFeatures('card fine'))
  })

  test('tells golden texts apart', () => {
    expect(new Set(GOLDEN_TEXTS.map((t) => activeFeatures(t).join())).size).toBe(GOLDEN_TEXTS.length)
  })

  test('gives zeros and ones, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), (text) => {
        fc.pre(/[\p{L}\p{N}]/u.test(text.normalize('NFKC')))
        const tensor = featurise(text)
        expect(tensor).toMatchObject({ name: 'features', type: 'float32', shape: [1, FEATURISER.features] })
        const ones = numbers(tensor).flatMap((x, i) => (x === 0 ? [] : [x === 1 ? i : Number.NaN]))
        expect(ones).toEqual(activeFeatures(text))
      }),
    )
  })

  test.each([
    ['empty text', '', 'VS_EXAMPLE_EMPTY_TEXT'],
    ['white space', ' \n\t ', 'VS_EXAMPLE_EMPTY_TEXT'],
    ['punctuation', '?!', 'VS_EXAMPLE_EMPTY_TEXT'],
    ['a lone surrogate', 'card \ud800', 'VS_EXAMPLE_MALFORMED_TEXT'],
    ['too long a text', 'a'.repeat(TEXT_LIMIT + 1), 'VS_EXAMPLE_TEXT_TOO_LONG'],
  ])('refuses %s', (_, text, code) => {
    expect(codeOf(() => featurise(text))).toBe(code)
  })
})
