import { type ParseArgsConfig, parseArgs } from 'node:util'
import { fail } from '../errors.ts'

type Options = NonNullable<ParseArgsConfig['options']>
type Parsed<O extends Options> = ReturnType<
  typeof parseArgs<{ args: string[]; allowPositionals: true; strict: true; options: O }>
>

/** `parseArgs` with this command line's error, for commands that take options alone. */
export function parseOptionsAlone<const O extends Options>(args: readonly string[], options: O): Parsed<O>['values'] {
  const { values, positionals } = parseOptions(args, options)
  // Not repeated: it may be anything.
  if (positionals.length > 0)
    throw fail('VS_CLI_USAGE', {
      details: { expected: 'options and their values', got: `${positionals.length} more beside them` },
    })
  return values
}

/** `parseArgs` with this command line's error. */
export function parseOptions<const O extends Options>(args: readonly string[], options: O): Parsed<O> {
  try {
    return parseArgs({ args: [...args], allowPositionals: true, strict: true, options })
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause)
    throw fail('VS_CLI_USAGE', { message: message.split('. ')[0] ?? message, cause })
  }
}

export function required(value: string | undefined, name: string): string {
  if (value === undefined || value === '')
    throw fail('VS_CLI_USAGE', { details: { field: name, expected: 'a value', got: 'nothing' } })
  return value
}

export function wholeNumber(text: string | undefined, name: string, lo: number, hi: number): number | undefined {
  if (text === undefined) return undefined
  const value = Number(text)
  if (!/^\d+$/.test(text) || value < lo || value > hi) {
    throw fail('VS_CLI_USAGE', { details: { field: name, expected: `a whole number of ${lo} to ${hi}`, got: text } })
  }
  return value
}
