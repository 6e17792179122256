import {
  type Address,
  type Call,
  isVeristackError,
  memoryBlobs,
  type Program,
  type Request,
  type Tensor,
  ZERO_ADDRESS,
} from '@veristack/core'
import { encodeProgram, type IntegerProgram, PROGRAM_MEDIA_TYPE, programId } from '@veristack/integer-model'
import { createExecutor, floatProgramId, type Limits } from './onnx.ts'
import { type OpenSession, openSession } from './session.ts'

export const NODE = `0x${'11'.repeat(20)}` as Address
const LIMITS: Limits = {
  checkEvery: 1,
  maxPrograms: 4,
  maxProgramBytes: 2 ** 24,
  maxInputBytes: 2 ** 20,
}

export const call = (signal: AbortSignal = new AbortController().signal): Call => ({
  signal,
  idempotencyKey: 'test',
  progress: () => {},
})

/** An executor over a store in memory, and the shortest way to run something on it. */
export function stage(options: { readonly limits?: Partial<Limits>; readonly open?: OpenSession } = {}) {
  const blobs = memoryBlobs()
  const { executor, stop } = createExecutor(blobs, { ...LIMITS, ...options.limits }, options.open ?? openSession)
  return {
    blobs,
    executor,
    stop,
    async integer(program: IntegerProgram): Promise<Program> {
      const blob = await blobs.put(encodeProgram(program), PROGRAM_MEDIA_TYPE)
      return { id: programId(program), semantics: 'integer/v1', blob }
    },
    async float(bytes: Uint8Array): Promise<Program> {
      const blob = await blobs.put(bytes, 'application/onnx')
      return { id: floatProgramId(bytes), semantics: 'onnx-float/v1', blob }
    },
    async run(program: Program, inputs: readonly Tensor[], signal?: AbortSignal): Promise<readonly Tensor[]> {
      // The executor does not read the request.
      const request = {} as Request
      const job = { request, node: NODE, claimant: ZERO_ADDRESS, program, inputs }
      return (await executor.execute(job, call(signal))).outputs
    },
  }
}

/** The code of the error, with the field that it names. */
export async function refusal(work: () => Promise<unknown> | unknown): Promise<string> {
  try {
    await work()
  } catch (error) {
    if (!isVeristackError(error)) return `no Veristack error: ${String(error)}`
    return [error.code, error.details.field ?? error.details.input ?? error.details.refused].join(' ').trim()
  }
  return 'nothing was thrown'
}

export type Stage = ReturnType<typeof stage>
