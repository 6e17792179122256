/** Bins of magnitudes per factor of two; an edge is at most 2^(1/64), about 1 %, above a magnitude in its bin. */
const BINS_PER_OCTAVE = 64

/** What calibration saw of one tensor. */
export class Statistics {
  lo = Infinity
  hi = -Infinity
  /** Every element so far was a whole number. */
  whole = true
  readonly #bins = new Map<number, number>()
  #nonZero = 0

  add(values: Float64Array): void {
    for (const x of values) {
      if (x < this.lo) this.lo = x
      if (x > this.hi) this.hi = x
      if (x === 0) continue
      if (this.whole && !Number.isInteger(x)) this.whole = false
      const bin = Math.ceil(Math.log2(Math.abs(x)) * BINS_PER_OCTAVE)
      this.#bins.set(bin, (this.#bins.get(bin) ?? 0) + 1)
      this.#nonZero++
    }
  }

  /** The greatest magnitude; 0 where nothing but zeros was seen. */
  get reach(): number {
    return Math.max(0, Math.abs(this.lo), Math.abs(this.hi))
  }

  /** A magnitude that this share (0 to 1) of the elements other than zero do not exceed; with 1, {@link reach}. */
  magnitude(share: number): number {
    if (share >= 1 || this.#nonZero === 0) return this.reach
    let left = Math.ceil(share * this.#nonZero)
    for (const [bin, count] of [...this.#bins].sort(([a], [b]) => a - b)) {
      left -= count
      if (left <= 0) return Math.min(this.reach, 2 ** (bin / BINS_PER_OCTAVE))
    }
    return this.reach
  }
}
