import { fail } from '../errors.ts'
import { evaluate } from '../lower/evaluate.ts'
import type { Real } from '../lower/operator.ts'
import type { Plan } from '../lower/plan.ts'
import { readSample, type Sample } from './samples.ts'
import { Statistics } from './statistics.ts'

/** Every fifth sample is held out: it sets no range, and the program is judged by it. */
const HOLD_OUT_EVERY = 5
/** Held-out samples that are kept. */
const MAX_HELD_OUT = 1000
const PROGRESS_EVERY = 64

export interface HeldOut {
  readonly sample: Sample
  readonly inputs: ReadonlyMap<string, Real>
}

export interface Calibration {
  readonly statistics: ReadonlyMap<string, Statistics>
  /** Samples that set ranges. */
  readonly samples: number
  readonly heldOut: readonly HeldOut[]
}

/** Runs the model in real numbers over the samples and notes what each tensor holds. */
export async function calibrate(
  plan: Plan,
  samples: AsyncIterable<Sample> | Iterable<Sample>,
  watch: { readonly signal: AbortSignal | undefined; readonly progress: (done: number) => void },
): Promise<Calibration> {
  const statistics = new Map<string, Statistics>()
  const heldOut: HeldOut[] = []
  let index = 0
  let used = 0
  for await (const sample of samples) {
    watch.signal?.throwIfAborted()
    const inputs = readSample(plan.inputs, sample, index)
    if (++index % HOLD_OUT_EVERY === 0) {
      if (heldOut.length < MAX_HELD_OUT) heldOut.push({ sample, inputs })
    } else {
      used++
      for (const [name, { data }] of evaluate(plan, inputs)) {
        const known = statistics.get(name) ?? new Statistics()
        statistics.set(name, known)
        known.add(data)
      }
    }
    if (index % PROGRESS_EVERY === 0) {
      watch.progress(index)
      // Lets the abort signal and other work through.
      await new Promise<void>((resolve) => setTimeout(resolve, 0))
    }
  }
  if (used === 0)
    throw fail('VS_MODEL_INVALID_CALIBRATION', {
      details: { field: 'calibration', expected: 'at least 1 sample', got: 0 },
    })
  watch.progress(index)
  return { statistics, samples: used, heldOut }
}
