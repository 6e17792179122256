import { fail } from '../errors.ts'
import { type Port, type Real, readSample, type Sample } from './samples.ts'
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

/** Notes what each tensor of the model holds over the samples; `run` gives every tensor of one run, by name. */
export async function calibrate(
  ports: readonly Port[],
  run: (inputs: ReadonlyMap<string, Real>) => ReadonlyMap<string, Real>,
  samples: AsyncIterable<Sample> | Iterable<Sample>,
  watch: { readonly signal: AbortSignal | undefined; readonly progress: (done: number) => void },
): Promise<Calibration> {
  const statistics = new Map<string, Statistics>()
  const heldOut: HeldOut[] = []
  let index = 0
  let used = 0
  for await (const sample of samples) {
    watch.signal?.throwIfAborted()
    const inputs = readSample(ports, sample, index)
    if (++index % HOLD_OUT_EVERY === 0) {
      if (heldOut.length < MAX_HELD_OUT) heldOut.push({ sample, inputs })
    } else {
      used++
      for (const [name, { data }] of run(inputs)) {
        const known = statistics.get(name) ?? new Statistics()
        statistics.set(name, known)
        known.add(data)
        if (!Number.isFinite(known.reach)) {
          throw fail('VS_MODEL_INVALID_CALIBRATION', {
            details: { sample: index - 1, field: `tensor ${name}`, expected: 'finite numbers', got: known.reach },
          })
        }
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
