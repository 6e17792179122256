import { type ParseArgsConfig, parseArgs } from 'node:util'
import { moment } from '../moment.ts'
import { invalidOption } from '../policy/index.ts'

type Options = NonNullable<ParseArgsConfig['options']>
type Values<O extends Options> = ReturnType<
  typeof parseArgs<{ args: string[]; allowPositionals: true; strict: true; options: O }>
>['values']

/** Options, and one file of evidence. Throws `VS_TEE_INVALID_OPTION`. */
export function parseCommand<const O extends Options>(
  args: readonly string[],
  options: O,
): { readonly values: Values<O>; readonly file: string } {
  const { values, positionals } = parse(args, options)
  const [file, ...more] = positionals
  if (file === undefined || more.length > 0)
    throw invalidOption('FILE', 'one file of evidence', more.length > 0 ? `${positionals.length} files` : 'nothing')
  return { values, file }
}

function parse<const O extends Options>(args: readonly string[], options: O) {
  try {
    return parseArgs({ args: [...args], allowPositionals: true, strict: true, options })
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : ''
    const name = /'(?:-\w, )?(--?[\w-]{1,64})/.exec(message)?.[1] ?? 'something else'
    const known = Object.keys(options).map((option) => `--${option}`)
    if (!known.includes(name)) throw invalidOption('option', known.join(', '), name)
    throw invalidOption(name, /does not take/.test(message) ? 'no value' : 'a value', 'something else')
  }
}

export interface Moment {
  /** Unix seconds. */
  readonly seconds: bigint
  /** For people: the date, and where it is from. */
  readonly text: string
}

const RFC3339 = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)$/
const LAST_SECOND = 253_402_300_799

/** Unix seconds, RFC 3339 with its zone, or `now` by `clock` (milliseconds). */
export function momentOf(text: string, clock: () => number = Date.now): Moment {
  if (text === 'now') {
    const seconds = BigInt(Math.floor(clock() / 1000))
    return { seconds, text: `${moment(seconds)} (the clock of this machine)` }
  }
  const seconds = /^\d{1,12}$/.test(text)
    ? Number(text)
    : RFC3339.test(text) && isDay(text.slice(0, 10))
      ? Math.floor(Date.parse(text.replace(' ', 'T')) / 1000)
      : Number.NaN
  if (!(seconds >= 0 && seconds <= LAST_SECOND))
    throw invalidOption('--now', 'RFC 3339 such as 2026-01-31T12:00:00Z, Unix seconds, or the word now', text)
  return { seconds: BigInt(seconds), text: `${moment(seconds)} (as given)` }
}

/** `Date.parse` takes the 30th of February for a day of March. */
const isDay = (date: string): boolean => {
  const start = Date.parse(`${date}T00:00:00Z`)
  return !Number.isNaN(start) && new Date(start).toISOString().startsWith(date)
}

export function partOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (!/^[1-9]\d{0,3}$/.test(text)) throw invalidOption('--part', 'a number from 1', text)
  return Number(text)
}

export function required(value: string | undefined, name: string, expected: string): string {
  if (value === undefined || value === '') throw invalidOption(name, expected, 'nothing')
  return value
}
