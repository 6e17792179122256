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
  /** Settled ones from `floor` on; all below it are settled. */
  const settled = new Set<number>()
  let floor: number | undefined

  const hold = (nonce: number): void => {
    live.add(nonce)
    floor = floor === undefined ? nonce : floor
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
      floor ??= nonce
      if (nonce < floor) return
      settled.add(nonce)
      while (settled.delete(floor)) floor += 1
    },
    observe: (count) => {
      next = Math.max(next, count)
    },
    gaps: (count, limit) => {
      const found: number[] = []
      const highest = [...live].reduce((a, b) => Math.max(a, b), -1)
      for (let n = Math.max(count, floor ?? 0); n < highest && found.length < limit; n++) {
        if (!live.has(n) && !settled.has(n)) found.push(n)
      }
      return found
    },
  }
}
