import type { Digest, ProgramId } from '@veristack/core/receipt'
import { widthOf } from '../commit/index.ts'
import { fail } from '../errors.ts'
import { modelId, parseModel } from '../onnx/index.ts'
import { multiplications } from '../primitives/index.ts'
import { encodeProgram, type IntegerProgram, type ProgramOutput, programId } from '../program/index.ts'
import { type Calibration, calibrate } from '../quantise/calibrate.ts'
import type { Sample } from '../quantise/samples.ts'
import { inputQuantisation } from '../quantise/scales.ts'
import { Statistics } from '../quantise/statistics.ts'
import { evaluate } from './evaluate.ts'
import { judge, type Reference } from './judge.ts'
import { type Bits, Lowering, type Quantised } from './lowering.ts'
import { type Plan, planModel } from './plan.ts'
import type { LoweringReport } from './report.ts'

export interface LowerOptions {
  /**
   * Samples of what the model will see. Every fifth is held out: it sets no range, and the report's agreement comes from
   * it. Below five samples there is nothing to hold out.
   */
  readonly calibration: AsyncIterable<Sample> | Iterable<Sample>
  /** 2 to 16; 8 unless told. Symmetric, one scale per tensor. */
  readonly weightBits?: number
  /** 2 to 16; 8 unless told. What a value is narrowed to before the next layer. */
  readonly activationBits?: number
  /** 1 to 16; 8 unless told. Every bit of every input element is a constraint of the zkml tier. */
  readonly inputBits?: number
  /** 0 to 16; 0 unless told. Above 0, rescaling multiplies before it shifts, which uses the activation bits fully. */
  readonly multiplierBits?: number
  /** Above 0.5, to 1; 1 unless told. The share of non-zero magnitudes that activations are scaled to hold. */
  readonly activationShare?: number
  /** The same for inputs. */
  readonly inputShare?: number
  /** The float model as the caller runs it, for the report; otherwise the model is evaluated in double precision. */
  readonly reference?: Reference
  readonly maxBytes?: number
  readonly signal?: AbortSignal
  readonly onProgress?: (event: { readonly stage: string; readonly done: number; readonly total?: number }) => void
}

/** Fit for `stack.publish`, as it is. */
export interface Lowered {
  readonly semantics: 'integer/v1'
  readonly program: IntegerProgram
  /** The canonical encoding. */
  readonly bytes: Uint8Array
  readonly id: ProgramId
  readonly modelId: Digest
  readonly report: LoweringReport
}

/**
 * The inputs that {@link lower} takes samples of: a dynamic first axis is 1. Throws `VS_MODEL_UNSUPPORTED` (one error for
 * everything that stands in the way) and `VS_MODEL_INVALID_ONNX`, so a model can be judged before there are samples.
 */
export function modelInputs(
  model: Uint8Array,
  options: Pick<LowerOptions, 'maxBytes'> = {},
): readonly { readonly name: string; readonly shape: readonly number[] }[] {
  return read(model, options).inputs
}

const read = (model: Uint8Array, { maxBytes }: Pick<LowerOptions, 'maxBytes'>): Plan =>
  planModel(parseModel(model, maxBytes === undefined ? {} : { maxBytes }))

/**
 * Makes an exact integer program of a float ONNX model. The same bytes, samples and options give the same program.
 * Outputs keep the model's names; they are the accumulators as they are, with a scale. A symbolic first axis of an input
 * becomes 1. Throws `VS_MODEL_UNSUPPORTED` (one error for everything that stands in the way), `VS_MODEL_INVALID_ONNX`,
 * `VS_MODEL_INVALID_CALIBRATION`, `VS_MODEL_RANGE_OVERFLOW`, and the signal's reason.
 */
