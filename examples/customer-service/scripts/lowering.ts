import { writeFile } from 'node:fs/promises'
import { floatReference } from '@veristack/executor-onnx'
import { type Lowered, lower, renderReport, type Sample } from '@veristack/integer-model'
import { LOWERING } from '../src/index.ts'

/** Lowers the model as the committed program was lowered, and compares it with onnxruntime's floats. */
export async function lowerModel(model: Uint8Array, calibration: readonly Sample[]): Promise<Lowered> {
  const reference = floatReference(model)
  try {
    return await lower(model, { ...LOWERING, calibration, reference })
  } finally {
    await reference.release()
  }
}

export async function writeProgram(folder: URL, { bytes, report }: Lowered): Promise<void> {
  await writeFile(new URL('intent.program', folder), bytes)
  await writeFile(new URL('lowering.txt', folder), `${renderReport(report)}\n`)
}
