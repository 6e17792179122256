/*
 * What Intel's services sign, read strictly: names that are unknown or missing and values of another kind are refused. Of our
 * own because it is read anew for every verdict on collateral that was not seen before, and a library's schema takes several
 * times as long.
 */
import { malformed } from '../ledger.ts'
import { shown } from '../policy/index.ts'

/** Reads what `JSON.parse` made; `undefined` where there is nothing. `at` says where it stands. Refuses what it does not expect. */
export type Read<T> = (value: unknown, at: string) => T

type Shape = { readonly [name: string]: Read<unknown> }
type Members<S extends Shape> = { readonly [K in keyof S]: ReturnType<S[K]> }

const refuse = (at: string, expected: string, value: unknown) => malformed(at, expected, shown(value))

export function record<S extends Shape>(shape: S): Read<Members<S>> {
  const readers = Object.entries(shape)
  return (value, at) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw refuse(at, 'an object', value)
    // Before what is missing: it may be there, misspelled.
    for (const name of Object.keys(value))
      if (!Object.hasOwn(shape, name))
        throw malformed(at, `no keys but ${Object.keys(shape).join(', ')}`, `the key ${shown(name)}`)
    const given = value as { readonly [name: string]: unknown }
    const found: { [name: string]: unknown } = {}
    for (const [name, read] of readers) found[name] = read(given[name], `${at}.${name}`)
    return found as Members<S>
  }
}

export const listOf =
  <T>(read: Read<T>, least: number, most: number): Read<readonly T[]> =>
  (value, at) => {
    if (!Array.isArray(value) || value.length < least || value.length > most)
      throw refuse(at, `a list of ${least} to ${most}`, value)
    return value.map((item, i) => read(item, `${at}.${i}`))
  }

/** Where it is left away, an empty one. */
export const listOrNone =
  <T>(read: Read<readonly T[]>): Read<readonly T[]> =>
  (value, at) =>
    value === undefined ? [] : read(value, at)

export const count =
  (most: number): Read<number> =>
  (value, at) => {
    if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > most)
      throw refuse(at, `a whole number from 0 to ${most}`, value)
    return value
  }

export const literal =
  <const T extends string | number>(...values: readonly T[]): Read<T> =>
  (value, at) => {
    const known = values.find((each) => each === value)
    if (known === undefined) throw refuse(at, values.map((each) => JSON.stringify(each)).join(' or '), value)
    return known
  }

export const textLike =
  (form: RegExp, expected: string): Read<string> =>
  (value, at) => {
    if (typeof value !== 'string' || !form.test(value)) throw refuse(at, expected, value)
    return value
  }

/** Bytes in hexadecimal of either case, as the services write it; lower case afterwards. */
export function hex(bytes: number): Read<string> {
  const read = textLike(new RegExp(`^[0-9a-fA-F]{${2 * bytes}}$`), `${bytes} bytes in hexadecimal`)
  return (value, at) => read(value, at).toLowerCase()
}

const MOMENT = /^(\d{4})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\dZ$/

/** `2025-06-19T10:16:03Z`. */
export const moment: Read<string> = (value, at) => {
  const [text, year, month, day] = typeof value === 'string' ? (MOMENT.exec(value) ?? []) : []
  // Dates that do not exist (30 February) are moved on by some engines.
  const last = Number(day) <= 28 ? 28 : new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate()
  if (text === undefined || Number(day) > last) throw refuse(at, 'a time in Zulu with seconds', value)
  return text
}

/** The same as Unix seconds. */
export const time: Read<bigint> = (value, at) => BigInt(Date.parse(moment(value, at)) / 1000)
