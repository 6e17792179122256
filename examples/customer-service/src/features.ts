import { type Digest, jsonDigest, type Tensor } from '@veristack/core'
import { fail } from './errors.ts'
import { murmur3 } from './murmur3.ts'

/** Everything that decides the features, beside the code below. Part of {@link featuriserDigest}. */
export const FEATURISER = {
  version: 'hashed-presence/1',
  features: 1024,
  normalisation: 'NFKC, then String.prototype.toLowerCase',
  word: '[\\p{L}\\p{N}]+',
  wordGrams: [1, 2],
  characterGrams: [3, 4],
  hash: 'murmur3-x86-32, seed 0, over UTF-8',
} as const

/** Longest text that is read, in UTF-16 code units. */
export const TEXT_LIMIT = 4096

const WORD = new RegExp(FEATURISER.word, 'gu')
const encoder = new TextEncoder()

/**
 * The features that the text has, ascending, each in 0..1023.
 *
 * The text is NFKC-normalised and lower-cased; its words are the runs of letters and digits. Each word gives the key
 * `w word`, each pair of neighbours `w first second`. Each word set between two spaces gives `c gram` for every 3 and 4
 * code points in a row. A key sets the feature `murmur3(UTF-8 of key) mod 1024`.
 *
 * Throws `VS_EXAMPLE_EMPTY_TEXT`, `VS_EXAMPLE_TEXT_TOO_LONG`, `VS_EXAMPLE_MALFORMED_TEXT`.
 */
export function activeFeatures(text: string): readonly number[] {
  if (text.length > TEXT_LIMIT) {
    throw fail('VS_EXAMPLE_TEXT_TOO_LONG', {
      details: { field: 'text', expected: `at most ${TEXT_LIMIT} code units`, got: text.length },
    })
  }
  if (!text.isWellFormed())
    throw fail('VS_EXAMPLE_MALFORMED_TEXT', { details: { field: 'text', expected: 'well-formed Unicode' } })
  const words = text.normalize('NFKC').toLowerCase().match(WORD)
  if (words === null)
    throw fail('VS_EXAMPLE_EMPTY_TEXT', { details: { field: 'text', expected: 'at least one letter or digit' } })
  const found = new Set<number>()
  const add = (key: string) => found.add(murmur3(encoder.encode(key)) % FEATURISER.features)
  for (const [i, word] of words.entries()) {
    add(`w ${word}`)
    if (i > 0) add(`w ${words[i - 1]} ${word}`)
    const characters = [...` ${word} `]
    for (const n of FEATURISER.characterGrams) {
      for (let at = 0; at + n <= characters.length; at++) add(`c ${characters.slice(at, at + n).join('')}`)
    }
  }
  return [...found].sort((a, b) => a - b)
}

/** float32 [1, 1024]: 1 at each of these features, 0 elsewhere. */
export function presence(features: Iterable<number>): Tensor {
  const data = new Uint8Array(4 * FEATURISER.features)
  const view = new DataView(data.buffer)
  for (const i of features) view.setFloat32(4 * i, 1, true)
  return { name: 'features', type: 'float32', shape: [1, FEATURISER.features], data }
}

/** The model's input for this text: the {@link presence} of its features. Throws as {@link activeFeatures}. */
export const featurise = (text: string): Tensor => presence(activeFeatures(text))

/** Texts whose features show that another implementation, or another engine's Unicode tables, does the same. */
export const GOLDEN_TEXTS = [
  'I still have not received my new card',
  'Why was I charged £3.50 twice?',
  'MY TOP-UP FAILED!!!',
  'ﬁnd my café’s Straße payment',
  'İstanbul ATM, ＡＢＣ １２３, x²',
  'カードが届かない 卡还没到',
  'a',
] as const

/** keccak256 of the canonical JSON of parameters, golden texts and the features that this machine finds in them. */
export function featuriserDigest(): Digest {
  return jsonDigest({ ...FEATURISER, golden: GOLDEN_TEXTS.map((text) => ({ text, features: activeFeatures(text) })) })
}