export async function lower(model: Uint8Array, options: LowerOptions): Promise<Lowered> {
  const bits = readBits(options)
  const { signal, onProgress } = options
  const plan = read(model, options)
  const calibration = await calibrate(plan.inputs, (inputs) => evaluate(plan, inputs), options.calibration, {
    signal,
    progress: (done) => onProgress?.({ stage: 'calibrate', done }),
  })
  const { program, lowering } = lowerPlan(plan, calibration, bits, options)
  const bytes = encodeProgram(program)
  const id = programId(program)
  const judged = await judge(plan, program, lowering.saturations, calibration.heldOut, options.reference, {
    signal,
    progress: (done, total) => onProgress?.({ stage: 'compare', done, total }),
  })
  const report: LoweringReport = {
    modelId: modelId(model),
    programId: id,
    bits,
    inputs: program.inputs.map(({ name, shape, range, quantisation }) => {
      const { lo, hi } = calibration.statistics.get(name) ?? { lo: 0, hi: 0 }
      return { name, shape, range, scale: quantisation.scale, seen: { lo, hi } }
    }),
    nodes: program.nodes.map(({ op, shape, range }) => ({ op, shape, range, bits: widthOf(range).width })),
    macs: program.nodes.reduce((sum, node) => sum + (node.op === 'linear' ? multiplications(node) : 0), 0),
    weights: program.nodes.reduce((sum, node) => sum + constants(node), 0),
    samples: { calibration: calibration.samples, heldOut: calibration.heldOut.length },
    comparedWith: options.reference === undefined ? 'double precision' : 'reference',
    ...judged,
  }
  return { semantics: program.semantics, program, bytes, id, modelId: report.modelId, report }
}

function lowerPlan(plan: Plan, calibration: Calibration, bits: Bits, options: LowerOptions) {
  const lowering = new Lowering(
    bits,
    calibration.statistics,
    share(options.activationShare, 'activationShare'),
    plan.readers,
  )
  const values = new Map<string, Quantised>()
  for (const { name, shape } of plan.inputs) {
    const seen = calibration.statistics.get(name) ?? new Statistics()
    values.set(
      name,
      lowering.input({ name, shape, ...inputQuantisation(seen, bits.inputs, share(options.inputShare, 'inputShare')) }),
    )
  }
  for (const { site, operator, output } of plan.steps) {
    const operands = site.node.inputs.map((name) => {
      const quantised = values.get(name)
      if (quantised !== undefined) return { quantised }
      const constant = plan.facts.get(name)?.constant
      return constant && { constant }
    })
    values.set(output, operator.lower(site, operands, lowering))
  }
  const outputs = plan.outputs.map((name): ProgramOutput => {
    const constant = plan.facts.get(name)?.constant
    const q = values.get(name) ?? (constant && lowering.constant(constant, name))
    if (q === undefined)
      throw fail('VS_MODEL_INVALID_ONNX', {
        details: { field: 'output', expected: 'a tensor of the graph', got: name },
      })
    return { name, value: lowering.value(q), scale: q.scale, zeroPoint: 0 }
  })
  return { program: lowering.builder.build(outputs), lowering }
}

function constants(node: IntegerProgram['nodes'][number]): number {
  if (node.op === 'linear') return node.weights.data.length + node.bias.data.length
  return 'constant' in node ? node.constant.data.length : 0
}

function readBits(options: LowerOptions): Bits {
  return {
    weights: whole(options.weightBits ?? 8, 2, 16, 'weightBits'),
    activations: whole(options.activationBits ?? 8, 2, 16, 'activationBits'),
    inputs: whole(options.inputBits ?? 8, 1, 16, 'inputBits'),
    multiplier: whole(options.multiplierBits ?? 0, 0, 16, 'multiplierBits'),
  }
}

function whole(value: number, lo: number, hi: number, option: string): number {
  if (!Number.isInteger(value) || value < lo || value > hi) {
    throw fail('VS_MODEL_INVALID_OPTION', {
      details: { option, expected: `a whole number, ${lo} to ${hi}`, got: value },
    })
  }
  return value
}

function share(value: number | undefined, option: string): number {
  if (value === undefined) return 1
  if (!(value > 0.5 && value <= 1))
    throw fail('VS_MODEL_INVALID_OPTION', { details: { option, expected: 'above 0.5, to 1', got: value } })
  return value
}
