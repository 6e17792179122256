/** One figure of a suite. `bound` is the figure asked for; `ok` says whether it is met; both are null where none was asked for. */
export interface Row {
  readonly name: string
  readonly value: number | string | null
  readonly unit: string
  readonly bound: number | string | null
  readonly ok: boolean | null
}

/** What a file in bench/ exports. Rows may come one by one; each is shown as it comes. */
export interface Suite {
  rows(progress: (text: string) => void): AsyncIterable<Row> | Iterable<Row>
}

/** Rows for a figure that must not be above, or below, its bound. */
export const atMost = (name: string, value: number, unit: string, bound: number): Row => ({
  name,
  value,
  unit,
  bound,
  ok: value <= bound,
})
export const atLeast = (name: string, value: number, unit: string, bound: number): Row => ({
  name,
  value,
  unit,
  bound,
  ok: value >= bound,
})
/** A row for a figure of which nothing was asked. */
export const reported = (name: string, value: number | string, unit: string): Row => ({
  name,
  value,
  unit,
  bound: null,
  ok: null,
})
/** A row for a figure that could not be measured here, because what it needs is absent. */
export const unmeasured = (name: string, unit: string, bound: number | string | null): Row => ({
  name,
  value: null,
  unit,
  bound,
  ok: null,
})

/** The middle value, or the mean of the two in the middle. Throws a RangeError for an empty list. */
export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b)
  const upper = sorted[sorted.length >> 1]
  const lower = sorted[(sorted.length - 1) >> 1]
  if (upper === undefined || lower === undefined) throw new RangeError('median of no values')
  return (lower + upper) / 2
}

export interface TimingOptions {
  /** Measured runs, at least 1; 10 unless told. */
  readonly runs?: number
  /** Runs before them that are not counted; 2 unless told. */
  readonly warmUp?: number
  /** Calls within one measured run, for work far below a millisecond; 1 unless told. */
  readonly batch?: number
}

/** Median milliseconds of one call of `work`, after warming up. Calls are made one after another. */
export const medianMs = async (
  work: () => unknown,
  { runs = 10, warmUp = 2, batch = 1 }: TimingOptions = {},
): Promise<number> => {
  const times: number[] = []
  for (let run = -warmUp; run < runs; run++) {
    const start = performance.now()
    for (let i = 0; i < batch; i++) await work()
    if (run >= 0) times.push((performance.now() - start) / batch)
  }
  return median(times)
}
