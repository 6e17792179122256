import { concatBytes } from '@noble/hashes/utils.js'
import fc from 'fast-check'

/** Bit 0 is the lowest of the first byte. */
export function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = bytes.slice()
  copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7))
  return copy
}

/** Other bytes, a cut, a piece left away or twice, a piece of `other`, which is of the same kind, noise. */
export function mutations(bytes: Uint8Array, other: Uint8Array): fc.Arbitrary<Uint8Array> {
  const place = fc.nat(bytes.length - 1)
  const length = fc.integer({ min: 1, max: 200 })
  return fc.oneof(
    fc.array(fc.tuple(place, fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 4 }).map((changes) => {
      const copy = bytes.slice()
      for (const [at, by] of changes) copy[at] = (copy[at] ?? 0) ^ by
      return copy
    }),
    place.map((at) => bytes.slice(0, at)),
    fc.tuple(place, length).map(([at, n]) => concatBytes(bytes.subarray(0, at), bytes.subarray(at + n))),
    fc.tuple(place, length).map(([at, n]) => concatBytes(bytes.subarray(0, at + n), bytes.subarray(at))),
    fc
      .tuple(place, fc.uint8Array({ minLength: 1, maxLength: 32 }))
      .map(([at, more]) => concatBytes(bytes.subarray(0, at), more, bytes.subarray(at))),
    fc
      .tuple(place, fc.nat(other.length - 1))
      .map(([at, from]) => concatBytes(bytes.subarray(0, at), other.subarray(from))),
    fc
      .tuple(place, length)
      .map(([at, n]) => concatBytes(bytes.subarray(0, at), other.subarray(at, at + n), bytes.subarray(at + n))),
    fc.uint8Array({ maxLength: 2000 }),
  )
}

/** What one verdict may take, by the clock. Slow means slow each time: the machine may be busy. */
const MOST_MS = 250
const TRIES = 5

interface Time {
  /** By the clock, and what of it the processor worked for this process (on all of its threads), in milliseconds. */
  readonly clock: number
  readonly processor: number
}

const NONE: Time = { clock: 0, processor: 0 }
const text = ({ clock, processor }: Time): string => `${clock.toFixed(1)} ms (${processor.toFixed(1)} of the processor)`

/** Runs judgements and remembers how many there were, and the longest. */
export class Stopwatch {
  ran = 0
  #slowest = NONE
  #busiest = NONE
  #late = NONE
  #repeated = 0

  async time<T>(work: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      const [start, used] = [performance.now(), process.cpuUsage()]
      const result = await work()
      const clock = performance.now() - start
      const { user, system } = process.cpuUsage(used)
      const took = { clock, processor: (user + system) / 1000 }
      if (took.processor > this.#busiest.processor) this.#busiest = took
      if (clock <= MOST_MS) {
        this.ran += 1
        if (clock > this.#slowest.clock) this.#slowest = took
        return result
      }
      this.#repeated += 1
      if (clock > this.#late.clock) this.#late = took
      if (attempt === TRIES) throw new Error(`took ${text(took)}, ${TRIES} times`)
    }
  }

  /** Where the processor did little of what took long, it was busy with something else. */
  toString(): string {
    const late =
      this.#repeated === 0 ? '' : `; ${this.#repeated} repeated, the slowest of them took ${text(this.#late)}`
    return `${this.ran} verdicts, the slowest took ${text(this.#slowest)}, the busiest ${text(this.#busiest)}${late}`
  }
}
