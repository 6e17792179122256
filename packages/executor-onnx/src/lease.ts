/** What holds memory outside JavaScript and must be given back. */
export interface Releasable {
  release(): Promise<void>
}

interface Entry<V> {
  readonly value: Promise<V>
  users: number
  evicted: boolean
}

/**
 * The `capacity` values that were used last. A value is made once however many ask for it at the same time, is not
 * released while anybody uses it, and is forgotten when making it failed.
 */
export class LeaseCache<V extends Releasable> {
  readonly #entries = new Map<string, Entry<V>>()
  readonly #capacity: number

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  async use<T>(key: string, make: () => Promise<V>, work: (value: V) => Promise<T>): Promise<T> {
    const entry = this.#entry(key, make)
    entry.users += 1
    try {
      return await work(await entry.value)
    } finally {
      entry.users -= 1
      await this.#releaseIdle(entry)
    }
  }

  /** Evicts everything; what is in use is released when its last user is done. */
  async clear(): Promise<void> {
    const entries = [...this.#entries.values()]
    this.#entries.clear()
    for (const entry of entries) {
      entry.evicted = true
      await this.#releaseIdle(entry)
    }
  }

  #entry(key: string, make: () => Promise<V>): Entry<V> {
    const known = this.#entries.get(key)
    const entry = known ?? { value: make(), users: 0, evicted: false }
    // Re-inserted, so that the map's order is the order of last use.
    this.#entries.delete(key)
    this.#entries.set(key, entry)
    if (known !== undefined) return entry
    entry.value.catch(() => {
      if (this.#entries.get(key) === entry) this.#entries.delete(key)
    })
    const [oldest] = this.#entries
    if (oldest !== undefined && this.#entries.size > this.#capacity) {
      this.#entries.delete(oldest[0])
      oldest[1].evicted = true
      void this.#releaseIdle(oldest[1])
    }
    return entry
  }

  async #releaseIdle(entry: Entry<V>): Promise<void> {
    if (!entry.evicted || entry.users > 0) return
    // What can not be released costs memory, never a result.
    await entry.value.then((value) => value.release()).catch(() => {})
  }
}
