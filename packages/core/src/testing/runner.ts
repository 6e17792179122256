import { type ErrorCode, isVeristackError } from '../errors/index.ts'

/** What a suite needs of a test runner; the globals of jest and the exports of `node:test` both fit. */
export interface TestRunner {
  describe(name: string, body: () => void): unknown
  test(name: string, body: () => Promise<void>): unknown
}

/** What the implementation can do; tests of what it can not are left out, and printed. */
export type Capabilities<N extends string> = Readonly<Record<N, boolean>>

export interface SuiteBase<T, N extends string> {
  readonly runner: TestRunner
  /** A fresh implementation for each test. */
  readonly make: () => T | Promise<T>
  /** All true unless said otherwise. */
  readonly capabilities?: Partial<Capabilities<N>>
  /** Told what is left out. Default: standard output. */
  readonly note?: (line: string) => void
}

export interface Suite<N extends string> {
  test(name: string, body: () => Promise<void>): void
  /** Only where the implementation has the capability. */
  needs(capability: N, name: string, body: () => Promise<void>): void
}

/** Opens a suite: its tests, and a line for each that the implementation is not able to take. */
export function suite<T, N extends string>(name: string, options: SuiteBase<T, N>, body: (s: Suite<N>) => void): void {
  const { runner, note = console.log } = options
  const add = (title: string, run: () => Promise<void>): void => {
    runner.test(title, run)
  }
  runner.describe(`conformance: ${name}`, () => {
    body({
      test: add,
      needs: (capability, title, run) => {
        if (options.capabilities?.[capability] === false)
          note(`conformance: ${name}: left out (${capability}): ${title}`)
        else add(title, run)
      },
    })
  })
}

/** Fails the test. A suite brings its own assertions, so that it needs none of the runner's. */
export function ensure(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(message)
}

export function same(got: unknown, expected: unknown, what: string): void {
  const [a, b] = [text(got), text(expected)]
  ensure(a === b, `${what}: expected ${b}, got ${a}`)
}

/** The act must end in a typed error, with this code where one is given. */
export async function refuses(act: () => unknown, what: string, code?: ErrorCode): Promise<void> {
  let error: unknown
  try {
    await act()
  } catch (caught) {
    error = caught
  }
  ensure(error !== undefined, `${what} was not refused`)
  ensure(isVeristackError(error), `${what} was refused by an error without a code: ${String(error)}`)
  if (code !== undefined) ensure(error.code === code, `${what} was refused as ${error.code}, not ${code}`)
}

/** The act must end in an error of any form: an aborted signal's reason belongs to the caller. */
export async function throws(act: () => unknown, what: string): Promise<void> {
  let done = false
  try {
    await act()
    done = true
  } catch {
    return
  }
  ensure(!done, `${what} did not throw`)
}

/** A comparable text of plain data, bytes and bigints; members in the order of their names. */
export const text = (value: unknown): string =>
  JSON.stringify(value, function (this: Record<string, unknown>, key) {
    const v = this[key]
    if (typeof v === 'bigint') return `${v}n`
    if (v instanceof Uint8Array) return `bytes ${[...v].join(' ')}`
    if (typeof v !== 'object' || v === null || Array.isArray(v)) return v
    return Object.fromEntries(Object.entries(v).sort(([a], [b]) => (a < b ? -1 : 1)))
  }) ?? 'undefined'

export interface Collected {
  readonly name: string
  readonly error: unknown
}

/** A runner that runs nothing until it is told, and then says what failed: for tests of suites. */
export function collectingRunner(): TestRunner & { run(): Promise<readonly Collected[]> } {
  const tests: { readonly name: string; readonly body: () => Promise<void> }[] = []
  return {
    describe: (_, body) => body(),
    test: (name, body) => {
      tests.push({ name, body })
    },
    run: async () => {
      const results: Collected[] = []
      for (const { name, body } of tests) {
        try {
          await body()
          results.push({ name, error: undefined })
        } catch (error) {
          results.push({ name, error: error ?? new Error('threw nothing') })
        }
      }
      return results
    },
  }
}
