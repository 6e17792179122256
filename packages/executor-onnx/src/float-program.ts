import { checkTensor, elementCount, isIntegerType, numbers, type Tensor } from '@veristack/core'
import type { Sample } from '@veristack/integer-model'
import { fail } from './errors.ts'
import { guardModel, type Port, type Signature } from './guard.ts'
import { type LoadedProgram, lazily } from './loaded.ts'
import { type OpenSession, openSession } from './session.ts'

const DEFAULT_MAX_BYTES = 256 * 1024 * 1024

/** `bytes` have been checked against the program's id. Throws what {@link guardModel} throws. */
export function loadFloatProgram(
  bytes: Uint8Array,
  open: OpenSession,
  options: { readonly maxBytes: number },
): LoadedProgram {
  return floatProgram(bytes, guardModel(bytes, options), open)
}

function floatProgram(
  bytes: Uint8Array,
  { inputs: takes, outputs: gives }: Signature,
  open: OpenSession,
): LoadedProgram {
  const session = lazily(() => open(bytes))
  const names = gives.map((p) => p.name)
  return {
    prepare: (inputs) => matchInputs(takes, inputs),
    async run(inputs, signal) {
      const prepared = matchInputs(takes, inputs)
      const running = await session.get()
      signal.throwIfAborted()
      const outputs = await running.run(prepared, names)
      for (const [i, port] of gives.entries()) checkOutput(port, outputs[i])
      return outputs
    },
    release: async () => (await session.peek()?.catch(() => undefined))?.release(),
  }
}

/** A float model as a plain function of inputs by name. `release` gives back the memory that onnxruntime holds. */
export interface FloatReference {
  (inputs: Sample): Promise<readonly Tensor[]>
  release(): Promise<void>
}

/**
 * Runs an ONNX file as it is, with the checks that the executor makes: the `reference` of a lowering report. The first
 * call loads onnxruntime. Throws what {@link guardModel} throws at once; a call throws `VS_ONNX_INVALID_INPUT`,
 * `VS_ONNX_RUN_FAILED` or `VS_ONNX_INVALID_OUTPUT`.
 */
export function floatReference(model: Uint8Array): FloatReference {
  const bytes = Uint8Array.from(model)
  const program = floatProgram(bytes, guardModel(bytes, { maxBytes: DEFAULT_MAX_BYTES }), openSession)
  const { signal } = new AbortController()
  const run = (inputs: Sample) =>
    program.run(
      Object.entries(inputs).map(([name, tensor]) => ({ ...tensor, name })),
      signal,
    )
  return Object.assign(run, { release: () => program.release() })
}

/** One tensor per input of the model, in its order. */
function matchInputs(takes: readonly Port[], inputs: readonly Tensor[]): readonly Tensor[] {
  const byName = new Map<string, Tensor>()
  for (const tensor of inputs) {
    if (byName.has(tensor.name)) throw invalid(`input ${tensor.name}`, 'one tensor', 'two of this name')
    byName.set(tensor.name, tensor)
  }
  const sizes = new Map<string, number>()
  const matched = takes.map((port) => {
    const tensor = byName.get(port.name)
    if (tensor === undefined) throw invalid(`input ${port.name}`, describe(port), 'nothing')
    byName.delete(port.name)
    checkInput(port, tensor, sizes)
    return tensor
  })
  const [unknown] = byName.keys()
  if (unknown !== undefined)
    throw invalid(`input ${unknown}`, `only ${takes.map((p) => p.name).join(', ')}`, 'an unknown name')
  return matched
}

function checkInput(port: Port, tensor: Tensor, sizes: Map<string, number>): void {
  const field = `input ${port.name}`
  if (tensor.type !== port.type) throw invalid(`${field}.type`, port.type, tensor.type)
  checkTensor(tensor, field)
  const fits =
    port.shape === undefined ||
    (port.shape.length === tensor.shape.length &&
      port.shape.every((expected, axis) => dimensionFits(expected, tensor.shape[axis] ?? 0, sizes)))
  if (!fits) throw invalid(`${field}.shape`, describe(port, sizes), `[${tensor.shape.join(', ')}]`)
  const values = isIntegerType(tensor.type) ? undefined : numbers(tensor)
  const odd = values?.findIndex((x) => !Number.isFinite(x)) ?? -1
  if (odd !== -1) throw invalid(`${field}[${odd}]`, 'a finite number', String(values?.[odd]))
}

/** A named dimension has one size in all inputs. Where the file leaves a size open, zero is not one. */
function dimensionFits(expected: number | string | undefined, got: number, sizes: Map<string, number>): boolean {
  if (typeof expected === 'number') return got === expected
  if (got < 1) return false
  if (expected === undefined) return true
  const known = sizes.get(expected)
  if (known === undefined) sizes.set(expected, got)
  return known === undefined || known === got
}

function checkOutput({ name, type, shape }: Port, tensor: Tensor | undefined): void {
  const field = `output ${name}`
  if (tensor?.type !== type) throw unexpected(`${field}.type`, type, tensor?.type ?? 'nothing')
  if (
    shape !== undefined &&
    (shape.length !== tensor.shape.length || shape.some((d, i) => typeof d === 'number' && d !== tensor.shape[i]))
  ) {
    throw unexpected(`${field}.shape`, describe({ name, type, shape }), `[${tensor.shape.join(', ')}]`)
  }
  checkTensor(tensor, field)
  const odd = isIntegerType(type) || elementCount(tensor.shape) === 0 ? -1 : numbers(tensor).findIndex(Number.isNaN)
  if (odd !== -1) throw unexpected(`${field}[${odd}]`, 'a number', 'NaN')
}

function describe({ type, shape }: Port, sizes: ReadonlyMap<string, number> = new Map()): string {
  if (shape === undefined) return `${type} of any shape`
  const dims = shape.map((d) => (typeof d === 'string' && sizes.has(d) ? `${d} = ${sizes.get(d)}` : (d ?? '?')))
  return `${type} [${dims.join(', ')}]`
}

const invalid = (field: string, expected: string, got: string) =>
  fail('VS_ONNX_INVALID_INPUT', { details: { field, expected, got } })
const unexpected = (field: string, expected: string, got: string) =>
  fail('VS_ONNX_INVALID_OUTPUT', { details: { field, expected, got } })
