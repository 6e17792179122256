/**
 * Which nonces of one account are given out. Pure: what the chain says comes in through {@link Nonces.observe} and
 * {@link Nonces.gaps}, and may be wrong.
 *
 * - No nonce is taken twice.
 * - A nonce is live from `take` or `hold` until `settle`.
 */
export interface Nonces {
  /** What `take` would give. */
  readonly next: number
  take(): number
  /** A nonce that was given out earlier, by this process or one before it. */
  hold(nonce: number): void
  /** It is used up for good: nothing sent with it can take effect any more. */
  settle(nonce: number): void
  /** The chain says that this many nonces are used, or waiting in its pool. */
  observe(count: number): void
  /**
   * Nonces from `count` on, the number the chain has used up, that a live one waits for and that nobody holds. At most
   * `limit` of them.
   */
  gaps(count: number, limit: number): readonly number[]
}

export function allocateNonces(): Nonces {
  let next = 0
  const live = new Set<number>()
  /** Settled ones that are not in the run. */
  const settled = new Set<number>()
  /** The run of settled ones that is longest after a while: from `from`, up to but without `to`. */
  let run: { readonly from: number; to: number } | undefined
  const isSettled = (n: number): boolean => settled.has(n) || (run !== undefined && n >= run.from && n < run.to)

  const hold = (nonce: number): void => {
    live.add(nonce)
    next = Math.max(next, nonce + 1)
  }
  return {
    get next() {
      return next
    },
    take: () => {
      const nonce = next
      hold(nonce)
      return nonce
    },
    hold,
    settle: (nonce) => {
      live.delete(nonce)
      next = Math.max(next, nonce + 1)
      run ??= { from: nonce, to: nonce }
      if (!isSettled(nonce)) settled.add(nonce)
      while (settled.delete(run.to)) run.to += 1
    },
    observe: (count) => {
      next = Math.max(next, count)
    },
    gaps: (count, limit) => {
      const found: number[] = []
      const highest = [...live].reduce((a, b) => Math.max(a, b), -1)
      for (let n = count; n < highest && found.length < limit; n++) {
        if (!live.has(n) && !isSettled(n)) found.push(n)
      }
      return found
    },
  }
}
