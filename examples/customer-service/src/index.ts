import { readFile } from 'node:fs/promises'
import { type Digest, type Json, jsonDigest, type Tensor } from '@veristack/core'
import type { LowerOptions, Sample } from '@veristack/integer-model'
import { fail } from './errors.ts'
import { FEATURISER, featurise, featuriserDigest, presence } from './features.ts'

export {
  activeFeatures,
  FEATURISER,
  featurise,
  featuriserDigest,
  GOLDEN_TEXTS,
  presence,
  TEXT_LIMIT,
} from './features.ts'

/** The features on which the committed model was trained. */
export const TRAINED_WITH = '0x4a43630da87fe32f343cf9b78947c26ff3bf6a4aadf4167de0eb8f66266de15e' as Digest

/**
 * How the committed program was lowered. Chosen on the validation rows, with a model that had not seen them: the fewest
 * bits that cost no accuracy, because the narrower a value is, the fewer constraints its comparison takes.
 */
export const LOWERING = { weightBits: 6, activationBits: 6, inputBits: 1 } as const satisfies Partial<LowerOptions>

export interface Label {
  /** The name in BANKING77. */
  readonly intent: string
  /** The same for people. */
  readonly title: string
}

export interface Example {
  /** `intent.onnx`: input `features` float32 [1, 1024]; outputs `logits` float32 [1, 77] and `label` int64 [1]. */
  readonly model: Uint8Array
  /** `intent.program`: the integer program that was lowered from the model, as `decodeProgram` reads it. */
  readonly program: Uint8Array
  /** By the value of `label`. */
  readonly labels: readonly Label[]
  /** The samples by which the program's ranges were set. */
  readonly calibration: readonly Sample[]
  /** The application's part of a request's terms: which featuriser made the inputs, and what the labels mean. */
  readonly application: Json
  /** Throws `VS_EXAMPLE_EMPTY_TEXT`, `VS_EXAMPLE_TEXT_TOO_LONG` or `VS_EXAMPLE_MALFORMED_TEXT`. */
  featurise(text: string): Tensor
}

const MODEL = new URL('../model/', import.meta.url)

/** Throws `VS_EXAMPLE_FEATURISER_DIFFERS` or `VS_EXAMPLE_MODEL_DAMAGED`. */
export async function loadExample(): Promise<Example> {
  const digest = featuriserDigest()
  if (digest !== TRAINED_WITH) {
    throw fail('VS_EXAMPLE_FEATURISER_DIFFERS', {
      details: { field: 'featuriser', expected: TRAINED_WITH, got: digest, unicode: process.versions.unicode },
    })
  }
  const [model, program, labels, calibration] = await Promise.all([
    read('intent.onnx'),
    read('intent.program'),
    readJson('labels.json').then(parseLabels),
    readJson('calibration.json').then(parseCalibration),
  ])
  const named = labels.map(({ intent, title }) => ({ intent, title }))
  return {
    model,
    program,
    labels,
    calibration,
    application: { featuriser: { version: FEATURISER.version, digest }, labels: jsonDigest(named) },
    featurise,
  }
}

async function read(name: string): Promise<Uint8Array> {
  try {
    return new Uint8Array(await readFile(new URL(name, MODEL)))
  } catch (cause) {
    throw fail('VS_EXAMPLE_MODEL_DAMAGED', { details: { file: `model/${name}`, expected: 'a readable file' }, cause })
  }
}

async function readJson(name: string): Promise<unknown> {
  const text = new TextDecoder().decode(await read(name))
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw fail('VS_EXAMPLE_MODEL_DAMAGED', { details: { file: `model/${name}`, expected: 'JSON' }, cause })
  }
}

function parseLabels(value: unknown): readonly Label[] {
  if (!Array.isArray(value) || !value.every(isLabel)) {
    throw fail('VS_EXAMPLE_MODEL_DAMAGED', {
      details: { file: 'model/labels.json', expected: 'a list of { intent, title }' },
    })
  }
  return value
}

const isLabel = (value: unknown): value is Label =>
  typeof value === 'object' &&
  value !== null &&
  'intent' in value &&
  typeof value.intent === 'string' &&
  'title' in value &&
  typeof value.title === 'string'

function parseCalibration(value: unknown): readonly Sample[] {
  if (!Array.isArray(value) || !value.every(isFeatureList)) {
    throw fail('VS_EXAMPLE_MODEL_DAMAGED', {
      details: { file: 'model/calibration.json', expected: `lists of features below ${FEATURISER.features}` },
    })
  }
  return value.map((active) => ({ features: presence(active) }))
}

const isFeatureList = (value: unknown): value is readonly number[] =>
  Array.isArray(value) && value.every((i) => Number.isInteger(i) && i >= 0 && i < FEATURISER.features)
