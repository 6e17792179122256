import type { Tensor } from '@veristack/core/receipt'
import { fail } from '../errors.ts'
import { readElements } from '../program/border.ts'
import { type IntegerProgram, quantise, quantiseInputs, trace } from '../program/index.ts'
import type { HeldOut } from '../quantise/calibrate.ts'
import type { Sample } from '../quantise/samples.ts'
import { evaluate } from './evaluate.ts'
import { clamp, type Saturation } from './lowering.ts'
import type { Plan } from './plan.ts'
import type { Agreement, Exceeded } from './report.ts'

/** The float model as somebody else runs it; outputs in any order, by name. */
export type Reference = (inputs: Sample) => Promise<readonly Tensor[]>

interface Watch {
  readonly signal: AbortSignal | undefined
  readonly progress: (done: number, total: number) => void
}

/**
 * Compares the program with the float model, and counts what left the calibrated ranges, over the held-out samples. Of no
 * samples nothing is said.
 */
export async function judge(
  plan: Plan,
  program: IntegerProgram,
  saturations: readonly Saturation[],
  heldOut: readonly HeldOut[],
  reference: Reference | undefined,
  watch: Watch,
): Promise<{ readonly agreement: readonly Agreement[]; readonly exceeded: readonly Exceeded[] }> {
  if (heldOut.length === 0) return { agreement: [], exceeded: [] }
  const tallies = program.outputs.map((output) => new Tally(output.name, plan.facts.get(output.name)?.type === 'int64'))
  const inputs = program.inputs.map((input) => ({ tensor: input.name, elements: 0, exceeded: 0 }))
  const clipped = saturations.map(({ tensor }) => ({ tensor, elements: 0, exceeded: 0 }))
  for (const [index, { sample, inputs: real }] of heldOut.entries()) {
    watch.signal?.throwIfAborted()
    const values = trace(program, quantiseInputs(program, Object.values(sample)))
    const expected = await expectedOutputs(plan, sample, real, reference)
    program.outputs.forEach(({ name, value, scale, zeroPoint }, k) => {
      const want = expected.get(name)
      const got = values[value]?.map((q) => (q - zeroPoint) * scale)
      if (want === undefined || got === undefined || want.length !== got.length) {
        throw fail('VS_MODEL_INVALID_CALIBRATION', {
          details: {
            field: `reference output ${name}`,
            expected: `${got?.length ?? 0} elements`,
            got: want?.length ?? 'none',
          },
        })
      }
      tallies[k]?.add(got, want, plan.facts.get(name)?.shape.at(-1) ?? 1)
    })
    program.inputs.forEach((input, k) => {
      const data = real.get(input.name)?.data ?? new Float64Array()
      const unbounded = quantise({ ...input, range: { lo: -(2n ** 53n), hi: 2n ** 53n } }, data)
      note(inputs[k], unbounded, (q) => q < Number(input.range.lo) || q > Number(input.range.hi))
    })
    saturations.forEach(({ value, clamp: own, range }, k) => {
      note(clipped[k], values[value] ?? new Float64Array(), (q) => {
        const x = clamp(BigInt(q), own)
        return x < range.lo || x > range.hi
      })
    })
    watch.progress(index + 1, heldOut.length)
  }
  return { agreement: tallies.map((t) => t.result()), exceeded: [...inputs, ...clipped] }
}

function note(
  tally: { elements: number; exceeded: number } | undefined,
  values: Float64Array,
  beyond: (q: number) => boolean,
): void {
  if (tally === undefined) return
  tally.elements += values.length
  for (const q of values) if (beyond(q)) tally.exceeded++
}

async function expectedOutputs(
  plan: Plan,
  sample: Sample,
  real: HeldOut['inputs'],
  reference: Reference | undefined,
): Promise<ReadonlyMap<string, Float64Array>> {
  if (reference !== undefined) {
    const outputs = await reference(sample)
    return new Map(
      outputs.map((t) => [
        t.name,
        readElements(
          t,
          t.shape.reduce((a, b) => a * b, 1),
          t.name,
        ),
      ]),
    )
  }
  const known = evaluate(plan, real)
  return new Map(
    plan.outputs.flatMap((name) => {
      const found = known.get(name) ?? plan.facts.get(name)?.constant
      return found === undefined ? [] : [[name, found.data] as const]
    }),
  )
}

/** Sums up how one output compares over the samples. */
class Tally {
  readonly #output: string
  readonly #index: boolean
  #samples = 0
  #elements = 0
  #equal = 0
  #errors = 0
  #maxError = 0
  #rows = 0
  #sameGreatest = 0

  constructor(output: string, index: boolean) {
    this.#output = output
    this.#index = index
  }

  add(got: Float64Array, want: Float64Array, rowLength: number): void {
    this.#samples++
    this.#elements += got.length
    for (const [i, x] of got.entries()) {
      const error = Math.abs(x - (want[i] ?? Number.NaN))
      if (error === 0) this.#equal++
      this.#errors += error
      this.#maxError = Math.max(this.#maxError, error)
    }
    for (let at = 0; at < got.length; at += rowLength) {
      this.#rows++
      const row = (values: Float64Array): number => greatest(values.subarray(at, at + rowLength))
      if (row(got) === row(want)) this.#sameGreatest++
    }
  }

  result(): Agreement {
    const share = (part: number, whole: number): number => (whole === 0 ? 1 : part / whole)
    const common = { output: this.#output, samples: this.#samples }
    if (this.#index) return { ...common, kind: 'index', equal: share(this.#equal, this.#elements) }
    return {
      ...common,
      kind: 'real',
      meanError: this.#elements === 0 ? 0 : this.#errors / this.#elements,
      maxError: this.#maxError,
      sameGreatest: share(this.#sameGreatest, this.#rows),
    }
  }
}

/** The lowest index of the greatest element. */
const greatest = (values: Float64Array): number => values.indexOf(values.reduce((a, b) => Math.max(a, b), -Infinity))
