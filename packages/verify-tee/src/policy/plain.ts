import * as z from 'zod'
import { fail } from '../errors.ts'
import { FOR_PEOPLE, faultOf } from './fault.ts'

/** Policies are the caller's: what is wrong with them is told by an error that names the field. */
export function parsePlain<T>(schema: z.ZodType<T>, value: unknown, field: string): T {
  const result = schema.safeParse(value, FOR_PEOPLE)
  if (result.success) return result.data
  const { path, expected, got } = faultOf(result.error)
  throw invalidOption([field, ...path].join('.'), expected, got)
}

/** An option that can not be used: which, what it has to be, and what it was (as {@link shown} tells it). */
export const invalidOption = (field: string, expected: string, got: string) =>
  fail('VS_TEE_INVALID_OPTION', { details: { field, expected, got } })

/** Lower-case hexadecimal without a prefix, of exactly `bytes` bytes. */
export const hexOf = (bytes: number) =>
  z.string().regex(new RegExp(`^[0-9a-f]{${2 * bytes}}$`), `${bytes} bytes in lower-case hexadecimal, without 0x`)

/** Of any length up to `maxBytes`. */
export const hexUpTo = (maxBytes: number) =>
  z
    .string()
    .max(2 * maxBytes, `at most ${maxBytes} bytes in hexadecimal`)
    .regex(/^(?:[0-9a-f]{2})*$/, 'lower-case hexadecimal, without 0x')

/** A list of allowed values: at least one, or the key is left away. */
export const oneOf = <T extends z.ZodType>(item: T) => z.array(item).min(1, 'at least one value').max(4096).readonly()
