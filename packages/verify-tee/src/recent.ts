/** What was used last, by key: at most `capacity` of it. */
export class Recent<V> {
  readonly #kept = new Map<string, V>()

  constructor(readonly capacity: number) {}

  get(key: string): V | undefined {
    const value = this.#kept.get(key)
    if (value !== undefined) this.#touch(key, value)
    return value
  }

  set(key: string, value: V): void {
    this.#touch(key, value)
    if (this.#kept.size <= this.capacity) return
    const [oldest] = this.#kept.keys()
    if (oldest !== undefined) this.#kept.delete(oldest)
  }

  #touch(key: string, value: V): void {
    this.#kept.delete(key)
    this.#kept.set(key, value)
  }
}
