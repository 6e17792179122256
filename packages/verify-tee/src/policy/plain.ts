import * as z from 'zod'
import { fail } from '../errors.ts'

/** Policies and collateral are the caller's: what is wrong with them is told by an error that names the field. */
export function parsePlain<T>(schema: z.ZodType<T>, value: unknown, field: string): T {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const issue = result.error.issues[0]
  throw fail('VS_TEE_INVALID_OPTION', {
    details: {
      field: [field, ...(issue?.path ?? []).map(String)].join('.'),
      expected: issue?.message ?? 'other data',
    },
  })
}

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
