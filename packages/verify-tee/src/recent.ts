/** What was used last, by key: at most `capacity` of it. */
export class Recent<V> {
  readonly #kept = new Map<string, V>()

  constructor(readonly capacity: number) {}

  get(key: string): V | undefined {
    const value = this.#kept.get(key)
    if (value !== undefined) this.set(key, value)
    return value
  }

  set(key: string, value: V): void {
    this.#kept.delete(key)
    this.#kept.set(key, value)
    const [oldest] = this.#kept.keys()
    if (this.#kept.size > this.capacity && oldest !== undefined) this.#kept.delete(oldest)
  }
}
