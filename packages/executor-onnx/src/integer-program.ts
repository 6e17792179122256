import { bigints, type ProgramId, type Tensor } from '@veristack/core'
import {
  borderType,
  decodeProgram,
  type IntegerProgram,
  interpret,
  programId,
  quantiseInputs,
  toOnnx,
  valuesOf,
} from '@veristack/integer-model'
import { CanonCheck } from './canon-check.ts'
import { fail } from './errors.ts'
import { type LoadedProgram, lazily } from './loaded.ts'
import type { OpenSession } from './session.ts'

/** Throws `VS_ONNX_PROGRAM_MISMATCH` where the bytes are another program's, and what `decodeProgram` throws. */
export function loadIntegerProgram(
  bytes: Uint8Array,
  id: ProgramId,
  open: OpenSession,
  options: { readonly checkEvery: number; readonly maxBytes: number },
): LoadedProgram {
  const program = decodeProgram(bytes, { maxBytes: options.maxBytes })
  const got = programId(program)
  if (got !== id) throw fail('VS_ONNX_PROGRAM_MISMATCH', { details: { field: 'program.id', expected: id, got } })
  const ports = outputPorts(program)
  const names = ports.map((p) => p.name)
  const session = lazily(() => open(toOnnx(program)))
  const check = new CanonCheck(options.checkEvery)
  return {
    prepare: (inputs) => quantiseInputs(program, inputs),
    async run(inputs, signal) {
      const prepared = requireIntegers(program, inputs)
      const running = await session.get()
      signal.throwIfAborted()
      const outputs = await running.run(prepared, names)
      checkOutputs(ports, outputs)
      check.verify(outputs, () => interpret(program, prepared))
      return outputs
    },
    release: async () => (await session.peek()?.catch(() => undefined))?.release(),
  }
}

/** Quantising here would run what nobody has committed to. */
function requireIntegers(program: IntegerProgram, inputs: readonly Tensor[]): readonly Tensor[] {
  for (const { name, range } of program.inputs) {
    const type = inputs.find((t) => t.name === name)?.type
    if (type !== undefined && type !== borderType(range)) {
      throw fail('VS_ONNX_INVALID_INPUT', {
        details: { field: `input ${name}.type`, expected: borderType(range), got: type },
      })
    }
  }
  return quantiseInputs(program, inputs)
}

interface OutputPort {
  readonly name: string
  readonly type: 'int32' | 'int64'
  readonly shape: readonly number[]
  readonly lo: bigint
  readonly hi: bigint
}

function outputPorts(program: IntegerProgram): readonly OutputPort[] {
  const values = valuesOf(program)
  return program.outputs.flatMap(({ name, value }) =>
    values.slice(value, value + 1).map(({ shape, range }) => ({ name, shape, type: borderType(range), ...range })),
  )
}

/** Type, shape and static range: what every run is held against, whether or not it is compared with the interpreter. */
function checkOutputs(ports: readonly OutputPort[], outputs: readonly Tensor[]): void {
  for (const [i, port] of ports.entries()) {
    const tensor = outputs[i]
    const expected = `${port.type} [${port.shape.join(', ')}]`
    const got = tensor === undefined ? 'nothing' : `${tensor.type} [${tensor.shape.join(', ')}]`
    if (tensor === undefined || got !== expected) {
      throw fail('VS_ONNX_INVALID_OUTPUT', { details: { field: `output ${port.name}`, expected, got } })
    }
    const outside = bigints(tensor).findIndex((v) => v < port.lo || v > port.hi)
    if (outside !== -1) {
      throw fail('VS_ONNX_INVALID_OUTPUT', {
        details: {
          field: `output ${port.name}[${outside}]`,
          expected: `${port.lo}..${port.hi}`,
          got: bigints(tensor)[outside],
        },
      })
    }
  }
}
