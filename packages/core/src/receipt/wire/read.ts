import type { z } from 'zod'
import { show } from '../../claim/index.ts'
import { fail } from '../../errors/index.ts'

/** The value that a schema makes of plain data, or `VS_CORE_INVALID_DATA` with the path of the first field at fault. */
export function read<T>(schema: z.ZodType<T>, value: unknown, field: string): T {
  const result = schema.safeParse(value, { jitless: true, reportInput: true })
  if (result.success) return result.data
  const [issue] = result.error.issues
  throw issue === undefined ? fail('VS_CORE_INVALID_DATA', { details: { field } }) : refusal(deepest(issue), field)
}

type Issue = z.core.$ZodIssue

/** Of a union's branches, the one that got furthest is the one that was meant. */
function deepest(issue: Issue): Issue {
  if (issue.code !== 'invalid_union') return issue
  const inner = issue.errors.flatMap((branch) => {
    const [first] = branch
    return first === undefined || branch.some((i) => i.path.length === 0) ? [] : [deepest(first)]
  })
  const [best] = inner.sort((a, b) => b.path.length - a.path.length)
  return best === undefined ? issue : { ...best, path: [...issue.path, ...best.path] }
}

function refusal(issue: Issue, field: string) {
  const path = issue.path.reduce<string>(
    (at, key) => (typeof key === 'number' ? `${at}[${key}]` : `${at}.${String(key)}`),
    field,
  )
  if (issue.code === 'unrecognized_keys') {
    return fail('VS_CORE_INVALID_DATA', {
      details: {
        field: path,
        expected: 'no other fields',
        got: issue.keys
          .map((k) => show(k))
          .join(', ')
          .slice(0, 200),
      },
    })
  }
  return fail('VS_CORE_INVALID_DATA', { details: { field: path, expected: expectation(issue), got: got(issue.input) } })
}

function expectation(issue: Issue): string {
  if (issue.code === 'invalid_type') return issue.expected
  if (issue.code === 'invalid_value') return issue.values.map((v) => show(v)).join(' | ')
  return issue.message
}

function got(input: unknown): string {
  if (input === undefined) return 'nothing'
  if (Array.isArray(input)) return `an array of ${input.length}`
  if (typeof input === 'object' && input !== null)
    return `an object with ${Object.keys(input).slice(0, 8).join(', ') || 'no fields'}`
  return show(input)
}
