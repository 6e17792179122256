import { readdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { CommandIo, Tensor } from '@veristack/core'
import { type Lowered, lower, modelInputs } from '@veristack/integer-model'
import { fail } from '../errors.ts'
import { readBytes, readText, unreadable } from '../files.ts'
import { progressLine } from '../terminal/progress.ts'
import { type InputShape, parseFeeds } from './feeds.ts'

export interface ModelFiles {
  readonly model: string
  readonly calibration: string
  readonly inputBits?: number
}

export interface LoweredModel extends Lowered {
  readonly inputs: readonly InputShape[]
}

/** Reads an ONNX file and a folder of calibration inputs (`*.json`, each one or a list of inputs), and lowers. */
export async function lowerFiles(files: ModelFiles, io: CommandIo): Promise<LoweredModel> {
  const bytes = await readBytes(io.cwd, files.model)
  const inputs = modelInputs(bytes)
  const calibration = await readCalibration(files.calibration, inputs, io.cwd)
  const progress = progressLine(io)
  try {
    const lowered = await lower(bytes, {
      calibration,
      signal: io.signal,
      onProgress: (e) => progress.show(e),
      ...(files.inputBits === undefined ? {} : { inputBits: files.inputBits }),
    })
    return { ...lowered, inputs }
  } finally {
    progress.clear()
  }
}

async function readCalibration(
  folder: string,
  inputs: readonly InputShape[],
  cwd: string,
): Promise<readonly Readonly<Record<string, Tensor>>[]> {
  let names: readonly string[]
  try {
    names = (await readdir(resolve(cwd, folder))).filter((n) => n.endsWith('.json')).sort()
  } catch (cause) {
    throw unreadable(folder, cause)
  }
  if (names.length === 0)
    throw fail('VS_CLI_FILE', {
      details: { path: folder, expected: 'at least one *.json file of inputs', got: 'none' },
    })
  const samples: Readonly<Record<string, Tensor>>[] = []
  for (const name of names) {
    const path = join(folder, name)
    const feeds = parseFeeds(await readText(cwd, path), inputs, path)
    samples.push(Object.fromEntries(feeds.map((t) => [t.name, t])))
  }
  return samples
}
