import { ELEMENT_BYTES, type ElementType, isVeristackError, type Tensor } from '@veristack/core'
import type * as Runtime from 'onnxruntime-node'
import { fail } from './errors.ts'

/** A model in onnxruntime. `run` blocks the thread while it computes and can not be interrupted. */
export interface Session {
  /** `inputs` must have been checked. Outputs come in the order of `names`. */
  run(inputs: readonly Tensor[], names: readonly string[]): Promise<readonly Tensor[]>
  release(): Promise<void>
}

export type OpenSession = (model: Uint8Array) => Promise<Session>

/** Loads onnxruntime-node at the first call. Throws `VS_ONNX_RUNTIME_MISSING` or `VS_ONNX_RUN_FAILED`. */
export const openSession: OpenSession = async (model) => {
  const runtime = await loadRuntime()
  const session = await attempt('load', () =>
    runtime.InferenceSession.create(model, {
      executionProviders: ['cpu'],
      executionMode: 'sequential',
      // Above this, onnxruntime 1.30 fuses a transpose, a cast and a batched MatMul so that loading kills the process.
      graphOptimizationLevel: 'basic',
      // One thread is faster on small models, and leaves the order of float sums alone.
      intraOpNumThreads: 1,
      interOpNumThreads: 1,
      // Fatal only: what goes wrong comes back as an error, and standard error is not ours.
      logSeverityLevel: 4,
    }),
  )
  return {
    async run(inputs, names) {
      const feeds = Object.fromEntries(inputs.map((t) => [t.name, toRuntime(runtime, t)]))
      const results = await attempt('run', () => session.run(feeds, [...names]))
      return names.map((name) => fromRuntime(name, results[name]))
    },
    release: () => session.release(),
  }
}

async function loadRuntime(): Promise<typeof Runtime> {
  try {
    const loaded: typeof Runtime & { readonly default?: typeof Runtime } = await import('onnxruntime-node')
    // A CommonJS package: where its exports can not be seen statically they are under `default`.
    return 'InferenceSession' in loaded ? loaded : (loaded as { readonly default: typeof Runtime }).default
  } catch (cause) {
    throw fail('VS_ONNX_RUNTIME_MISSING', { details: { package: 'onnxruntime-node' }, cause })
  }
}

async function attempt<T>(stage: 'load' | 'run', work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    if (isVeristackError(cause)) throw cause
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw fail('VS_ONNX_RUN_FAILED', { details: { stage, reason: reason.slice(0, 500) }, cause })
  }
}

const ARRAYS = {
  bool: Uint8Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  float32: Float32Array,
  float64: Float64Array,
} as const satisfies Record<ElementType, unknown>

// onnxruntime-node has binaries for little-endian machines only, so the bytes of a tensor are its elements.
function toRuntime(runtime: typeof Runtime, { type, data, shape }: Tensor): Runtime.Tensor {
  const owned = new Uint8Array(data)
  return new runtime.Tensor(type, new ARRAYS[type](owned.buffer), shape)
}

function fromRuntime(name: string, value: Runtime.Tensor | undefined): Tensor {
  if (value === undefined) throw invalid(name, 'a tensor', 'nothing')
  const { type, data, dims } = value
  if (!isElementType(type) || !ArrayBuffer.isView(data)) throw invalid(name, Object.keys(ARRAYS).join(' | '), type)
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  return { name, type, shape: [...dims], data: Uint8Array.from(bytes) }
}

const isElementType = (type: string): type is ElementType => Object.hasOwn(ELEMENT_BYTES, type)

const invalid = (output: string, expected: string, got: string) =>
  fail('VS_ONNX_INVALID_OUTPUT', { details: { field: `output ${output}`, expected, got } })
